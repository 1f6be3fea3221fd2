#!/usr/bin/env bash
# Waits until the pods of a run have ended, keeps what kubectl says of them in a folder, and holds the budgets against it:
#   collect.sh RUN FOLDER [options of loadline collect]
# NAMESPACE (loadline), LOADLINE (loadline) and WAIT_SECONDS (3600) are variables.
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
run=$1 folder=$2
shift 2
kubectl=(kubectl --namespace "${NAMESPACE:-loadline}")
pods() { "${kubectl[@]}" get pods --selector "loadline.run=$run" "$@"; }
running() { pods --field-selector status.phase!=Succeeded,status.phase!=Failed --output name; }
# A Job makes its pod a moment after it was made itself.
complete() { [ "$(pods --output name | wc -l)" -ge "$("${kubectl[@]}" get jobs --selector "loadline.run=$run" --output name | wc -l)" ]; }

deadline=$((SECONDS + ${WAIT_SECONDS:-3600}))
# What waits for a GPU may wait for ever: after the deadline, collect says of each pod what it waits for.
while [ "$SECONDS" -lt "$deadline" ] && { [ -n "$(running)" ] || ! complete; }; do sleep 5; done

mkdir -p "$folder/logs"
pods --output json > "$folder/pods.json"
for pod in $(pods --output name); do
    # A pod that has not started has no log.
    "${kubectl[@]}" logs --container case "$pod" > "$folder/logs/${pod#pod/}.log" || rm "$folder/logs/${pod#pod/}.log"
done
exec ${LOADLINE:-loadline} collect "$folder/pods.json" --logs "$folder/logs" "$@"
