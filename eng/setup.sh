#!/usr/bin/env bash
# Sourced by run.sh and test.sh from the root of the checkout: installs what the machine lacks and prepares the package feed.
# Sets RestrictedFeed.

if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; else bold= plain=; fi
say() { printf '%s▸%s %s\n' "$bold" "$plain" "$*"; }
die() { printf '\n%s\n' "$*" >&2; exit 1; }

# await PID [LOG [ENDED]]: waits for a background process, or for the file ENDED, with a sign of life (and the number of tests that LOG has
# seen end), and ends it and everything else begun here when we are told to end; returns its exit code.
await() {
  local pid=$1 log=${2:-} ended=${3:-} tenths=0 status=0
  # shellcheck disable=SC2046
  trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null && ! [ -f "$ended" ]; do
    sleep 0.2
    tenths=$((tenths + 2))
    if [ $((tenths % 150)) -eq 0 ]; then
      if [ -n "$log" ]; then printf '  … %s s, %s tests finished\n' $((tenths / 10)) "$(grep -cE '\[FINISHED\]' "$log")"; else printf '  … %s s\n' $((tenths / 10)); fi
    fi
  done
  wait "$pid" 2>/dev/null || status=$?
  trap - INT TERM
  return "$status"
}

# step TEXT COMMAND...: runs the command quietly with a sign of life, shows the end of its output when it fails.
step() {
  local text=$1 log status=0
  shift
  log=$(mktemp)
  say "$text"
  "$@" >"$log" 2>&1 </dev/null &
  await $! || status=$?
  if [ "$status" -ne 0 ]; then
    { grep -E '(error|warning) [A-Z]+[0-9]+' "$log" | sort -u | head -n 40 || true; } >&2
    grep -qE 'error [A-Z]+[0-9]+' "$log" || tail -n 40 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

# MSBuild and the compiler stumble over '"', ';' and '%' in paths. A checkout in such a place is built in a copy elsewhere, which
# becomes the working directory; only what changed is copied again, so that builds stay incremental.
leave_awkward_place() {
  case "$PWD" in *[\"\;%]*) ;; *) return 0 ;; esac
  local base=${XDG_CACHE_HOME:-$HOME/.cache}/payments copy
  case "$base" in *[\"\;%]*) base=/var/tmp/payments-$(id -u) ;; esac
  copy=$base/checkouts/$(printf %s "$PWD" | sha256sum | cut -c1-16)
  mkdir -p "$copy"
  exec 8>"$copy.lock"
  flock 8
  find "$copy" -mindepth 1 \( -name bin -o -name obj -o -name artifacts -o -name node_modules \) -prune -o -type f -exec rm -f {} +
  tar -cf - --exclude=bin --exclude=obj --exclude=./artifacts --exclude=node_modules \
    ${data:+--exclude="./${data#"$PWD"/}"} --exclude=./.payments . | tar -xf - -C "$copy"
  exec 8>&-
  say "Working in a copy, $copy: paths with quotes, ';' or '%' do not suit MSBuild"
  cd -- "$copy"
}

# compile COMMAND ARGUMENTS...: dotnet build or publish, for this machine. All projects have one compiler that is warm after the first of them
# (less than half the time) and ends with the command. The compiler is not compiled twice itself either.
compile() {
  local machine=linux-x64 compiler=payments-$$-$RANDOM status=0 pid
  case "$(uname -m)" in aarch64|arm64) machine=linux-arm64 ;; esac
  DOTNET_TieredPGO=0 dotnet "$@" -c Release --nologo -v quiet -nodeReuse:false -p:Machine="$machine" -p:UseRazorBuildServer=false \
    -p:UseSharedCompilation=true -p:SharedCompilationId="$compiler" || status=$?
  for pid in $(grep -lsF -- "-pipename:$compiler" /proc/[0-9]*/cmdline | cut -d / -f 3); do kill "$pid" 2>/dev/null || true; done
  return "$status"
}

# publish PROJECT DIRECTORY: builds a program into a directory, compiled for this machine ahead of its start, which is much shorter then. Analyzers
# run where tests do.
publish() {
  compile publish "$1" -p:RunAnalyzers=false -o "$2"
}

setup() {
  leave_awkward_place
  command -v dotnet >/dev/null || die "The .NET 10 SDK is needed: https://dotnet.microsoft.com/download"

  local missing=()
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || missing+=(postgresql)
  command -v redis-server >/dev/null || missing+=(redis-server)
  command -v setpriv >/dev/null || missing+=(util-linux)
  if [ ${#missing[@]} -gt 0 ]; then
    say "Installing what is missing"
    eng/install.sh "${missing[@]}"
  fi

  local feed
  feed=$(eng/probe-feed.sh)
  if [ "$feed" = restricted ]; then
    export RestrictedFeed=true
    eng/restricted-feed/prepare.sh
  else
    export RestrictedFeed=false
  fi

  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
}
