#!/usr/bin/env bash
# The worker's image and the pods of a budget file for real, without a cluster (containers/podman): two archives of the image are the same bytes, Podman loads
# one and runs the eight cases of containers/podman/budgets.json from it, and what `loadline collect` makes of their pods and logs is held against a run of
# the same cases by Docker, or by bare cgroups where none answers. Where Podman is missing it says why and ends well, unless LOADLINE_REQUIRE names podman.
# Run after a build; a minute.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
budgets=containers/podman/budgets.json
out=$PWD/artifacts/podman
image=loadline-worker:podman

fail() { echo "tests/podman.sh: $1" >&2; exit 1; }

if ! why=$(containers/podman/pods lacks); then
    echo "tests/podman.sh: skipped: there is $why" >&2
    case ",${LOADLINE_REQUIRE:-}," in *,podman,*) exit 3 ;; esac
    exit
fi

loadline() { dotnet src/Harness/bin/Release/net10.0/loadline.dll "$@"; }
# One of the cases misses its budget, and is meant to.
missed() { local code=0; "$@" || code=$?; [ $code -eq 1 ] || fail "'$*' ended with exit code $code, where one case of eight runs into its timeout"; }

rm -rf "$out" && mkdir -p "$out"
# It also makes the checkpoint that the pods mount.
missed loadline run --budgets "$budgets" --results "$out/run.json" > "$out/run.txt"

loadline image --output "$out/oci.tar" --name "$image"
loadline image --output "$out/again.tar" --name "$image" > "$out/again.txt"
cmp "$out/oci.tar" "$out/again.tar" || fail "two archives of one image differ"
rm "$out/again.tar"

loadline kubernetes --budgets "$budgets" --image "$image" --kind Pod --checkpoints "hostPath:${LOADLINE_CACHE:-$PWD/artifacts/checkpoints}" > "$out/pods.yaml"
timeout 180 containers/podman/pods "$out/oci.tar" "$out/pods.yaml" "$out" || fail "the pods did not all run"
missed loadline collect "$out/pods.json" --budgets "$budgets" --logs "$out/logs" --results "$out/pods-results.json" --html "$out/pods.html"

LOADLINE_PODMAN=$out dotnet test tests/Constrained -c Release --no-build --nologo --filter Category=Podman -- RunConfiguration.TreatNoTestsAsError=true
