#!/usr/bin/env bash
# Makes loadline-torchsharp:trixie: what TorchSharp's natives and .NET need of a system, and nothing else. Program and libtorch are mounted into it.
# A base of its own, because libLibTorchSharp.so wants a newer libstdc++ (GLIBCXX_3.4.32) than Debian 12 and Ubuntu 22.04 have.
set -euo pipefail
# Where a registry answers it is Debian's own image of the same suite, which has these packages, because its apt needs them.
export DEBIAN_IMAGE=debian:trixie-slim@sha256:a29215f6a35e51e22adffa17f89e9d2ef06214e64a2bad10d765c46aea49f11f
# .NET opens OpenSSL's libraries by name when it hashes. Extracted only: there is no shell in it, and nothing is configured.
exec "$(dirname "${BASH_SOURCE[0]}")/../debian.sh" loadline-torchsharp:trixie trixie libc6 libstdc++6 libgcc-s1 libssl3t64 base-files -- --variant=extract
