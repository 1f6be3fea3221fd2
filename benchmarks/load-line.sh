#!/usr/bin/env bash
# Floors and comforts, each searched twice, of what maps and of what streams onto an accelerator, and once of PyTorch's own ways; then the curve of
# gpt2-medium by all strategies and theirs. Goes on where it was stopped, and measures no record anew: remove what is to be.
#   benchmarks/load-line.sh benchmarks/record/MACHINE     needs Docker, the image of containers/pytorch/build.sh, 13 GB of disk; 40 minutes on two cores
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
record=$(realpath "$1")
work=artifacts/load-line
mkdir -p "$work"
loader=$PWD/examples/pytorch/loader.py
image=loadline-pytorch:2.6

checkpoint() {
    [ -e "$work/$1" ] || ./loadline make "${1%.*}" "$work/$1" --format "${1##*.}" >&2
}

# floor RUN NAME CHECKPOINT ARGUMENTS...: one search, whose JSON is kept.
floor() {
    local run=$1 name=$2 file=$3 out
    shift 3
    out="$work/$name, $file, $run.json"
    [ -s "$out" ] || { ./loadline floor --json "$@" > "$out.part" && mv "$out.part" "$out"; }
    printf '{"what": "%s", "checkpoint": "%s", "checkpointBytes": %s, "run": %s, "result": %s}' "$name" "$file" "$(stat -c %s "$work/$file")" "$run" "$(cat "$out")"
}

ours=(gpt2-small.pth gpt2-medium.pth gpt2-medium.safetensors gpt2-xl.pth)
for file in "${ours[@]}"; do checkpoint "$file"; done
pytorch=(--image "$image" --mount "$loader")
[ -s "$record/floors.json" ] || {
    comma='['
    for run in 1 2; do
        for file in "${ours[@]}"; do
            printf '%s\n' "$comma"; comma=','
            floor "$run" mmap-assign "$file" "$work/$file" --strategy mmap-assign
            printf ',\n'
            floor "$run" "streamed, accelerator" "$file" "$work/$file" --strategy streamed --device sim:16GiB
        done
    done
    for way in eager mmap; do
        name="PyTorch: load_state_dict(torch.load)"
        [ "$way" = eager ] || name="PyTorch: mmap=True, assign=True"
        printf ',\n'
        floor 1 "$name" gpt2-medium.pth "${pytorch[@]}" --mount "$work/gpt2-medium.pth" -- python3 "$loader" "$way" "$PWD/$work/gpt2-medium.pth" 3
    done
    printf '\n]\n'
} > "$work/floors.json"
[ -s "$record/floors.json" ] || mv "$work/floors.json" "$record/floors.json"

./loadline curve "$work/gpt2-medium.pth" --results "$record/curve.json"
for way in eager mmap safetensors; do
    case $way in
        eager) name="PyTorch: load_state_dict" file=gpt2-medium.pth ;;
        mmap) name="PyTorch: mmap, assign" file=gpt2-medium.pth ;;
        safetensors) name="safetensors: load_file" file=gpt2-medium.safetensors ;;
    esac
    ./loadline curve --results "$record/curve.json" --svg "$record/curve.svg" --name "$name" "${pytorch[@]}" --mount "$work/$file" \
        -- python3 "$loader" "$way" "$PWD/$work/$file" 3
done
# A record names files by their place in the repository.
sed -i "s|$PWD/||g" "$record/curve.json"
