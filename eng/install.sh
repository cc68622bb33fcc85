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
# Packages of servers start them at once as system services; we want the programs only.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
  "${sudo[@]}" chmod 755 "$policy"
  trap '"${sudo[@]}" rm -f "$policy"; rm -f "$log"' EXIT
else
  trap 'rm -f "$log"' EXIT
fi
"${sudo[@]}" apt-get install -y --no-install-recommends "$@" >"$log" 2>&1 && exit 0
# The package lists may be missing or old.
{ "${sudo[@]}" apt-get update && "${sudo[@]}" apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
