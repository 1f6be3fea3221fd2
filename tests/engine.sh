#!/usr/bin/env bash
# The essential cases on a newer container Engine than the machine's own (Debian trixie's, containers/engine/trixie), through the harness and through
# Testcontainers: killed, survives, out of device memory, refused, four processes, mounts, timeout. Needs what was built in Release, root and mmdebstrap.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exported=$(containers/engine/trixie start)
trap 'containers/engine/trixie stop' EXIT
eval "$exported"
dotnet src/Harness/bin/Release/net10.0/loadline.dll run --budgets containers/engine/budgets.json --runtime docker --results artifacts/engine/results.json
LOADLINE_RUNTIME=testcontainers LOADLINE_REQUIRE=testcontainers dotnet tests/Constrained/bin/Release/net10.0/Loadline.Constrained.dll \
    -noLogo -noColor -namespace Loadline.Constrained.Containers
