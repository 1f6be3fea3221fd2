#!/usr/bin/env bash
# Everything that CI checks: build, format, unit tests, and the constrained suite in real containers (or bare cgroups where there is no Docker).
#   LOADLINE_REQUIRE=docker   a suite that would skip for want of Docker fails instead (also: cgroup, libtorch, torchsharp, pytorch; tests/v2.sh: v2; tests/podman.sh: podman)
#   LOADLINE_SHARD=2/4        only this part of the suite's cases (docs/more-than-one-machine.md)
#   LOADLINE_RUNTIME=cgroup   the runtime of the suite; auto takes Docker if it answers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

step() { printf '\n== %s\n' "$1"; }
run_tests() { dotnet test "$@" -c Release --no-build --nologo -- RunConfiguration.TreatNoTestsAsError=true; }

step "build"
dotnet build Harness.sln -c Release --nologo -v quiet

step "this machine: what is not here is skipped below"
dotnet src/Harness/bin/Release/net10.0/loadline.dll doctor || true
command -v mmdebstrap > /dev/null || echo "--  mmdebstrap      no images of Debian's packages can be made: apt-get install --no-install-recommends mmdebstrap debian-archive-keyring"

step "format"
dotnet format Harness.sln --no-restore --verify-no-changes

step "unit tests"
run_tests tests/Unit

step "damaged checkpoints (the long run: fuzz --mutants 200000)"
dotnet tests/Fuzz/bin/Release/net10.0/fuzz.dll --mutants 6000

step "conversions, read back by safetensors itself"
tests/readback.sh

step "damaged checkpoints that PyTorch opens as well: it finds the same tensors"
tests/differential.sh

step "a large folder of many ranks (8 GiB: tests/large-folder.sh)"
tests/large-folder.sh 1

step "the strategies on libtorch"
tests/libtorch.sh

step "the contract on TorchSharp's modules"
tests/torchsharp.sh

step "constrained suite"
rm -f artifacts/constrained.txt
run_tests tests/Constrained --filter Category=Constrained
if [ -e artifacts/constrained.txt ]; then cat artifacts/constrained.txt; fi

step "packages"
tests/packages.sh

step "all checks passed"
