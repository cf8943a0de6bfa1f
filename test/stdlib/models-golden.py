"""Records logits of transformers for tiny models of every family, with weights that a test can make again.

Run with transformers 5.18: OMP_NUM_THREADS=1 python test/stdlib/models-golden.py
Writes models-golden.json beside this file. Element i of tensor NAME is a function of both alone, see `values`.
"""

import json
import pathlib
import tempfile

import numpy as np
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import save_file

LABELS = 3
LENGTH = 8
PADDING = 2

# What says nothing about the computation.
NOISE = {
    "architectures", "transformers_version", "dtype", "id2label", "label2id", "use_cache", "initializer_range", "bos_token_id",
    "eos_token_id", "sep_token_id", "problem_type", "gradient_checkpointing", "chunk_size_feed_forward", "is_encoder_decoder",
    "output_attentions", "output_hidden_states", "return_dict", "initializer_factor", "add_cross_attention",
}


def values(name: str, shape) -> torch.Tensor:
    """Numbers between -0.3 and 0.3 from a hash of name and index, around 1 where the tensor is a gain."""
    h = 2166136261
    for c in name.encode():
        h = ((h ^ c) * 16777619) & 0xFFFFFFFF
    n = int(np.prod(shape))
    x = (h + np.arange(n, dtype=np.uint64) * 0x9E3779B1) & 0xFFFFFFFF
    x ^= x >> 15
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 13
    gain = 1.0 if len(shape) == 1 and name.endswith(".weight") else 0.0
    return torch.tensor(gain + 0.6 * (x.astype(np.float64) / 2**32 - 0.5), dtype=torch.float32).reshape(shape)


def batch(vocabulary: int, pad: int):
    """Two rows, the second with padding at its end; no id is that of padding."""
    ids = [[5 + (7 * row + 11 * i + i * i) % (vocabulary - 5) for i in range(LENGTH)] for row in range(2)]
    mask = [[1] * LENGTH, [1] * (LENGTH - PADDING) + [0] * PADDING]
    ids[1][LENGTH - PADDING:] = [pad] * PADDING
    return ids, mask


def old_rope(config, theta="rope_theta"):
    """The keys that transformers before 5 wrote."""
    config = dict(config)
    rope = dict(config.pop("rope_parameters"))
    config[theta] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    part = rope.pop("partial_rotary_factor", None)
    if part is not None:
        config["rotary_pct" if theta == "rotary_emb_base" else "partial_rotary_factor"] = part
    config["rope_scaling"] = None if kind == "default" else {"rope_type": kind, **rope}
    config.pop("layer_types", None)
    return config


def old_neox(config):
    return old_rope(config, "rotary_emb_base")


def old_gemma3(config):
    config = dict(config)
    rope = config.pop("rope_parameters")
    full = dict(rope["full_attention"])
    config["rope_theta"] = full.pop("rope_theta")
    config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
    kind = full.pop("rope_type")
    config["rope_scaling"] = None if kind == "default" else {"rope_type": kind, **full}
    config.pop("layer_types")
    config["sliding_window_pattern"] = config.pop("_sliding_window_pattern")
    return config


cases = []


def case(title, task, model, config, old=None, unused=()):
    """`unused` are tensors that transformers writes and does not compute with."""
    cases.append((title, task, model, config, old, unused))


shape = dict(vocab_size=24, hidden_size=16, num_hidden_layers=2, num_attention_heads=4, intermediate_size=24, max_position_embeddings=32, pad_token_id=0)
bert = dict(**shape, type_vocab_size=2)
roberta = {**bert, "pad_token_id": 1}
distil = dict(vocab_size=24, dim=16, n_layers=2, n_heads=4, hidden_dim=24, max_position_embeddings=32, pad_token_id=0)
gpt2 = dict(vocab_size=24, n_embd=16, n_layer=2, n_head=4, n_positions=32, pad_token_id=0)
grouped = dict(**shape, num_key_value_heads=2)
gemma = dict(**grouped, head_dim=8, query_pre_attn_scalar=6, sliding_window=3)
neox = {**shape, "hidden_size": 32, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}}

heads = {"classify": "SequenceClassification", "regress": "SequenceClassification", "tag": "TokenClassification", "mlm": "MaskedLM", "causal": "CausalLM"}


def each(family, config, tasks, old=None):
    for task in tasks:
        case(f"{family} {task}", task, family + "For" + heads[task], config, old)


