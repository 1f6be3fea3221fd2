#!/usr/bin/env bash
# Converts checkpoints of every odd kind to safetensors by the built command line, and reads the files back with safetensors and PyTorch themselves.
# Skipped, with the reason, where the image of containers/pytorch is not there; LOADLINE_REQUIRE=pytorch makes it first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
image=loadline-pytorch:2.6

case ",${LOADLINE_REQUIRE:-}," in *,pytorch,*) containers/pytorch/build.sh ;; esac
docker image inspect "$image" > /dev/null 2>&1 || { echo "skipped: there is no image $image: containers/pytorch/build.sh makes it"; exit; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
loadline=(dotnet src/Harness/bin/Release/net10.0/loadline.dll)
checks=()

# A pickled module, one beside other things, Lightning's, the first versions', TorchScript, four ranks of torch.distributed.checkpoint, ZeRO.
for name in wild/{whole-module.pth,yolo.pt,yolo-legacy.pt,lightning.ckpt,parameters-0.3.pth,tensors-0.1.10.pth,torchscript.pt} \
    folders/{dcp-4-ranks,dcp-1-rank,zero-1,zero-2,zero-3}; do
    short=${name#*/}
    "${loadline[@]}" convert "tests/Fixtures/$name" "$folder/$short.safetensors" > /dev/null
    "${loadline[@]}" convert "tests/Fixtures/$name" "$folder/$short.sharded" --format sharded --shard-size 2KiB > /dev/null
    for converted in "$short.safetensors" "$short.sharded/model.safetensors.index.json"; do
        checks+=("$folder/$converted" "tests/Fixtures/${name%%/*}/expected.json" "$short")
    done
done

docker run --rm --network none --volume "$PWD:$PWD:ro" --volume "$folder:$folder:ro" --workdir "$PWD" "$image" \
    python3 tests/readback.py "${checks[@]}"
