"""Writes torch-random.json: draws of PyTorch's CPU generator, which runtime/torch-random.ts must repeat. Run from the repository root."""
import json
import torch

CALLS = [
    ("normal", 7, 0, 1), ("normal", 4, 0, 0.5), ("uniform", 5, -0.25, 0.5), ("normal", 16, 0, 1), ("normal", 37, 1.0, 0.02),
    ("permutation", 11), ("normal", 3, 0, 1), ("uniform", 20, 0, 1), ("normal", 640, 0, 1), ("permutation", 1000),
]


def draw(kind, size, *args):
    if kind == "permutation":
        return torch.randperm(size).tolist()
    tensor = torch.empty(size)
    (tensor.normal_ if kind == "normal" else tensor.uniform_)(*args)
    return [float("%.9g" % x) for x in tensor.tolist()]


cases = []
for seed in (0, 42, 2**32 + 7, 123456789):
    torch.manual_seed(seed)
    calls = []
    for call in CALLS:
        values = draw(*call)
        short = len(values) <= 40
        calls.append({"call": list(call), "first": values if short else values[:8], "last": [] if short else values[-8:], "count": len(values)})
    cases.append({"seed": seed, "calls": calls})
with open("test/parity/torch-random.json", "w") as file:
    json.dump({"torch": torch.__version__, "cases": cases}, file)
    file.write("\n")
