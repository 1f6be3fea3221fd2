"""Makes checkpoints as other programs leave them, with real PyTorch: run it in the PyTorch image, in this folder, as `python3 make_wild.py OUT`.

Classes of other libraries are stubs with the module and name under which those libraries pickle theirs. It also writes OUT/made.json: what is in each
file, as the file's own objects say. The other files here were made by the same means."""
import argparse, collections, datetime, enum, hashlib, json, pathlib, sys, types
import numpy as np
import torch
from torch import nn

OUT = pathlib.Path(sys.argv[1])
made = {}


def stub(module, name, *bases, **members):
    for depth in range(1, len(module.split(".")) + 1):
        part = ".".join(module.split(".")[:depth])
        sys.modules.setdefault(part, types.ModuleType(part))
    made_class = type(name, bases or (object,), {"__module__": module, **members})
    setattr(sys.modules[module], name, made_class)
    return made_class


def describe(tensors):
    found = {}
    for name, tensor in tensors.items():
        tensor = tensor.detach().contiguous()
        raw = bytes(tensor.reshape(-1).view(torch.uint8).numpy().tobytes()) if tensor.numel() else b""
        found[name] = {"dtype": str(tensor.dtype)[6:], "shape": list(tensor.shape), "sha256": hashlib.sha256(raw).hexdigest()}
    return found


def walk(value, name="", found=None):
    found = {} if found is None else found
    if isinstance(value, torch.Tensor):
        found[name] = value
    elif isinstance(value, nn.Module):
        for key, tensor in value.state_dict().items():
            found[f"{name}.{key}" if name else key] = tensor
    elif isinstance(value, dict):
        for key, item in value.items():
            walk(item, f"{name}.{key}" if name else str(key), found)
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            walk(item, f"{name}.{index}" if name else str(index), found)
    return found


def save(file, value, tensors=None, **options):
    torch.save(value, OUT / file, **options)
    made[file] = {"tensors": describe(walk(value) if tensors is None else tensors)}


def conv_init(self, inside, outside):
    nn.Module.__init__(self)
    self.conv = nn.Conv2d(inside, outside, 3, bias=False)
    self.bn = nn.BatchNorm2d(outside)
    self.act = nn.SiLU()


def detect_init(self):
    nn.Module.__init__(self)
    self.stride = torch.tensor([8.0, 16.0])
    self.cv = nn.ModuleList([nn.Conv2d(4, 5, 1), nn.Conv2d(4, 5, 1)])
    self.register_buffer("anchors", torch.arange(6.0).reshape(3, 2))
    self.register_buffer("grid", torch.zeros(7), persistent=False)
    self.cv[1].weight = self.cv[0].weight


def model_init(self):
    nn.Module.__init__(self)
    self.yaml = {"nc": 1, "backbone": [[-1, 1, "Conv", [4, 3]]]}
    self.model = nn.Sequential(Conv(3, 4), Detect())
    self.names = {0: "ship"}
    self.save = [0]


Conv = stub("ultralytics.nn.modules.conv", "Conv", nn.Module, __init__=conv_init)
Detect = stub("ultralytics.nn.modules.head", "Detect", nn.Module, __init__=detect_init)
DetectionModel = stub("ultralytics.nn.tasks", "DetectionModel", nn.Module, __init__=model_init)
Namespace = stub("ultralytics.utils", "IterableSimpleNamespace", types.SimpleNamespace)

torch.manual_seed(1)
yolo = DetectionModel().half()
save("yolo.pt", {
    "epoch": 99, "best_fitness": np.float64(0.71), "model": yolo, "ema": None, "updates": 1200, "optimizer": None,
    "train_args": {"imgsz": 640, "save_dir": pathlib.PurePosixPath("runs/detect")}, "args": Namespace(lr0=0.01, mosaic=1.0),
    "train_metrics": {"fitness": np.float32(0.5)}, "date": "2025-01-02T03:04:05", "version": "8.3.0",
})
save("yolo-legacy.pt", {"epoch": 3, "model": yolo.float(), "training_results": None}, _use_new_zipfile_serialization=False)

