#!/usr/bin/env bash
# Makes the image of the engine libtorch: Debian with its own libtorch, on which the worker is mounted when a case runs.
#   containers/libtorch/build.sh                    loadline-libtorch:2.6, of trixie
#   containers/libtorch/build.sh 2.14 [-- OPTION…]  loadline-libtorch:2.14, of sid, which moves; further options are mmdebstrap's
set -euo pipefail
version=2.6
case ${1:-} in 2.6 | 2.14) version=$1; shift ;; esac
case $version in 2.6) suite=trixie ;; 2.14) suite=sid ;; esac
# .NET opens OpenSSL's libraries by name when it hashes.
exec "$(dirname "${BASH_SOURCE[0]}")/../debian.sh" "loadline-libtorch:$version" "$suite" "libtorch$version" libssl3t64 libgcc-s1 libstdc++6 "$@"
