#!/usr/bin/env bash
# The lowest cap under which GPT-2 medium (float32, 1646 MiB) is loaded mapped and read once, into tensors of the same libtorch 2.6: by Loadline's
# mmap-assign and by PyTorch's own torch.load(mmap=True) and load_state_dict(assign=True). By bisection, in one run. Before each probe the
# checkpoint is evicted from the page cache, and for root the images' libraries, too: whoever touches a page first pays for it.
#   benchmarks/libtorch-floor.sh [STEP_MIB]     needs the images of containers/libtorch/build.sh and examples/pytorch/README.md
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
step=${1:-4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A loader's lines in a case: the members that say what runs.
declare -A loader=(
    [loadline]='"strategy": "mmap-assign", "device": "cpu", "engine": "libtorch", "verify": "digest"'
    [pytorch]='"image": "loadline-pytorch-loader", "command": ["python3", "/loader.py", "mmap", "{checkpoint}"]'
)
declare -A image=([loadline]=loadline-libtorch:2.6 [pytorch]=loadline-pytorch-loader)

evict_libraries() {
    local layers
    layers=$(docker image inspect --format '{{ .GraphDriver.Data.UpperDir }}:{{ .GraphDriver.Data.LowerDir }}' "$1" | tr ':' '\n' | grep ^/ || true)
    for layer in $layers; do
        [ ! -r "$layer" ] || find "$layer" -type f \( -name '*.so*' -o -name 'python3*' \) -exec dd if={} of=/dev/null iflag=nocache count=0 status=none \;
    done
}

survives() {
    evict_libraries "${image[$1]}"
    cat > "$work/budgets.json" << END
{
  "checkpoints": { "gpt2-medium": { "model": "gpt2-medium" } },
  "cases": [{ "name": "$1", "checkpoint": "gpt2-medium", ${loader[$1]}, "cap": "$2MiB", "expect": "loaded", "timeout": "60s", "why": "asked for" }]
}
END
    local code=0
    ./loadline run --runtime docker --budgets "$work/budgets.json" > "$work/out" 2>&1 || code=$?
    [ "$code" -le 1 ] || { cat "$work/out" >&2; exit 3; }
    echo "  $1 under $2 MiB: $([ "$code" -eq 0 ] && echo survives || echo "does not")" >&2
    return "$code"
}

# Survives twice in a row at the floor: once may be luck.
floor() {
    local low=$((96 - step)) high=512 middle
    while [ $((high - low)) -gt "$step" ]; do
        middle=$(((low + high) / 2 / step * step))
        if survives "$1" "$middle" && survives "$1" "$middle"; then high=$middle; else low=$middle; fi
    done
    echo "$high"
}

for name in loadline pytorch; do
    echo "$name: $(floor "$name") MiB"
done
