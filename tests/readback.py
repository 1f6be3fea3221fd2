"""Holds what `loadline convert` wrote against what the fixtures expect, read by safetensors itself: readback.py (FILE EXPECTED.json NAME)..."""
import hashlib
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file


def check(converted, expectations, name):
    expected = json.loads(expectations.read_text())[name]
    expected = expected.get("tensors", expected)
    shards = set(json.loads(converted.read_text())["weight_map"].values()) if converted.suffix == ".json" else [converted.name]
    tensors = {key: tensor for shard in sorted(shards) for key, tensor in load_file(converted.parent / shard).items()}
    assert tensors.keys() == expected.keys(), f"{name}: names differ: {tensors.keys() ^ expected.keys()}"
    for key, tensor in tensors.items():
        data = tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() > 0 else b""
        found = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape), "sha256": hashlib.sha256(data).hexdigest()}
        assert found == expected[key], f"{name}: tensor {key!r} is {found}, but PyTorch saved {expected[key]}"
    print(f"{name} as {converted.name}: {len(tensors)} tensors")


for i in range(1, len(sys.argv), 3):
    check(Path(sys.argv[i]), Path(sys.argv[i + 1]), sys.argv[i + 2])
