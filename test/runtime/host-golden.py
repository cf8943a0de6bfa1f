# Writes host-golden.json: what PyTorch and PEFT draw and decompose on the CPU. Needs torch, peft.
#   OMP_NUM_THREADS=1 python3 test/runtime/host-golden.py
import json
import os

import torch
from peft import LoraConfig, RandLoraConfig, ShiraConfig, VeraConfig, get_peft_model
from torch import nn


def permutation(count, seed, take):
    torch.manual_seed(seed)
    first = torch.randperm(count)[:take]
    assert torch.equal(first, torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:take])
    return {"count": count, "seed": seed, "first": first.tolist()}


def uniform(size, low=-0.3, high=0.7):
    generator = torch.Generator().manual_seed(7)
    values = torch.empty(size).uniform_(low, high, generator=generator)
    bits = values.view(torch.int32).to(torch.int64)
    index = torch.arange(1, size + 1)
    return {"size": size, "low": low, "high": high, "bits": int((bits * index % 1000003).sum() % 1000003), "last": values[-1].item(), "next": torch.rand(3, generator=generator).tolist()}


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.first = nn.Linear(7, 12, bias=False)
        self.second = nn.Linear(10, 5, bias=False)


def base(model):
    return model.base_model.model


def whole(tensor):
    return {"shape": list(tensor.shape), "data": tensor.detach().float().flatten().tolist()}


def vera():
    model = get_peft_model(Model(), VeraConfig(r=4, target_modules=["first", "second"], projection_prng_key=11))
    return {"seed": 11, "rank": 4, "a": whole(model.base_model.vera_A["default"]), "b": whole(model.base_model.vera_B["default"])}


def basis(kind):
    options = {} if kind == "dense" else {kind: True}
    model = get_peft_model(Model(), RandLoraConfig(r=4, target_modules=["first", "second"], projection_prng_key=3, **options))
    a, b = model.base_model.randlora_A["default"], model.base_model.randlora_B["default"]
    return {"kind": kind, "seed": 3, "rank": 4, "dtype": str(a.dtype), "a": whole(a), "b": whole(b)}


def cells(seed):
    model = get_peft_model(Model(), ShiraConfig(r=2, target_modules=["first"], random_seed=seed))
    return {"rows": 12, "columns": 7, "seed": 67280421310721 if seed is None else seed, "indices": whole(base(model).first.shira_indices["default"])}


def factors(init):
    weight = Model().first.weight.detach().clone()
    model = get_peft_model(Model(), LoraConfig(r=4, lora_alpha=12, target_modules=["first"], init_lora_weights=init))
    layer = base(model).first
    return {"init": init, "rank": 4, "scale": layer.scaling["default"], "weight": whole(weight), "a": whole(layer.lora_A["default"].weight), "b": whole(layer.lora_B["default"].weight), "left": whole(layer.base_layer.weight)}


def qr(rows, columns, zero=None):
    torch.manual_seed(rows * 100 + columns)
    a = torch.randn(rows, columns)
    if zero is not None:
        a[zero + 1 :, zero] = 0
        a[:zero, zero] = 0
    q, r = torch.linalg.qr(a.double())
    return {"matrix": whole(a), "q": q.flatten().tolist(), "r": r.flatten().tolist()}


# Counts from 214748364 on need some gigabytes here.
wide = [permutation(214748363, 777, 8), permutation(214748364, 777, 8)]
golden = {
    "permutations": [permutation(*p) for p in [(589824, 777, 40), (100, 777, 100), (1, 0, 1), (2, 5, 2), (7, 123, 7), (8191, 42, 64), (65537, 2**32 + 9, 64), (10, -5, 10), (1001, 0, 1000)]] + wide,
    "uniforms": [uniform(n) for n in [1, 15, 16, 17, 1000, 70000]],
    "projections": vera(),
    "bases": [basis(kind) for kind in ["dense", "sparse", "very_sparse"]],
    "cells": [cells(5), cells(None)],
    "factors": [factors("pissa"), factors("olora")],
    "qr": [qr(6, 6), qr(9, 4), qr(4, 9), qr(5, 5, 0), qr(1, 3), qr(3, 1)],
}
with open(os.path.join(os.path.dirname(__file__), "host-golden.json"), "w") as file:
    json.dump(golden, file)
    file.write("\n")
