#!/usr/bin/env bash
# Takes a picture of a trace in the running Aspire dashboard, with Debian's chromium:
#   eng/dashboard-screenshot.sh DASHBOARD_URL TRACE_ID FILE.png
set -euo pipefail
[ $# -eq 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
version=1.65.1
command -v chromium >/dev/null || "$here/install.sh" chromium
cache=${XDG_CACHE_HOME:-$HOME/.cache}/payments/playwright-core-$version
if [ ! -f "$cache/node_modules/playwright-core/package.json" ]; then
  mkdir -p "$cache"
  exec 9>"$cache/.lock"
  flock 9
  [ -f "$cache/node_modules/playwright-core/package.json" ] ||
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --silent --no-audit --no-fund --prefix "$cache" "playwright-core@$version" >&2
fi
NODE_PATH=$cache/node_modules exec node "$here/dashboard-screenshot.cjs" "$@"