each("Bert", bert, ["classify", "regress", "tag", "mlm"])
case("Bert relu", "classify", "BertForSequenceClassification", {**bert, "hidden_act": "relu"})
case("Bert gelu_new", "mlm", "BertForMaskedLM", {**bert, "hidden_act": "gelu_new"})
case("Bert untied", "mlm", "BertForMaskedLM", {**bert, "tie_word_embeddings": False}, unused=["cls.predictions.bias"])
each("Roberta", roberta, ["classify", "regress", "tag", "mlm"])
case("Roberta silu", "mlm", "RobertaForMaskedLM", {**roberta, "hidden_act": "silu"})
case("Roberta untied", "mlm", "RobertaForMaskedLM", {**roberta, "tie_word_embeddings": False}, unused=["lm_head.bias"])
each("XLMRoberta", {**roberta, "type_vocab_size": 1}, ["classify", "regress", "tag", "mlm"])
each("DistilBert", distil, ["classify", "regress", "tag", "mlm"])
case("DistilBert relu", "mlm", "DistilBertForMaskedLM", {**distil, "activation": "relu"})
case("DistilBert untied", "mlm", "DistilBertForMaskedLM", {**distil, "tie_word_embeddings": False})
each("Electra", {**bert, "embedding_size": 8}, ["classify", "regress", "tag", "mlm"])
case("Electra wide", "classify", "ElectraForSequenceClassification", {**bert, "embedding_size": 16})
case("Electra untied", "mlm", "ElectraForMaskedLM", {**bert, "embedding_size": 8, "tie_word_embeddings": False})
case("Electra wide mlm", "mlm", "ElectraForMaskedLM", {**bert, "embedding_size": 16, "hidden_act": "relu"})

case("GPT2 causal", "causal", "GPT2LMHeadModel", gpt2)
each("GPT2", gpt2, ["classify", "regress", "tag"])
case("GPT2 untied", "causal", "GPT2LMHeadModel", {**gpt2, "tie_word_embeddings": False})
case("GPT2 inner", "causal", "GPT2LMHeadModel", {**gpt2, "n_inner": 20, "activation_function": "relu"})

each("GPTNeoX", neox, ["causal", "classify", "regress", "tag"], old_neox)
case("GPTNeoX serial", "causal", "GPTNeoXForCausalLM", {**neox, "use_parallel_residual": False}, old_neox)
case("GPTNeoX whole rotary", "causal", "GPTNeoXForCausalLM", {**neox, "attention_bias": False, "rope_parameters": {"rope_type": "default", "rope_theta": 500.0, "partial_rotary_factor": 1.0}}, old_neox)
case("GPTNeoX linear", "causal", "GPTNeoXForCausalLM", {**neox, "rope_parameters": {"rope_type": "linear", "factor": 3.0, "rope_theta": 10000.0, "partial_rotary_factor": 0.5}}, old_neox)
case("GPTNeoX tied", "causal", "GPTNeoXForCausalLM", {**neox, "tie_word_embeddings": True, "hidden_act": "gelu_new"})

llama = {**grouped, "hidden_size": 32}
each("Llama", llama, ["causal", "classify", "regress", "tag"], old_rope)
case("Llama tied, one key head, biases, wide heads", "causal", "LlamaForCausalLM", {**llama, "tie_word_embeddings": True, "num_key_value_heads": 1, "head_dim": 12, "attention_bias": True, "mlp_bias": True}, old_rope)
case("Llama all key heads", "causal", "LlamaForCausalLM", {**llama, "num_key_value_heads": 4, "hidden_act": "gelu_pytorch_tanh"}, old_rope)
ropes = {
    "linear": dict(rope_type="linear", factor=2.0),
    "dynamic": dict(rope_type="dynamic", factor=2.0),
    "llama3": dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32),
    "yarn": dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=8),
    "yarn with its numbers": dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=4.0, beta_slow=0.5, mscale=1.2, mscale_all_dim=0.8),
    "yarn with a factor of attention": dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, attention_factor=1.3, truncate=False),
}
for name, rope in ropes.items():
    case(f"Llama {name}", "causal", "LlamaForCausalLM", {**llama, "head_dim": 16, "rope_parameters": {"rope_theta": 100.0, **rope}}, old_rope)

each("Mistral", {**grouped, "sliding_window": 3}, ["causal", "classify", "regress", "tag"], old_rope)
case("Mistral without window", "causal", "MistralForCausalLM", {**grouped, "sliding_window": None, "head_dim": 6, "tie_word_embeddings": True}, old_rope)

