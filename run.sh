#!/usr/bin/env bash
# Starts the whole product on this machine; see --help.
set -euo pipefail
began=${EPOCHREALTIME/[!0-9]/.} # some locales write a comma

usage() {
  cat <<'TEXT'
Usage: ./run.sh [OPTION]...

Builds Payments and runs all of its services in one process, on a PostgreSQL, a Redis and a Kafka broker of its own, with
simulators of Stripe and Adyen. Makes one payment through each and shows what became of it.

  --data DIR     where everything is kept (default .payments beside this script)
  --port N       the merchant API's port (default 8080); the other services follow it, see README.md
  --no-demo      no demo payments
  --dashboard    also starts the .NET Aspire dashboard and sends it traces, metrics and logs
  --help         this text

Ctrl-C (or SIGTERM) stops everything; the data stays and the next start continues with it. DIR/run.json tells programs the
addresses and keys. Servers of yours are used instead of the embedded ones where ConnectionStrings__payments (also vault,
ledger, fraud, webhooks), ConnectionStrings__redis or ConnectionStrings__kafka are set.
TEXT
}

data=$(dirname -- "${BASH_SOURCE[0]}")/.payments port=8080 dashboard=false arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --data) [ $# -ge 2 ] || { echo "--data needs a directory" >&2; exit 2; }; data=$2; shift ;;
    --data=*) data=${1#*=} ;;
    --port) [ $# -ge 2 ] || { echo "--port needs a number" >&2; exit 2; }; port=$2; shift ;;
    --port=*) port=${1#*=} ;;
    --no-demo) arguments+=(--no-demo) ;;
    --dashboard) dashboard=true ;;
    --help|-h) usage; exit ;;
    *) echo "Unknown option $1; see ./run.sh --help" >&2; exit 2 ;;
  esac
  shift
done
case $port in ''|*[!0-9]*) echo "--port needs a number, not '$port'" >&2; exit 2 ;; esac
if [ "${#port}" -gt 5 ] || [ "$port" -lt 1 ] || [ "$port" -gt 65500 ]; then echo "--port must be between 1 and 65500" >&2; exit 2; fi
[ -n "$data" ] || { echo "--data needs a directory" >&2; exit 2; }

mkdir -p -- "$data"
data=$(cd -- "$data" && pwd -P)
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
. eng/setup.sh
setup

# The build is skipped where nothing that goes into it has changed.
sources() {
  find src Payments.ServiceDefaults eng/restricted-feed Directory.* BannedSymbols.txt .editorconfig global.json nuget.config \
    \( -name bin -o -name obj \) -prune -o -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 sha256sum
  echo "$RestrictedFeed $(dotnet --version)"
}
build() {
  publish src/Payments.AllInOne/Payments.AllInOne.csproj "$1.new"
  rm -rf -- "$1"
  mv -- "$1.new" "$1"
  # Older ones may still be running; the newest few stay.
  ls -1td artifacts/run/*/ | tail -n +4 | xargs -rd '\n' rm -rf --
}
application=$PWD/artifacts/run/$(sources | sha256sum | cut -c1-16)
if [ ! -f "$application/Payments.AllInOne.dll" ]; then
  mkdir -p artifacts/run
  exec 9>artifacts/run/.lock
  flock -n 9 || { say "Waiting for another build of this checkout"; flock 9; }
  if [ ! -f "$application/Payments.AllInOne.dll" ]; then
    rm -rf -- "$application.new"
    step "Building (a minute or two; skipped as long as the sources stay the same)" build "$application" || die "The build failed."
  fi
  exec 9>&-
fi

if $dashboard; then
  arguments+=(--dashboard "$(eng/aspire-cli.sh)")
fi

exec dotnet exec "$application/Payments.AllInOne.dll" --data "$data" --port "$port" --began "$began" "${arguments[@]}"
