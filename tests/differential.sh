#!/usr/bin/env bash
# Damaged checkpoints that Loadline opens, opened by PyTorch as well: tests/differential.sh [MUTANTS [SEED]]
# Skipped, with the reason, where the image of containers/pytorch is not there; LOADLINE_REQUIRE=pytorch makes it first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
image=loadline-pytorch:2.6

case ",${LOADLINE_REQUIRE:-}," in *,pytorch,*) containers/pytorch/build.sh ;; esac
docker image inspect "$image" > /dev/null 2>&1 || { echo "skipped: there is no image $image: containers/pytorch/build.sh makes it"; exit; }

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
dotnet tests/Fuzz/bin/Release/net10.0/fuzz.dll --keep "$folder" --mutants "${1:-6000}" --seed "${2:-2}"
docker run --rm --network none --volume "$PWD:$PWD:ro" --volume "$folder:$folder:ro" --workdir "$PWD" "$image" python3 tests/differential.py "$folder"