each("Qwen2", grouped, ["causal", "classify", "regress", "tag"], old_rope)
case("Qwen2 tied", "causal", "Qwen2ForCausalLM", {**grouped, "tie_word_embeddings": True}, old_rope)
case("Qwen2 window", "causal", "Qwen2ForCausalLM", {**grouped, "use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1}, old_rope)
case("Qwen2 layer types", "causal", "Qwen2ForCausalLM", {**grouped, "use_sliding_window": True, "sliding_window": 3, "layer_types": ["sliding_attention", "full_attention"]})

each("Qwen3", {**grouped, "head_dim": 6}, ["causal", "classify", "regress", "tag"], old_rope)
case("Qwen3 window, biases, tied", "causal", "Qwen3ForCausalLM", {**grouped, "head_dim": 4, "attention_bias": True, "tie_word_embeddings": True, "use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1}, old_rope)
each("Olmo2", grouped, ["causal", "classify", "regress"], old_rope)

each("Gemma2", gemma, ["causal", "classify", "regress", "tag"], old_rope)
case("Gemma2 without caps, untied", "causal", "Gemma2ForCausalLM", {**gemma, "final_logit_softcapping": None, "attn_logit_softcapping": None, "tie_word_embeddings": False}, old_rope)
case("Gemma2 small caps", "causal", "Gemma2ForCausalLM", {**gemma, "final_logit_softcapping": 2.0, "attn_logit_softcapping": 1.0, "layer_types": ["full_attention", "sliding_attention"]})

gemma3 = {**gemma, "num_hidden_layers": 3, "sliding_window_pattern": 3}
for task, model in {"causal": "Gemma3ForCausalLM", "classify": "Gemma3TextForSequenceClassification", "regress": "Gemma3TextForSequenceClassification"}.items():
    case(f"Gemma3 {task}", task, model, gemma3, old_gemma3)
case("Gemma3 linear", "causal", "Gemma3ForCausalLM", {**gemma3, "rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 1000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}}, old_gemma3)
case("Gemma3 layer types, untied, cap", "causal", "Gemma3ForCausalLM", {**gemma3, "layer_types": ["full_attention", "sliding_attention", "full_attention"], "tie_word_embeddings": False, "final_logit_softcapping": 3.0, "attention_bias": True})

each("Phi3", grouped, ["causal", "classify", "regress", "tag"], old_rope)
case("Phi3 window, part of a head", "causal", "Phi3ForCausalLM", {**grouped, "hidden_size": 32, "sliding_window": 3, "tie_word_embeddings": True, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.75}}, old_rope)
long = dict(rope_type="longrope", rope_theta=100.0, short_factor=[1.0, 1.1, 1.3], long_factor=[1.5, 2.0, 3.0], partial_rotary_factor=0.75)
for name, most in {"short": 16, "long": 6}.items():
    case(f"Phi3 longrope, {name}", "causal", "Phi3ForCausalLM", {**grouped, "hidden_size": 32, "original_max_position_embeddings": most, "rope_parameters": dict(long)}, old_rope)


def record(title, task, name, given, old, unused):
    model_class = getattr(transformers, name)
    labels = 1 if task == "regress" else LABELS
    given = json.loads(json.dumps(given))
    config = model_class.config_class(**given, **({"num_labels": labels} if task in ("classify", "regress", "tag") else {}))
    with tempfile.TemporaryDirectory() as folder:
        model_class(config).save_pretrained(folder)
        saved = json.loads((pathlib.Path(folder) / "config.json").read_text())
        file = pathlib.Path(folder) / "model.safetensors"
        with safe_open(file, "pt") as f:
            tensors = {key: list(f.get_slice(key).get_shape()) for key in f.keys()}
        # By the names in the file: those of the modules may be others.
        save_file({key: values(key, size) for key, size in tensors.items()}, file, {"format": "pt"})
        model, info = model_class.from_pretrained(folder, attn_implementation="eager", output_loading_info=True)
        assert not info["missing_keys"] and not info["unexpected_keys"], f"{title}: {info}"
    written = {key: value for key, value in saved.items() if key not in NOISE}
    vocabulary = given["vocab_size"]
    ids, mask = batch(vocabulary, config.pad_token_id)
    with torch.no_grad():
        logits = model.eval()(input_ids=torch.tensor(ids), attention_mask=torch.tensor(mask)).logits
    return {
        "title": title,
        "task": task,
        "config": written,
        **({"old": old(written)} if old else {}),
        "tensors": {key: size for key, size in tensors.items() if key not in unused},
        "ids": ids,
        "mask": mask,
        "shape": list(logits.shape),
        "logits": [float(f"{v:.6g}") for v in logits.flatten().tolist()],
    }


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.manual_seed(0)
    done = [record(*c) for c in cases]
    lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in done)
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(f'{{"transformers":"{transformers.__version__}","cases":[\n{lines}\n]}}\n')
    print(len(done), "cases,", path.stat().st_size, "bytes")
