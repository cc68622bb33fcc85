#!/usr/bin/env bash
# Prints the path of the Aspire CLI, which carries the dashboard; fetched from npm once and kept outside the checkout.
set -euo pipefail
version=13.5.4
cache=${XDG_CACHE_HOME:-$HOME/.cache}/payments/aspire-cli-$version
if [ ! -x "$cache/bin/aspire" ]; then
  mkdir -p "$(dirname "$cache")"
  exec 9>"$cache.lock"
  flock 9
  if [ ! -x "$cache/bin/aspire" ]; then
    echo "  fetching the Aspire dashboard from npm (150 MB, once)" >&2
    work=$(mktemp -d "$cache.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && npm pack --silent "@microsoft/aspire-cli-linux-x64@$version" >/dev/null && tar xzf ./*.tgz)
    chmod +x "$work/package/bin/aspire"
    rm -rf "$cache"
    mv "$work/package" "$cache"
  fi
fi
echo "$cache/bin/aspire"
