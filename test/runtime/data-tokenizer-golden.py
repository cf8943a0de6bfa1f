"""Writes data-tokenizer-golden.json: small tokenizers of three kinds, trained on the sentences below, and the ids that
Hugging Face's tokenizers give for texts of ours; and, for the real bases in ../../../shared, a digest of the ids of real
data, which is not copied. Run: python3 data-tokenizer-golden.py"""
import hashlib, json, os
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer

here = os.path.dirname(os.path.abspath(__file__))
corpus = ["the cat sat on the warm mat", "a small dog ran to the warm house", "the film was warm and small", "영화가 정말 좋았다", "정말 따뜻한 영화", "it's warm!"] * 4

pieces = Tokenizer(models.WordPiece(unk_token="[UNK]"))
pieces.normalizer = normalizers.BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=False, lowercase=True)
pieces.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
pieces.train_from_iterator(corpus, trainers.WordPieceTrainer(vocab_size=90, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False))
pieces.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
pieces.decoder = decoders.WordPiece()

fallback = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
fallback.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
fallback.train_from_iterator([c for c in corpus if c.isascii()], trainers.BpeTrainer(vocab_size=310, special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{i:02X}>" for i in range(256)], show_progress=False))
state = json.loads(fallback.to_str())
state["added_tokens"] = [t for t in state["added_tokens"] if not t["content"].startswith("<0x")]
fallback = Tokenizer.from_str(json.dumps(state))
fallback.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
fallback.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])

level = Tokenizer(models.BPE())
level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
level.train_from_iterator(corpus, trainers.BpeTrainer(vocab_size=290, special_tokens=["<|end|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
level.post_processor = processors.ByteLevel(trim_offsets=False)
level.decoder = decoders.ByteLevel()

settings = {
    "pieces": {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": {"content": "[SEP]"}, "unk_token": "[UNK]", "mask_token": "[MASK]", "model_max_length": 64},
    "fallback": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "model_max_length": 1e30},
    "level": {"eos_token": "<|end|>", "truncation_side": "left"},
}
texts = ["the warm cat", "The CAT sat on a mat!", "영화가 좋았다", "정말 😀 따뜻한 film", "", "  two  spaces ", "xyz [MASK] <s>q</s><|end|>", "it's a dog's house\nand a\ttab", "漢字 and é", "warm " * 40]
out = {"tokenizers": [], "shared": []}
for name, tokenizer in [("pieces", pieces), ("fallback", fallback), ("level", level)]:
    cases = []
    for text in texts:
        for most in [None, 9, 4]:
            tokenizer.no_truncation()
            if most is not None:
                tokenizer.enable_truncation(most, direction=settings[name].get("truncation_side", "right"))
            cases.append({"text": text, "max": most, "ids": tokenizer.encode(text).ids})
    tokenizer.no_truncation()
    out["tokenizers"].append({"name": name, "tokenizer": json.loads(tokenizer.to_str()), "settings": settings[name], "size": tokenizer.get_vocab_size(), "cases": cases})

shared = os.path.join(here, "../../../shared")
for model, file, column, header, most in [("ko-bert", "nsmc/ratings_train.tsv", 1, True, 32), ("stories260K", "sst2/train.tsv", 0, False, 48)]:
    tokenizer = AutoTokenizer.from_pretrained(os.path.join(shared, "models", model))
    lines = [l for l in open(os.path.join(shared, "data", file), encoding="utf8").read().split("\n") if l][1 if header else 0:][:200]
    texts = [l.split("\t")[column] for l in lines]
    ids = [tokenizer(t)["input_ids"] for t in texts] + [tokenizer(t, truncation=True, max_length=most)["input_ids"] for t in texts]
    digest = hashlib.sha256(json.dumps(ids, separators=(",", ":")).encode()).hexdigest()
    out["shared"].append({"model": model, "file": file, "column": column, "header": header, "max": most, "count": sum(map(len, ids)), "sha256": digest})
json.dump(out, open(os.path.join(here, "data-tokenizer-golden.json"), "w"), ensure_ascii=False, separators=(",", ":"))