AttributeDict = stub("lightning.fabric.utilities.data", "AttributeDict", dict)
DictConfig = stub("omegaconf.dictconfig", "DictConfig")
AnyNode = stub("omegaconf.nodes", "AnyNode")
Metadata = stub("omegaconf.base", "ContainerMetadata")
Precision = enum.Enum("Precision", {"half": "16-mixed"}, module="project.config")
sys.modules["project"] = types.ModuleType("project")
sys.modules["project.config"] = types.ModuleType("project.config")
sys.modules["project.config"].Precision = Precision


def node(value):
    made_node = AnyNode()
    made_node.__dict__ = {"_val": value, "_parent": None, "_metadata": Metadata()}
    return made_node


config = DictConfig()
config.__dict__ = {"_content": {"width": node(64), "name": node("tiny")}, "_metadata": Metadata(), "_parent": None}
net = nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Linear(4, 3))
optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
net(torch.randn(6, 5)).sum().backward()
optimizer.step()
hyper = AttributeDict(lr=1e-3, betas=(0.9, 0.999), precision=Precision.half, root=pathlib.PurePosixPath("/data/ships"), classes=frozenset(["a", "b"]))
hyper["model"] = config
hyper["class_weights"] = torch.tensor([0.25, 0.75])
save("lightning.ckpt", {
    "epoch": 4, "global_step": 1250, "pytorch-lightning_version": "2.2.0", "state_dict": {f"net.{k}": v for k, v in net.state_dict().items()},
    "loops": {"fit_loop": {"state_dict": {}, "epoch_progress": {"total": {"ready": 5, "completed": 4}}}},
    "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": {"best_model_score": torch.tensor(0.125), "best_model_path": "/x/y.ckpt", "kth_value": torch.tensor(0.5)}},
    "optimizer_states": [optimizer.state_dict()], "lr_schedulers": [{"milestones": collections.Counter({10: 1}), "last_epoch": 4}],
    "hparams_name": "kwargs", "hyper_parameters": hyper, "datamodule": None, "time": datetime.datetime(2025, 1, 2, 3, 4, 5), "cli": argparse.Namespace(gpus=[0, 1]),
})

scripted = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).eval()
torch.jit.script(scripted).save(str(OUT / "torchscript.pt"))
made["torchscript.pt"] = {"tensors": describe({k: v for k, v in scripted.state_dict().items()})}
torch.jit.freeze(torch.jit.script(nn.Sequential(nn.Linear(3, 2)).eval())).save(str(OUT / "torchscript-frozen.pt"))
frozen = torch.jit.load(str(OUT / "torchscript-frozen.pt"))
constants = [n.t("value") for n in frozen.graph.nodes() if n.kind() == "prim::Constant" and n.hasAttribute("value") and n.kindOf("value") == "t"]
# The file has them in another order than the graph.
made["torchscript-frozen.pt"] = {"tensors": describe({f"constants.{i}": constant for i, constant in enumerate(reversed(constants))})}

state = {"w": torch.arange(6.0).reshape(2, 3), "b": torch.arange(3), "note": "caf\u00e9 \u2713", "lr": 0.1, "big": 1 << 70, "flag": True, "none": None, "list": [1, 2], "t": (1, -2)}
save("protocol1.pth", state, pickle_protocol=1)
save("protocol1-legacy.pth", state, pickle_protocol=1, _use_new_zipfile_serialization=False)
arrays = {"f4": np.arange(6, dtype="<f4").reshape(2, 3), "big": np.arange(3, dtype=">i2"), "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
          "bool": np.array([True, False]), "none": np.empty((0, 4), np.float16), "c8": np.array([1 + 2j], np.complex64)}
plain = {k: torch.from_numpy(np.ascontiguousarray(v.astype(v.dtype.newbyteorder("=")))) for k, v in arrays.items()}
extra = {"text": np.array(["a", "bc"]), "scalar": np.int64(7), "flag": np.bool_(True), "name": np.str_("x"), "objects": np.array([torch.ones(2), None], dtype=object)}
for protocol in (2, 5):
    save(f"numpy-protocol{protocol}.pth", {**arrays, **extra, "w": torch.ones(2)}, {**plain, "objects.0": torch.ones(2), "w": torch.ones(2)}, pickle_protocol=protocol)

json.dump(made, open(OUT / "made.json", "w"), indent=1, sort_keys=True)
