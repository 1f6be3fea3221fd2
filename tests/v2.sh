#!/usr/bin/env bash
# What only cgroup v2 shows (tests/Constrained/CgroupV2): on this machine where it is on v2, else in the small machine that containers/vm boots. Where neither
# can be it says why and ends well, unless LOADLINE_REQUIRE names v2. Run after a build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -e /sys/fs/cgroup/cgroup.controllers ] && grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
    LOADLINE_RUNTIME=cgroup exec dotnet test tests/Constrained -c Release --no-build --nologo --filter Category=CgroupV2 -- RunConfiguration.TreatNoTestsAsError=true
fi

if why=$(containers/vm/cgroup-v2 lacks); then exec containers/vm/cgroup-v2 tests; fi
echo "tests/v2.sh: skipped: this machine is on cgroup v1, and for one on v2 there is $why" >&2
case ",${LOADLINE_REQUIRE:-}," in *,v2,*) exit 3 ;; esac
