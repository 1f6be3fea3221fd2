#!/usr/bin/env bash
# The contract on TorchSharp's modules: the built tests in a container whose libstdc++ is new enough for TorchSharp's natives.
#   tests/torchsharp.sh [OPTION OF THE TEST RUNNER...]    as in: -class Loadline.TorchSharpTests.NamesTests
# Skipped, with the reason, where the image cannot be made; LOADLINE_REQUIRE=torchsharp makes that a failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
image=loadline-torchsharp:trixie

skip() {
    case ",${LOADLINE_REQUIRE:-}," in *,torchsharp,*) echo "tests/torchsharp.sh: torchsharp is required, but $1" >&2; exit 1 ;; esac
    echo "skipped: $1"
    exit
}

docker version > /dev/null 2>&1 || skip "no Docker answers"
containers/torchsharp/build.sh || skip "$image cannot be made"

sdk=$(dirname "$(readlink -f "$(command -v dotnet)")")
docker run --rm --network none --tmpfs /tmp:exec --volume "$PWD:$PWD:ro" --volume "$sdk:$sdk:ro" --workdir "$PWD" \
    --env DOTNET_ROOT="$sdk" --env HOME=/tmp "$image" \
    "$sdk/dotnet" tests/TorchSharp/bin/Release/net10.0/Loadline.TorchSharpTests.dll -noLogo "$@"
