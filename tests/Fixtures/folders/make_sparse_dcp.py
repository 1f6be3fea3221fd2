"""
A large folder of torch.distributed.checkpoint that takes no room: four ranks' files with holes for weights, and marks at both ends of every part.
  make_sparse_dcp.py OUT GIB           makes it; needs no PyTorch
  make_sparse_dcp.py --check OUT GIB   OUT are safetensors shards that it was converted to: every mark is where it belongs
Tensors are float32 of [8192, 8192]; ranks divide the even ones by rows, the odd ones by columns.
"""
import io
import json
import pickle
import struct
import sys
import types
from collections import OrderedDict
from pathlib import Path

RANKS, SIDE = 4, 8192
METADATA, FILESYSTEM = "torch.distributed.checkpoint.metadata", "torch.distributed.checkpoint.filesystem"
DISTRIBUTED = {METADATA: ("Metadata", "TensorStorageMetadata", "TensorProperties", "ChunkStorageMetadata", "MetadataIndex"), FILESYSTEM: ("_StorageInfo",)}


def stand_in(module, name):
    """A class that is pickled under PyTorch's name."""
    made = type(name, (), {"__module__": module, "__init__": lambda self, **state: self.__dict__.update(state)})
    parts = module.split(".")
    for end in range(1, len(parts) + 1): sys.modules.setdefault(".".join(parts[:end]), types.ModuleType(module))
    setattr(sys.modules[module], name, made)
    return made


class Called:
    """Is pickled as a call of a global; without arguments, as the global itself."""
    def __init__(self, module, name, *arguments):
        self.text = f"c{module}\n{name}\n".encode()
        self.arguments = arguments


class Pickler(pickle._Pickler):
    def save(self, obj, *args, **kwargs):
        if not isinstance(obj, Called): return super().save(obj, *args, **kwargs)
        self.write(obj.text)
        if obj.arguments:
            super().save(obj.arguments)
            self.write(b"R")

    def persistent_id(self, obj):
        return obj.id if isinstance(obj, Persistent) else None


class Persistent:
    def __init__(self, *id): self.id = id


def dump(obj):
    out = io.BytesIO()
    Pickler(out, 2).dump(obj)
    return out.getvalue()


def size(*numbers): return Called("torch", "Size", tuple(numbers))


def boxes(tensor):
    """(rank, offsets, sizes) of a tensor's parts."""
    each = SIDE // RANKS
    for rank in range(RANKS):
        yield (rank, (rank * each, 0), (each, SIDE)) if tensor % 2 == 0 else (rank, (0, rank * each), (SIDE, each))


def mark(tensor, rank): return struct.pack("<2f", tensor + 1, rank + 1)


def write_part(file, tensor, rank, sizes):
    """A file of torch.save inside of a rank's; its storage is a hole. The checksums are left out: nothing that loads reads them."""
    start, records = file.tell(), []
    count = sizes[0] * sizes[1]
    storage = Persistent("storage", Called("torch", "FloatStorage"), "0", "cpu", count)
    value = Called("torch._utils", "_rebuild_tensor_v2", storage, 0, sizes, (sizes[1], 1), False, OrderedDict())
    for name, data, length in ((b"archive/data.pkl", dump(value), None), (b"archive/version", b"3\n", None), (b"archive/data/0", None, count * 4)):
        length = len(data) if length is None else length
        records.append((name, length, file.tell() - start))
        file.write(struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, length, length, len(name), 0) + name)
        if data is not None:
            file.write(data)
        else:
            file.write(mark(tensor, rank))
            file.seek(length - 16, 1)
            file.write(mark(tensor, rank))
    directory = file.tell() - start
    for name, length, position in records:
        file.write(struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, length, length, len(name), 0, 0, 0, 0, 0, position) + name)
    file.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, len(records), len(records), file.tell() - start - directory, directory, 0))
    return start, file.tell() - start


def make(out, tensors):
    made = {name: stand_in(module, name) for module, names in DISTRIBUTED.items() for name in names}
    out.mkdir(parents=True)
    described, places = {}, {}
    files = [open(out / f"__{rank}_0.distcp", "wb") for rank in range(RANKS)]
    for tensor in range(tensors):
        chunks = []
        for rank, offsets, sizes in boxes(tensor):
            start, length = write_part(files[rank], tensor, rank, sizes)
            index = made["MetadataIndex"](fqn=f"layers.{tensor}.weight", offset=size(*offsets), index=rank)
            places[index] = made["_StorageInfo"](relative_path=f"__{rank}_0.distcp", offset=start, length=length)
            chunks.append(made["ChunkStorageMetadata"](offsets=size(*offsets), sizes=size(*sizes)))
        properties = made["TensorProperties"](dtype=Called("torch", "float32"))
        described[f"layers.{tensor}.weight"] = made["TensorStorageMetadata"](properties=properties, size=size(SIDE, SIDE), chunks=chunks)
    for file in files: file.close()
    (out / ".metadata").write_bytes(dump(made["Metadata"](state_dict_metadata=described, planner_data=None, storage_data=places)))


def check(out, tensors):
    index = json.loads((out / "model.safetensors.index.json").read_text())["weight_map"]
    assert len(index) == tensors, f"{len(index)} tensors instead of {tensors}"
    for name, shard in index.items():
        with open(out / shard, "rb") as file:
            header = struct.unpack("<Q", file.read(8))[0]
            entry = json.loads(file.read(header))[name]
            assert (entry["dtype"], entry["shape"]) == ("F32", [SIDE, SIDE]), name
            for rank, offsets, sizes in boxes(tensor := int(name.split(".")[1])):
                first = offsets[0] * SIDE + offsets[1]
                last = (offsets[0] + sizes[0] - 1) * SIDE + offsets[1] + sizes[1] - 2
                for element in (first, last):
                    file.seek(8 + header + entry["data_offsets"][0] + element * 4)
                    assert file.read(8) == mark(tensor, rank), f"{name} at {element}"
    print(f"{tensors} tensors, each with its {2 * RANKS} marks")


if __name__ == "__main__":
    what, arguments = (check, sys.argv[2:]) if sys.argv[1] == "--check" else (make, sys.argv[1:])
    what(Path(arguments[0]), int(float(arguments[1]) * 2**30) // (SIDE * SIDE * 4))
