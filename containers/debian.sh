#!/usr/bin/env bash
# Makes an image of Debian packages without a registry: containers/debian.sh IMAGE SUITE PACKAGE... [-- OPTION OF MMDEBSTRAP...]
# Nothing is done where the Engine already has the image of this very recipe. Needs mmdebstrap, root or user namespaces, and a docker command.
# DEBIAN_IMAGE names a public image that has the packages already: it is taken instead where a registry answers.
set -euo pipefail
[ $# -ge 3 ] || { echo "usage: containers/debian.sh IMAGE SUITE PACKAGE... [-- OPTION...]" >&2; exit 2; }
image=$1 suite=$2
shift 2
packages=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do packages+=("$1"); shift; done
[ $# -eq 0 ] || shift
recipe=$({ cat "${BASH_SOURCE[0]}"; printf '%s\0' "$suite" "${packages[@]}" "$@"; } | sha256sum | cut -d ' ' -f 1)

needs() { command -v "$1" > /dev/null || { echo "containers/debian.sh: $1 is missing; on Debian: apt-get install --no-install-recommends $2" >&2; exit 3; }; }
needs docker docker.io
made_by=$(docker image inspect --format '{{ index .Config.Labels "loadline.recipe" }}' "$image" 2> /dev/null || true)
if [ "$made_by" = "$recipe" ]; then
    echo "$image is there"
    exit
fi

if [ -n "${DEBIAN_IMAGE:-}" ] && timeout 120 docker pull --quiet "$DEBIAN_IMAGE" > /dev/null 2>&1; then
    printf 'FROM %s\nLABEL loadline.recipe=%s\n' "$DEBIAN_IMAGE" "$recipe" | docker build --quiet --tag "$image" - > /dev/null
    echo "$image is $DEBIAN_IMAGE"
    exit
fi

needs mmdebstrap mmdebstrap
# A pipe, not a file: neither the tar nor an unpacked tree is kept. Locales and manuals are of no use to a loader.
mmdebstrap --quiet --variant=essential --include="$(IFS=,; echo "${packages[*]}")" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$@" "$suite" - | docker import --change "LABEL loadline.recipe=$recipe" - "$image"
