"""One way in which PyTorch or safetensors load, once, in a process of its own; prints one line of JSON.

    python3 peers.py WAY CHECKPOINT [open] [--device cuda:0] [--tiny FILE] [--go FILE]
    python3 peers.py pinned-copy --device cuda:0      the rate at which pinned memory reaches the device
    python3 peers.py versions                         what is installed
"""
import argparse
import json
import os
import statistics
import sys
import time

import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("way")
parser.add_argument("checkpoint", nargs="?")
parser.add_argument("mode", nargs="?", choices=["load", "open"], default="load")
parser.add_argument("--device", default="cpu")
parser.add_argument("--tiny", help="a small checkpoint to load once before the clock starts")
parser.add_argument("--go", help="say `ready` before the clock starts, and wait until this file is there")
arguments = parser.parse_args()
way, path, device = arguments.way, arguments.checkpoint, torch.device(arguments.device)
on_gpu = device.type == "cuda"


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
    if on_gpu:
        options["map_location"] = device
    return torch.load(path, weights_only=True, **options)


def load_file():
    from safetensors.torch import load_file
    return load_file(path, device=str(device))


def safe_open():
    from safetensors import safe_open
    with safe_open(path, "pt", device=str(device)) as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def load_state_dict(assign, **options):
    # What is to be loaded is known to whoever writes the model: the header is read before the clock starts.
    shapes = torch.load(path, weights_only=True, mmap=True)

    def load():
        model = module(shapes, "meta" if assign else device)
        model.load_state_dict(torch_load(**options), assign=assign)
        return model.state_dict()
    return load


def synchronize():
    if on_gpu:
        torch.cuda.synchronize(device)


def timed(work):
    start = time.perf_counter()
    result = work()
    synchronize()
    return result, time.perf_counter() - start


def anonymous_bytes():
    """RssAnon + RssShmem of this process; null where the kernel does not tell them apart."""
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    kib = [int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in fields]
    return sum(kib) * 1024 if len(kib) == 2 else None


def pinned_copy():
    size, times = 1 << 30, 10
    source = torch.empty(size, dtype=torch.uint8, pin_memory=on_gpu).fill_(1)
    target = torch.empty(size, dtype=torch.uint8, device=device)
    rounds = [timed(lambda: target.copy_(source, non_blocking=True))[1] for _ in range(times)]
    return {"seconds": round(statistics.median(rounds), 6), "bytes": size}


def versions():
    try:
        from safetensors import __version__ as safetensors
    except ImportError:
        safetensors = None
    return {"python": sys.version.split()[0], "torch": torch.__version__, "cuda": torch.version.cuda, "safetensors": safetensors}


ways = {
    "torch.load": lambda: torch_load,
    "torch.load mmap": lambda: lambda: torch_load(mmap=True),
    "load_state_dict": lambda: load_state_dict(assign=False),
    "assign": lambda: load_state_dict(assign=True),
    "mmap assign": lambda: load_state_dict(assign=True, mmap=True),
    "load_file": lambda: load_file,
    "safe_open": lambda: safe_open,
}


def prepared():
    """The load, after one of a small checkpoint: whatever happens only once in a process has happened then."""
    global path
    if arguments.tiny:
        path = arguments.tiny
        ways[way]()()
        path = arguments.checkpoint
    return ways[way]()


def load():
    if "safe" in way or "file" in way:
        import safetensors.torch
    result = {}
    if on_gpu:
        # The context costs the same whoever loads: it is there before the clock starts.
        result["contextSeconds"] = round(timed(lambda: torch.empty(1, device=device))[1], 6)
        torch.cuda.reset_peak_memory_stats(device)
    run = prepared()
    result["baselineAnonymousBytes"] = anonymous_bytes()
    if arguments.go:
        print("ready", flush=True)
        while not os.path.exists(arguments.go):
            time.sleep(0.005)
    tensors, seconds = timed(run)
    result["seconds"] = round(seconds, 6)
    if on_gpu:
        result["requestedDeviceBytes"] = torch.cuda.memory_stats(device).get("requested_bytes.all.peak")
        result["allocatedDeviceBytes"] = torch.cuda.max_memory_allocated(device)
        result["reservedDeviceBytes"] = torch.cuda.max_memory_reserved(device)
    elif arguments.mode == "open":
        again = []
        for _ in range(20):
            del tensors
            tensors, seconds = timed(run)
            again.append(seconds)
        result["againSeconds"] = round(statistics.median(again), 6)
    else:
        total, seconds = timed(lambda: sum(tensor.sum().item() for tensor in tensors.values()))
        result["touchSeconds"] = round(seconds, 6)
        result["sum"] = round(total, 1)
    return result


commands = {"pinned-copy": pinned_copy, "versions": versions}
if way not in commands and (way not in ways or path is None):
    parser.error(f"write one of {', '.join(ways)} and a checkpoint, or {' or '.join(commands)}")
print(json.dumps(commands.get(way, load)()))
