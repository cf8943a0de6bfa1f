"""Writes weights-golden.json: a safetensors file of the reference library and the numbers it holds. Run: python3 weights-golden.py"""
import base64, json, os
import torch
from safetensors.torch import save

g = torch.Generator().manual_seed(7)
tensors = {
    "b.weight": torch.randn(3, 5, generator=g),
    "a.half": torch.tensor([1.0, -2.5, 65504.0, 6e-8, 6.1e-5, float("inf"), -0.0, 0.1], dtype=torch.float16),
    "a.brain": torch.randn(2, 3, generator=g).to(torch.bfloat16),
    "c.ids": torch.tensor([[1, -100], [2147483647, -2147483648]], dtype=torch.int64),
    "c.mask": torch.tensor([0, 1, 255], dtype=torch.uint8),
    "d.wide": torch.tensor([0.1, -3.0], dtype=torch.float64),
    "e.scalar": torch.tensor(2.5),
    "f.flags": torch.tensor([True, False]),
    "가중치": torch.zeros(2, 0),
}
data = save(tensors, metadata={"format": "pt"})
out = {
    "file": base64.b64encode(data).decode(),
    "tensors": [
        {"name": k, "shape": list(v.shape), "values": [x if abs(x) != float("inf") else ("Infinity" if x > 0 else "-Infinity") for x in v.double().flatten().tolist()]}
        for k, v in tensors.items()
    ],
}
json.dump(out, open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "weights-golden.json"), "w"), ensure_ascii=False, separators=(",", ":"))
