# Writes host-wavelets-golden.json: inverse transforms and moments of filters by PyWavelets. With --table it prints the choice of filters
# that stands in stdlib/wavelets/wavelets.peft. Needs PyWavelets 1.8.
#   python3 test/runtime/host-wavelets-golden.py
import json
import os
import sys

import numpy
import pywt

names = [f"db{n}" for n in range(1, 39)] + [f"sym{n}" for n in range(2, 21)] + [f"coif{n}" for n in range(1, 18)]


def number(x):
    text = repr(float(x))
    mantissa, e, exponent = text.partition("e")
    return mantissa + e + str(int(exponent)) if e else text


def filters():
    rows = [f'if family == "{n}" then [{", ".join(number(x) for x in pywt.Wavelet(n).rec_lo)}]' for n in names]
    return "  let filter = " + "\n    else ".join(rows) + "\n    else none\n"


def moments(name):
    low, high = (numpy.array(f) for f in (pywt.Wavelet(name).rec_lo, pywt.Wavelet(name).rec_hi))
    k = numpy.arange(1, len(low) + 1)
    return {"name": name, "length": len(low), "moments": [float((low * k**p).sum()) for p in range(3)], "high": [float((high * k**p).sum()) for p in range(3)]}


def coefficient(i, j):
    return ((i * 37 + j * 61 + i * j) % 101 - 50) / 50


def inverse(family, out, width):
    padding = len(pywt.Wavelet(family).rec_lo) - 2
    rows, columns = out + out % 2 + padding, width + width % 2 + padding
    c = numpy.array([[coefficient(i, j) for j in range(columns)] for i in range(rows)])
    r, h = rows // 2, columns // 2
    full = pywt.waverec2((c[:r, :h], (c[:r, h:], c[r:, :h], c[r:, h:])), family)
    down, across = (full.shape[0] - out) // 2, (full.shape[1] - width) // 2
    return {"family": family, "out": out, "in": width, "rows": rows, "columns": columns, "result": full[down : down + out, across : across + width].flatten().tolist()}


if "--table" in sys.argv:
    sys.stdout.write(filters())
else:
    cases = [(f, *size) for f in ["db1", "db2", "db4", "sym4", "sym5", "coif1", "coif2"] for size in [(4, 6), (5, 7), (1, 3)]] + [("db38", 3, 5), ("coif17", 2, 1)]
    golden = {"filters": [moments(n) for n in names], "inverse": [inverse(*c) for c in cases]}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "host-wavelets-golden.json"), "w") as file:
        json.dump(golden, file)
        file.write("\n")
