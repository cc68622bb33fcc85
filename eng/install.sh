#!/usr/bin/env bash
# Installs Debian packages, quietly and once: eng/install.sh PACKAGE...
set -euo pipefail
[ $# -gt 0 ] || exit 0
sudo=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "These Debian packages are missing and only root can install them: $*" >&2; exit 1; }
  sudo=(sudo)
fi
printf '  installing %s\n' "$*" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${sudo[@]}" apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 && exit 0
# The package lists may be missing or old.
{ "${sudo[@]}" apt-get update && "${sudo[@]}" apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
