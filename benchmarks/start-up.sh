#!/usr/bin/env bash
# How long `loadline inspect` of a small file takes, from an installed package of the tool, against an empty .NET program: by hyperfine, start to end.
#   benchmarks/start-up.sh [FOLDER]     writes FOLDER/<date>-start-up.md; by default into benchmarks/record/local
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=$(mkdir -p "${1:-benchmarks/record/local}" && cd "${1:-benchmarks/record/local}" && pwd)
fixtures=$PWD/tests/Fixtures
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

dotnet pack src/Harness -c Release -v quiet -o "$work/packages"
dotnet tool install loadline --prerelease --add-source "$work/packages" --tool-path "$work/tool" > /dev/null

dotnet new console -o "$work/empty" > /dev/null
echo 'return 0;' > "$work/empty/Program.cs"
dotnet publish "$work/empty" -c Release -v quiet -p:InvariantGlobalization=true -o "$work/published"

hyperfine --shell=none --warmup 10 --runs 60 --export-markdown "$work/table" \
    --command-name "an empty program" "$work/published/empty" \
    --command-name "inspect, safetensors" "$work/tool/loadline inspect $fixtures/gpt2-tiny.safetensors" \
    --command-name "inspect, pth" "$work/tool/loadline inspect $fixtures/gpt2-tiny.pth" \
    --command-name "loadline --help" "$work/tool/loadline --help"

page=$folder/$(date +%F)-start-up.md
{
    echo "# Start-up, $(date +%F)"
    echo
    echo ".NET $(dotnet --version), kernel $(uname -r), $(nproc) cores; 60 runs each after 10 that do not count, start to end of the process."
    echo "The promise: \`inspect\` of a small file takes at most twice as long as an empty .NET program. Made by \`benchmarks/start-up.sh\`."
    echo
    cat "$work/table"
} > "$page"
echo "$page"
