"""One way in which PyTorch or safetensors load, once, in a process of its own: python3 peers.py WAY CHECKPOINT [no-touch]"""
import json
import statistics
import sys
import time

import torch
from torch import nn

way, path = sys.argv[1:3]


def module(shapes, device):
    """A module with these parameters and nothing else. Their memory is not initialised: that is what skip_init gives."""
    root = nn.Module()
    for name, tensor in shapes.items():
        *folders, leaf = name.split(".")
        owner = root
        for folder in folders:
            if folder not in owner._modules:
                owner.add_module(folder, nn.Module())
            owner = owner._modules[folder]
        owner.register_parameter(leaf, nn.Parameter(torch.empty(tensor.shape, dtype=tensor.dtype, device=device), requires_grad=False))
    return root


def torch_load(**options):
    return torch.load(path, weights_only=True, **options)


def load_file(target):
    from safetensors.torch import load_file
    return load_file(target)


def safe_open(target):
    from safetensors import safe_open
    with safe_open(target, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def load_state_dict(assign, **options):
    # What is to be loaded is known to whoever writes the model: the header is read before the clock starts.
    shapes = torch_load(mmap=True)

    def load():
        model = module(shapes, "meta" if assign else "cpu")
        model.load_state_dict(torch_load(**options), assign=assign)
        return model.state_dict()
    return load


ways = {
    "torch.load": lambda: torch_load(),
    "torch.load mmap": lambda: torch_load(mmap=True),
    "load_state_dict": load_state_dict(assign=False) if way == "load_state_dict" else None,
    "assign": load_state_dict(assign=True) if way == "assign" else None,
    "mmap assign": load_state_dict(assign=True, mmap=True) if way == "mmap assign" else None,
    "load_file": lambda: load_file(path),
    "safe_open": lambda: safe_open(path),
}
if "safe" in way or "file" in way:
    import safetensors.torch

start = time.perf_counter()
tensors = ways[way]()
seconds = time.perf_counter() - start
result = {"seconds": round(seconds, 6)}
if sys.argv[3:] == ["open"]:
    again = []
    for _ in range(20):
        del tensors
        start = time.perf_counter()
        tensors = ways[way]()
        again.append(time.perf_counter() - start)
    result["againSeconds"] = round(statistics.median(again), 6)
else:
    start = time.perf_counter()
    total = sum(tensor.sum().item() for tensor in tensors.values())
    result["touchSeconds"] = round(time.perf_counter() - start, 6)
    result["sum"] = round(total, 1)
print(json.dumps(result))
