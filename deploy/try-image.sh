#!/bin/bash
# Runs the image as strictly as the manifests do (no root, no capabilities, no writable file system) until it is ready,
# and then stops it. Needs podman or docker, and a PostgreSQL database in which it may create tables.
#   DATABASE_URL=postgresql://… deploy/try-image.sh [image] [service…]
# If the default command does not work, set CONTAINER_TOOL to a command with options, such as "podman --runtime runc".
set -euo pipefail
image=${1:-localhost/auth4agent}
[ $# -eq 0 ] || shift
read -ra tool <<< "${CONTAINER_TOOL:-$(command -v podman || command -v docker)}"
port=${PORT:-18080}
name=auth4agent-try-$$
trap '"${tool[@]}" rm --force "$name" >/dev/null 2>&1 || true' EXIT

"${tool[@]}" run --detach --name "$name" --network host --read-only --cap-drop ALL --security-opt no-new-privileges \
  --user 65532:65532 --ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" --ulimit "nproc=$(ulimit -Hu):$(ulimit -Hu)" \
  --env DATABASE_URL="${DATABASE_URL:?must be the URL of a PostgreSQL database}" --env AUTH4AGENT_KEK="$(openssl rand -base64 32)" \
  --env PORT="$port" --env AUTH4AGENT_GRPC_PORT=$((port + 1)) "$image" "$@" >/dev/null

for _ in $(seq 100); do
  if curl --silent --fail "http://127.0.0.1:$port/ready"; then
    "${tool[@]}" stop --time 30 "$name" >/dev/null
    status=$("${tool[@]}" inspect --format '{{.State.ExitCode}}' "$name")
    printf '\nready as non-root on a read-only root; ended with status %s\n' "$status"
    exit "$status"
  fi
  [ "$("${tool[@]}" inspect --format '{{.State.Running}}' "$name")" = true ] || break
  sleep 0.2
done
"${tool[@]}" logs "$name" >&2
exit 1
