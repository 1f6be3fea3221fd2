"""Writes folders as DeepSpeed's ZeRO leaves them, by the layout that its zero_to_fp32.py reads, and what that script makes of them.

python3 make_zero.py OUT, with PyTorch 2.6. The layout: in stages 1 and 2 each parameter group is one flat vector, padded to twice the number of ranks and
cut into equal parts; in stage 3 each parameter is cut into equal parts, the last one padded, and a rank's parts follow each other in groups.
"""
import collections, hashlib, json, math, os, sys
import torch

OUT = sys.argv[1]
DTYPE = torch.float16


def model(seed):
    g = torch.Generator().manual_seed(seed)
    r = lambda *s: torch.randn(*s, generator=g)
    groups = [collections.OrderedDict([("tok.weight", r(11, 6)), ("h.0.w", r(6, 5)), ("norm.weight", r(7))]),
              collections.OrderedDict([("h.0.b", r(5)), ("scale", r(()))])]
    return groups, {"h.0.mask": torch.tensor([True, False, True]), "pos": r(3).to(DTYPE)}, collections.OrderedDict([("frozen.w", r(4, 3).to(DTYPE))])


def sha(t):
    b = t.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    return {"dtype": str(t.dtype)[6:], "shape": list(t.shape), "sha256": hashlib.sha256(b).hexdigest()}


def shapes(groups):
    return [collections.OrderedDict((k, v.shape) for k, v in g.items()) for g in groups]


def write(stage, ranks, seed):
    groups, buffers, frozen = model(seed)
    folder = f"{OUT}/zero-{stage}"
    os.makedirs(folder, exist_ok=True)
    module = collections.OrderedDict([(k, v.to(DTYPE)) for g in groups for k, v in g.items()] + list(buffers.items()) + list(frozen.items()))
    module["head.weight"] = module["tok.weight"]
    state = {"module": module, "buffer_names": list(buffers), "param_shapes": shapes(groups), "shared_params": {"head.weight": "tok.weight"},
             "frozen_param_shapes": collections.OrderedDict((k, v.shape) for k, v in frozen.items()), "ds_version": "0.14.0", "dp_world_size": ranks}
    parts = [[] for _ in range(ranks)]
    if stage < 3:
        for g in groups:
            flat = torch.cat([v.reshape(-1) for v in g.values()])
            align = 2 * ranks
            flat = torch.cat([flat, torch.zeros(align * math.ceil(flat.numel() / align) - flat.numel())])
            for r, part in enumerate(flat.chunk(ranks)): parts[r].append(part.clone())
        torch.save({**state, "frozen_param_fragments": frozen}, f"{folder}/mp_rank_00_model_states.pt")
    else:
        for g in groups:
            for r in range(ranks): parts[r].append([])
            for v in g.values():
                each = math.ceil(v.numel() / ranks)
                padded = torch.cat([v.reshape(-1), torch.zeros(each * ranks - v.numel())])
                for r in range(ranks): parts[r][-1].append(padded[r * each:(r + 1) * each])
        parts = [[torch.cat(g).clone() for g in p] for p in parts]
        for r in range(ranks):
            fragments = collections.OrderedDict()
            for k, v in frozen.items():
                each = math.ceil(v.numel() / ranks)
                padded = torch.cat([v.reshape(-1), torch.zeros(each * ranks - v.numel(), dtype=v.dtype)])
                fragments[k] = padded[r * each:(r + 1) * each].clone()
            rank_module = {k: (v if k in buffers else torch.empty(0, dtype=DTYPE)) for k, v in module.items()}
            torch.save({**state, "module": rank_module, "frozen_param_fragments": fragments}, f"{folder}/zero_pp_rank_{r}_mp_rank_00_model_states.pt")
    key = "fp32_flat_groups" if stage == 3 else "single_partition_of_fp32_groups"
    count = [ranks] * len(groups) if stage == 2 else ranks
    for r in range(ranks):
        optimizer = {"zero_stage": stage, "partition_count": count, key: parts[r], "loss_scaler": None, "dynamic_loss_scale": False}
        torch.save({"optimizer_state_dict": optimizer, "ds_config": {}, "ds_version": "0.14.0"}, f"{folder}/zero_pp_rank_{r}_mp_rank_00_optim_states.pt")
    whole = {k: v for g in groups for k, v in g.items()}
    return {**whole, **buffers, **frozen, "head.weight": whole["tok.weight"]}


expected = {f"zero-{stage}": {k: sha(v) for k, v in write(stage, ranks, 10 + stage).items()} for stage, ranks in ((1, 2), (2, 4), (3, 4))}
json.dump(expected, open(f"{OUT}/zero.expected.json", "w"), indent=1, sort_keys=True)
