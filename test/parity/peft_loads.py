"""Loads an adapter folder with PEFT and prints the relative L2 error of its logits against recorded ones.

usage: peft_loads.py BASE ADAPTER INPUTS.json      INPUTS: ids, mask (lists of rows), logits (flat), labels (number of classes)
Prints one JSON object: error, and the keys of the adapter that PEFT did not use.
"""
import json, sys, warnings
warnings.filterwarnings('ignore')
import torch, transformers
from transformers import AutoModelForSequenceClassification
from peft import PeftModel
from safetensors.torch import load_file
transformers.logging.set_verbosity_error(); transformers.utils.logging.disable_progress_bar()
base, adapter, inputs = sys.argv[1:4]
data = json.load(open(inputs))
model = AutoModelForSequenceClassification.from_pretrained(base, num_labels=data['labels'], attn_implementation='eager').float()
peft = PeftModel.from_pretrained(model, adapter); peft.eval()
have = {n.replace('.default', '').replace('.modules_to_save', ''): p for n, p in peft.named_parameters()}
saved = load_file(adapter + '/adapter_model.safetensors')
unused = [k for k, v in saved.items() if k not in have or not torch.equal(have[k].detach(), v)]
with torch.no_grad():
    out = peft(input_ids=torch.tensor(data['ids']), attention_mask=torch.tensor(data['mask'])).logits
want = torch.tensor(data['logits']).view_as(out)
print(json.dumps({'error': float((out - want).norm() / want.norm()), 'unused': unused}))
