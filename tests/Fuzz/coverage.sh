#!/usr/bin/env bash
# Fuzzes one reader guided by coverage: AFL++ on a copy of the compiled library that SharpFuzz has instrumented.
#   tests/Fuzz/coverage.sh TARGET [SECONDS]     pickle, zip, safetensors, legacy or dcp; exit 1 if anything was found: artifacts/fuzz/TARGET has it
#   tests/Fuzz/coverage.sh --minimise TARGET    the corpus of the last run, minimised, into tests/Fuzz/Coverage/Corpora
# Needs afl++ (apt-get install --no-install-recommends afl++) and a build of tests/Fuzz.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

minimise=false
if [ "${1:-}" = --minimise ]; then minimise=true; shift; fi
target=${1:?the reader to fuzz}
seconds=${2:-1200}
folder=$PWD/artifacts/fuzz/$target
mkdir -p "$folder"

dotnet tool restore > /dev/null
rm -rf "$folder/bin"
cp -r tests/Fuzz/bin/Release/net10.0 "$folder/bin"
dotnet sharpfuzz "$folder/bin/Loadline.Checkpoints.dll"

shm=/dev/shm
[ -d "$shm" ] || shm=${TMPDIR:-/tmp}
scratch=$(mktemp -d "$shm/loadline-coverage-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

export AFL_SKIP_BIN_CHECK=1 AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1
export AFL_FORKSRV_INIT_TMOUT=60000
# As for the mutants: 64 MiB, and what the fuzzer itself takes.
export DOTNET_GCHeapHardLimit=5000000 DOTNET_DbgEnableMiniDump=0
program=("$(readlink -f "$(command -v dotnet)")" "$folder/bin/fuzz.dll" coverage "$target" "$scratch")

if $minimise; then
    rm -rf "$folder/minimised"
    afl-cmin -i "$folder/found/default/queue" -o "$folder/minimised" -t 20000 -m none -- "${program[@]}"
    dotnet tests/Fuzz/bin/Release/net10.0/fuzz.dll keep "$target" "$folder/minimised"
    exit
fi

rm -rf "$folder/found" "$folder/seeds"
dotnet tests/Fuzz/bin/Release/net10.0/fuzz.dll seeds "$target" "$folder"
# A hang is told by processor time, inside; this limit is for what waits.
afl-fuzz -i "$folder/seeds" -o "$folder/found" -x "$folder/words" -t 20000 -m none -V "$seconds" -- "${program[@]}"

found=$(find "$folder/found/default/crashes" "$folder/found/default/hangs" -type f ! -name README.txt | wc -l)
grep -E 'run_time|execs_done|corpus_count|bitmap_cvg|saved_' "$folder/found/default/fuzzer_stats"
[ "$found" = 0 ] || { echo "$found inputs broke a rule; again: fuzz coverage $target SCRATCH < INPUT" >&2; exit 1; }
