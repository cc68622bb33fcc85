#!/usr/bin/env bash
# Builds everything and runs every test that this machine can run: ./test.sh [NAME]
# NAME is a part of a test's, class's or namespace's name; the long proof (UnderFireTests) runs only so. The last line is "N passed, N failed".
set -euo pipefail
case ${1:-} in
  -h|--help) sed -n '2,3s/^# //p' "$0"; exit ;;
  -*) echo "Unknown option $1" >&2; exit 2 ;;
esac
[ $# -le 1 ] || { echo "One name at most: ./test.sh [NAME]" >&2; exit 2; }
name=${1:-}
name=${name// /_}

cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
. eng/setup.sh
setup

solution=Payments.sln
cannot=()
if [ "$RestrictedFeed" = true ]; then
  solution=Payments.Restricted.slnf
  for project in Payments.AppHost tests/Payments.AppHost.Tests; do
    [ ! -d "$project" ] || cannot+=("$project: the package feed lacks .NET Aspire")
  done
  cannot+=("src/Payments.Fraud.Training: the package feed lacks ML.NET")
elif ! docker info >/dev/null 2>&1; then
  [ ! -d tests/Payments.AppHost.Tests ] || cannot+=("tests/Payments.AppHost.Tests: no container runtime answers")
fi
not_run() {
  [ ${#cannot[@]} -eq 0 ] || printf '\n%sNOT RUN on this machine%s\n' "$bold" "$plain"
  [ ${#cannot[@]} -eq 0 ] || printf '  %s\n' "${cannot[@]}"
}
not_run

passed=0 failed=0 skipped=0
if ! step "Building ($solution, Release)" compile build "$solution"; then
  echo "The build failed." >&2
  echo "0 passed, 1 failed"
  exit 1
fi

reports=artifacts/tests
rm -rf "$reports"
mkdir -p "$reports"

# Tests make a thousand small databases, some 10 GB in all: in memory where there is plenty, or else where temporary files are.
# What they prove of a process that is killed does not depend on the disk.
gigabytes() { echo $((${1:-0} / 1024 / 1024)); }
if [ "$(gigabytes "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)")" -ge 16 ] && [ "$(gigabytes "$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)")" -ge 18 ]; then
  export TMPDIR=/dev/shm/payments
  mkdir -p "$TMPDIR"
  chmod 1777 "$TMPDIR" 2>/dev/null || true
fi

# Tests start programs hundreds of times, most of all to kill them, and each would be compiled anew.
ahead=artifacts/ahead
if [ -z "$name" ]; then
  rm -rf "$ahead"
  step "Compiling ahead what tests start" publish tests/Payments.IntegrationTests "$ahead" || { echo "The build failed." >&2; echo "0 passed, 1 failed"; exit 1; }
fi

# Begins the tests of a project: of NAME, or else all but the long proofs, or else those of classes whose names end alike (a run of its own).
declare -A runs=()
begin() { # PROJECT [CLASS]
  local project=$1 run=$1${2:+.$2} assembly=tests/$1/bin/Release/net10.0/$1.dll
  [ -n "$name" ] || [ ! -f "$ahead/$1.dll" ] || assembly=$ahead/$1.dll
  local arguments=(-noColor -noLogo -reporter verbose -longRunning 120 -ctrf "$reports/$run.json")
  # Nothing of this runs long enough to be worth watching (ADR 0143).
  local settings=(DOTNET_TieredPGO=0)
  # Integration tests wait a lot: for deadlines, retries and servers that start. Most programs that they start end before it would pay to compile
  # again what is used often (0x2000 times here, instead of 30), or to protect the code's memory, which is a tenth of a start.
  if [ "$project" = Payments.IntegrationTests ]; then arguments+=(-maxThreads 5) settings+=(DOTNET_TC_CallCountThreshold=2000 DOTNET_EnableWriteXorExecute=0); fi
  if [ -n "${2:-}" ]; then arguments+=(-class "*$2" -showLiveOutput)
  elif [ -n "$name" ]; then arguments+=(-method "*$name*")
  else arguments+=(-trait- "proof=long" -trait- "proof=apart"); fi
  say "$run"
  : >"$reports/$run.log"
  # What it ended with stands in a file: numbers of processes come again while others run, and the shell forgets what had them before.
  env "${settings[@]}" timeout --kill-after=30 2400 bash -c 'status=0; dotnet exec "${@:2}" || status=$?; echo "$status" >"$1"' run "$reports/$run.exit" "$assembly" "${arguments[@]}" </dev/null >"$reports/$run.log" 2>&1 &
  runs[$run]=$!
}

# Waits for a run and counts. Counts come from the runner's report; a runner that crashed or hung before writing one is a failure of its own.
finish() { # RUN
  local project=$1 report=$reports/$1.json status=0 counts ran
  await "${runs[$1]}" "$reports/$project.log" "$reports/$project.exit" || status=$?
  [ ! -f "$reports/$project.exit" ] || status=$(<"$reports/$project.exit")
  unset "runs[$1]"
  counts=$(node -e '
    const { summary: s, tests } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).results;
    for (const t of tests.filter(t => t.status === "failed")) console.error(`  FAILED ${t.name}\n    ${(t.message || "").trim().split("\n").join("\n    ")}\n    ${(t.trace || "").trim().split("\n").slice(0, 12).join("\n    ")}`);
    for (const t of tests.filter(t => t.status === "skipped")) console.error(`  skipped ${t.name}: ${(t.message || "").trim()}`);
    console.log(s.passed, s.failed + s.other, s.skipped + s.pending);
  ' "$report") || counts=
  if [ -z "$counts" ]; then
    tail -n 60 "$reports/$project.log" >&2
    echo "  $project wrote no report (exit code $status)" >&2
    failed=$((failed + 1))
    return
  fi
  read -r ran_passed ran_failed ran_skipped <<<"$counts"
  ran=$((ran_passed + ran_failed + ran_skipped))
  # More than single tests failed: an error of a fixture, or a crash after the report.
  if [ "$status" -ne 0 ] && [ "$ran_failed" -eq 0 ] && { [ "$ran" -gt 0 ] || [ -z "$name" ]; }; then
    tail -n 60 "$reports/$project.log" >&2
    echo "  $project ended with exit code $status" >&2
    ran_failed=1
  fi
  echo "  $ran_passed passed, $ran_failed failed, $ran_skipped skipped (log: $reports/$project.log)"
  passed=$((passed + ran_passed)) failed=$((failed + ran_failed)) skipped=$((skipped + ran_skipped))
}

for project in Payments.Tests Payments.Simulation; do begin "$project"; done
for project in Payments.Tests Payments.Simulation; do finish "$project"; done

# Beside the integration tests: neither uses the machine up alone. Two at a time: with three, what builds and starts whole products starves.
begin Payments.IntegrationTests
[ -n "$name" ] || begin Payments.IntegrationTests KillPointTests

# Style and analyzers have spoken in the build, which ends at their first warning. Last in line for a processor, so that the tests beside it are not slower for it.
if [ -z "$name" ] || [[ formatting == *"${name,,}"* ]]; then
  if step "Formatting (dotnet format whitespace --verify-no-changes)" nice -n 19 dotnet format whitespace "$solution" --no-restore --verify-no-changes; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
fi

if [ -z "$name" ]; then
  finish Payments.IntegrationTests.KillPointTests
  grep -oE 'survived .*' "$reports/Payments.IntegrationTests.KillPointTests.log" | sed 's/^/    /' || true
fi
begin Payments.EndToEndTests
finish Payments.EndToEndTests
finish Payments.IntegrationTests
if [ "$RestrictedFeed" != true ] && [ -d tests/Payments.AppHost.Tests ] && [ ${#cannot[@]} -eq 0 ]; then begin Payments.AppHost.Tests; finish Payments.AppHost.Tests; fi

if [ -z "$name" ] || [[ card_search == *"${name,,}"* ]]; then
  if step "Card data in what the tests have logged (eng/card-search.sh)" eng/card-search.sh "$reports"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
fi

not_run
[ -n "$name" ] || printf '\nLEFT OUT without a name: the long proofs. ./test.sh UnderFireTests, ./chaos.sh\n'
if [ $((passed + failed)) -eq 0 ]; then
  if [ "$skipped" -gt 0 ]; then echo "Every test that matches '$name' was skipped." >&2; else echo "No test matches '$name'." >&2; fi
  failed=1
fi
[ "$skipped" -eq 0 ] || echo "$skipped skipped, named above"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
