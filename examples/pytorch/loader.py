"""Loads GPT-2 medium with PyTorch, in one of the ways its tutorials show: python3 loader.py eager|assign|mmap|safetensors CHECKPOINT [USES]"""
import sys

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, width, context):
        super().__init__()
        self.W_query, self.W_key, self.W_value, self.out_proj = (nn.Linear(width, width) for _ in range(4))
        self.register_buffer("mask", torch.triu(torch.ones(context, context), diagonal=1))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))


class Block(nn.Module):
    def __init__(self, width, context):
        super().__init__()
        self.att, self.ff = Attention(width, context), FeedForward(width)
        self.norm1, self.norm2 = Norm(width), Norm(width)


class Gpt2Medium(nn.Module):
    """Names and shapes only: nothing is computed here."""

    def __init__(self, width=1024, context=1024, layers=24, vocabulary=50257):
        super().__init__()
        self.tok_emb, self.pos_emb = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.trf_blocks = nn.Sequential(*(Block(width, context) for _ in range(layers)))
        self.final_norm, self.out_head = Norm(width), nn.Linear(width, vocabulary, bias=False)


def eager(path):
    model = Gpt2Medium()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


def assign(path):
    with torch.device("meta"):
        model = Gpt2Medium()
    model.load_state_dict(torch.load(path, weights_only=True), assign=True)
    return model


def mmap(path):
    with torch.device("meta"):
        model = Gpt2Medium()
    model.load_state_dict(torch.load(path, weights_only=True, mmap=True), assign=True)
    return model


def safetensors(path):
    from safetensors.torch import load_file

    with torch.device("meta"):
        model = Gpt2Medium()
    model.load_state_dict(load_file(path), assign=True)
    return model


way, checkpoint, *uses = sys.argv[1:]
loaded = {"eager": eager, "assign": assign, "mmap": mmap, "safetensors": safetensors}[way](checkpoint)
# Every weight is read, once unless more is asked for: a mapped model that nobody looks at proves nothing.
for _ in range(int(uses[0]) if uses else 1):
    total = sum(tensor.sum().item() for tensor in loaded.state_dict().values())
print(f"{way}: {len(loaded.state_dict())} tensors, sum {total:.3f}")
