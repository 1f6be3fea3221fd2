"""Holds what Loadline found in damaged checkpoints against what PyTorch and safetensors read: differential.py FOLDER

Whatever both open has to be one checkpoint: each tensor of Loadline's is one of PyTorch's, and under a name that both have stand the same elements.
What only one of the two opens is no difference.
"""
import collections
import hashlib
import json
import sys
import warnings
from pathlib import Path

import safetensors.torch
import torch

warnings.filterwarnings("ignore")


def described(tensor):
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested or tensor.device.type == "meta" or tensor.is_conj() or tensor.is_neg():
        return None
    tensor = tensor.detach().as_subclass(torch.Tensor)
    # Bytes that are neither 0 nor 1 stay what they are only where nothing is copied.
    contents = tensor if tensor.is_contiguous() else tensor.contiguous()
    start = contents.storage_offset() * contents.element_size()
    data = bytes(contents.untyped_storage()[start:start + contents.numel() * contents.element_size()]) if contents.numel() > 0 else b""
    return str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape), hashlib.sha256(data).hexdigest()


def tensors_of(value, name="", inside=()):
    if isinstance(value, torch.Tensor):
        yield name, described(value)
    elif id(value) not in inside and isinstance(value, (dict, list, tuple, set, frozenset)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from tensors_of(item, f"{name}.{key}" if name else str(key), (*inside, id(value)))


def read(path):
    if path.suffix == ".safetensors":
        return safetensors.torch.load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def main(folder):
    counts = collections.Counter()
    for record in sorted(folder.glob("*.json"), key=lambda path: int(path.stem)):
        found = json.loads(record.read_text())
        try:
            theirs = list(tensors_of(read(folder / found["file"])))
        except Exception:
            counts["opened by Loadline alone"] += 1
            continue
        ours = [(tensor["name"], (tensor["dtype"], tuple(tensor["shape"]), tensor["sha256"])) for tensor in found["tensors"]]
        named = collections.defaultdict(list)
        for name, tensor in theirs:
            named[name].append(tensor)
        lacking = collections.Counter(tensor for _, tensor in ours) - collections.Counter(tensor for _, tensor in theirs)
        other = [name for name, tensor in ours if len(named[name]) == 1 and named[name][0] != tensor]
        missing = len(theirs) > len(ours) + len(found["unloadable"])
        if lacking or other or missing:
            counts["different"] += 1
            print(f"{found['file']}: different: {other[:5] or list(lacking)[:5]}, {len(ours)} tensors here and {len(theirs)} there")
        else:
            counts["the same"] += 1
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    sys.exit(1 if counts["different"] or not counts["the same"] else 0)


main(Path(sys.argv[1]))
