"""Loads adapter folders with PEFT and compares them with what they are said to be.

usage: peft_loads.py < CASES
CASES: on each line one {name, base, task, labels, ids, mask, logits, folders: [{path, logits, key}]}; `logits` (flat) are those with
all folders at once, `key` names the tensor that the control changes.
Prints on one line a JSON list of what each folder gave:
  name, folder
  error      relative L2 error of the logits
  control    the same with one tensor of the file changed
  missing    tensors that PEFT would write and the file lacks, or that PEFT said it missed
  unused     tensors of the file that PEFT does not have with their value
  warnings   what PEFT warned of
Beside each folder it writes what PEFT saves of it, under its name with `-saved`;
and for each case with several folders, under the folder `together`, the error of folding one after the other into the base.
"""

import json, os, re, shutil, sys, warnings

import torch, transformers
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

transformers.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()
torch.manual_seed(0)

CLASSES = {"causal": AutoModelForCausalLM, "classify": AutoModelForSequenceClassification}
# Said of any adapter that acts on embeddings or heads, of base and adapter together; not of what was loaded.
HARMLESS = re.compile(r"save_embedding_layers|tie_word_embeddings|weight tying|is part of the adapter|have been newly initialized|proceed at your own risk|CUDA extension|boft_n_butterfly_factor|symmetric initialization|lora_bias=True")


def config_of(folder):
    with open(os.path.join(folder, "adapter_config.json")) as file:
        return json.load(file)


def open_base(case):
    more = {"num_labels": case["labels"]} if case["task"] == "classify" else {}
    return CLASSES[case["task"]].from_pretrained(case["base"], attn_implementation="eager", **more).float().eval()


def load(case, folder, base=None):
    return PeftModel.from_pretrained(base if base is not None else open_base(case), folder).eval()


def error(case, model, want):
    with torch.no_grad():
        out = model(input_ids=torch.tensor(case["ids"]), attention_mask=torch.tensor(case["mask"])).logits
    want = torch.tensor(want)
    if out.numel() != want.numel():
        return f"{list(out.shape)} for {want.numel()} numbers"
    return float((out - want.view_as(out)).norm() / want.norm())


def changed(case, folder, key, want):
    copy = folder + "-control"
    shutil.copytree(folder, copy)
    file = os.path.join(copy, "adapter_model.safetensors")
    tensors = load_file(file)
    tensors[key] = tensors[key] + 0.5 * torch.cos(torch.arange(tensors[key].numel())).view_as(tensors[key])
    save_file(tensors, file, metadata={"format": "pt"})
    return error(case, load(case, copy), want)


def same(a, b):
    return a.shape == b.shape and torch.allclose(a.float(), b.float(), rtol=1e-5, atol=1e-6)


def judge(case, folder, key, want):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        peft = load(case, folder)
    said = [str(w.message) for w in caught if not HARMLESS.search(str(w.message)) and not issubclass(w.category, (DeprecationWarning, FutureWarning, ResourceWarning))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        written = get_peft_model_state_dict(peft, save_embedding_layers=False)
        peft.save_pretrained(folder + "-saved")
    file = load_file(os.path.join(folder, "adapter_model.safetensors"))
    everything = peft.state_dict()
    unused = [k for k, v in file.items() if not same(written[k] if k in written else everything.get(k, torch.empty(0)), v)]
    return {
        "error": error(case, peft, want),
        "control": changed(case, folder, key, want),
        "missing": sorted(set(written) - set(file)),
        "unused": sorted(unused),
        "warnings": said,
    }


def judged(case, name, work):
    try:
        return {"name": case["name"], "folder": name, **work()}
    except Exception as e:
        if os.environ.get("PEFT_DEBUG"):
            import traceback; traceback.print_exc()
        return {"name": case["name"], "folder": name, "failed": f"{type(e).__name__}: {e}"}


def together(case):
    model = open_base(case)
    # What cannot be folded in, virtual tokens, comes last.
    folders = sorted((f["path"] for f in case["folders"]), key=lambda path: "target_modules" not in config_of(path))
    for path in folders:
        model = load(case, path, model)
        if path != folders[-1]:
            model = model.merge_and_unload()
    return {"error": error(case, model, case["logits"])}


found = []
for line in sys.stdin:
    case = json.loads(line)
    for folder in case["folders"]:
        found.append(judged(case, os.path.basename(folder["path"]), lambda: judge(case, folder["path"], folder["key"], folder["logits"])))
    if len(case["folders"]) > 1:
        found.append(judged(case, "together", lambda: together(case)))
print(json.dumps(found))
