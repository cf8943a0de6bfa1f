#!/bin/sh
# Checks and times everything on a machine with a graphics card, in one call. Run from the repository's root after `npm run build`; on a bare
# machine each command goes through what packs Node and the Vulkan loader. Results go to the folder given, or to bench/results.
set -u
OUT=${1:-bench/results}
export PEFT_DEVICE=hardware
mkdir -p "$OUT"
node dist/cli.js doctor | tee "$OUT/gpu-doctor.txt"
[ -d ../shared/reference ] && node dist/parity.js | tee "$OUT/gpu-parity.txt"
PEFT_CHECK=1 node dist/cli.js run examples/quickstart/quickstart.peft -o "$OUT/gpu-quickstart" --overwrite --format json | tee "$OUT/gpu-quickstart.json"
rm -rf "$OUT/gpu-quickstart"
for name in matmul step compile; do node dist/bench.js "$name" | tee "$OUT/gpu-$name.txt"; done
[ -d ../shared/models/ko-bert ] && node dist/cli.js run examples/nsmc/nsmc.peft -o "$OUT/gpu-nsmc" --overwrite --format json | tee "$OUT/gpu-nsmc.json"
rm -rf "$OUT/gpu-nsmc"
exit 0
