#!/usr/bin/env bash
# The strategies' contract, and what the engine libtorch promises beside it, on a real libtorch: the built unit tests in a container.
#   tests/libtorch.sh            the package libtorch-cpu-linux-x64 that the build has restored, in the base of TorchSharp's tests
#   tests/libtorch.sh IMAGE      an image with a libtorch, as loadline-libtorch:2.6, which is made where it can be; any other must be there
# Skipped, with the reason, where there is no such image and none can be made; LOADLINE_REQUIRE=libtorch makes that a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
image=${1:-}

skip() {
    case ",${LOADLINE_REQUIRE:-}," in *,libtorch,*) echo "tests/libtorch.sh: libtorch is required, but $1" >&2; exit 1 ;; esac
    echo "skipped: $1"
    exit
}

docker version > /dev/null 2>&1 || skip "no Docker answers"
library=()
case $image in
    "")
        image=loadline-torchsharp:trixie
        packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}/libtorch-cpu-linux-x64
        folder=$(find "$packages" -name libtorch_cpu.so -printf '%h\n' 2> /dev/null | sort --version-sort | tail -n 1)
        [ -n "$folder" ] || skip "there is no package libtorch-cpu-linux-x64 in $packages: build src/Worker.TorchSharp"
        library=(--volume "$folder:$folder:ro" --env LOADLINE_LIBTORCH="$folder")
        containers/torchsharp/build.sh || skip "$image cannot be made"
        ;;
    loadline-libtorch:2.6) containers/libtorch/build.sh || skip "$image cannot be made" ;;
esac

sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
docker run --rm --network none --tmpfs /tmp:exec --volume "$PWD:$PWD:ro" --volume "$sdk:$sdk:ro" --workdir "$PWD" "${library[@]}" \
    --env DOTNET_ROOT="$sdk" --env LOADLINE_TEST_ENGINE=libtorch --env LOADLINE_REQUIRE=libtorch "$image" \
    "$sdk/dotnet" tests/Unit/bin/Release/net10.0/Loadline.Unit.dll -noLogo -failSkips \
    -class Loadline.Unit.Strategies.StrategyContractTests -class Loadline.Unit.Tensors.Engines.TorchEngineTests
