"""Folders as training and the hub leave them: python3 make_folders.py OUT, with PyTorch 2.6 and safetensors. All values are invented."""
import io, json, os, sys, zipfile
import torch
from safetensors.torch import save_file

OUT = sys.argv[1]
torch.manual_seed(5)
A = {"model.a.weight": torch.randn(3, 2), "model.a.bias": torch.randn(3)}
B = {"model.b.weight": torch.randn(2, 2), "lm_head.weight": torch.randn(4, 2)}
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def folder(name):
    path = f"{OUT}/{name}"
    os.makedirs(path, exist_ok=True)
    return path + "/"


def index(path, weight_map):
    with open(path + "model.safetensors.index.json", "w") as f: json.dump({"metadata": {"total_size": 64}, "weight_map": weight_map}, f, indent=2)


def two(path, second=B):
    save_file(A, path + SHARDS[0])
    save_file(second, path + SHARDS[1])
    return {**{k: SHARDS[0] for k in A}, **{k: SHARDS[1] for k in B}}


p = folder("sharded-extra-in-shard"); m = two(p); m.pop("model.a.bias"); index(p, m)
p = folder("sharded-missing-in-shard"); m = two(p); m["model.rotary.inv_freq"] = SHARDS[0]; index(p, m)
p = folder("sharded-dup-stale"); m = two(p, {**B, "model.a.bias": torch.zeros(3)}); index(p, m)
p = folder("index-single-plus-aux"); save_file({**A, **B}, p + "model.safetensors"); save_file({"x": torch.ones(2)}, p + "aux.safetensors")
index(p, {k: "model.safetensors" for k in {**A, **B}})
p = folder("both-formats-single"); save_file({**A, **B}, p + "model.safetensors"); torch.save({**A, **B}, p + "pytorch_model.bin")
open(p + "tf_model.h5", "wb").write(b"\x89HDF"); json.dump({}, open(p + "config.json", "w"))
p = folder("peft"); save_file({"base_model.model.a.lora_A.weight": torch.randn(2, 2)}, p + "adapter_model.safetensors"); json.dump({}, open(p + "adapter_config.json", "w"))
p = folder("hf-trainer"); save_file({**A, **B}, p + "model.safetensors"); torch.save({"state": {}}, p + "optimizer.pt"); torch.save({"last_epoch": 1}, p + "scheduler.pt")
torch.save({"cpu": torch.get_rng_state()}, p + "rng_state.pth"); torch.save(1, p + "training_args.bin"); json.dump({}, open(p + "trainer_state.json", "w"))
p = folder("deepspeed"); torch.save({"module": {**A, **B}, "dp_world_size": 1}, p + "mp_rank_00_model_states.pt")
torch.save({"optimizer_state_dict": {"x": torch.ones(3)}}, p + "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt")
p = folder("unzipped-pth"); b = io.BytesIO(); torch.save(A, b); zipfile.ZipFile(b).extractall(p + "model")
