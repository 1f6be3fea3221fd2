#!/usr/bin/env bash
# Makes loadline-pytorch:2.6, Debian trixie with its own PyTorch: 1.6 GB, two to five minutes.
exec "$(dirname "${BASH_SOURCE[0]}")/../debian.sh" loadline-pytorch:2.6 trixie python3-torch python3-safetensors
