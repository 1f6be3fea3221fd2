#!/usr/bin/env bash
# Makes loadline-pytorch:2.6, Debian trixie with its own PyTorch, without a registry: from Debian's packages, 1.6 GB, two to five minutes.
# Nothing is done where the Engine already has the image of this very script. Needs mmdebstrap, root or user namespaces, and a docker command.
set -euo pipefail
image=loadline-pytorch:2.6
recipe=$(sha256sum "${BASH_SOURCE[0]}" | cut -d ' ' -f 1)

made_by=$(docker image inspect --format '{{ index .Config.Labels "loadline.recipe" }}' "$image" 2> /dev/null || true)
if [ "$made_by" = "$recipe" ]; then
    echo "$image is there"
    exit
fi

# A pipe, not a file: neither the tar nor an unpacked tree is kept. Locales and manuals are of no use to a loader.
mmdebstrap --quiet --variant=essential --include=python3-torch,python3-safetensors \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    trixie - | docker import --change "LABEL loadline.recipe=$recipe" - "$image"
