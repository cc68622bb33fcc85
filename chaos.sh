#!/usr/bin/env bash
# Runs the product under fire and judges what is left; see --help.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
case " $* " in *" --help "*|*" -h "*) exec sed -n '/Usage: /,/this text/{s/^        //;p}' tests/Payments.Chaos/ChaosOptions.cs ;; esac

. eng/setup.sh
setup

# The names of the planted bugs; each is a patch of the sources.
planted() { for patch in tests/Payments.Chaos/planted/*.patch; do basename "$patch" .patch; done; }

# How a planted bug shows: under a load, or only where a process dies just between two commits.
proof() { # NAME
  case $1 in offset-before-effects) echo --kill-points ;; *) echo load ;; esac
}

build() { # DIRECTORY
  compile build "$1/tests/Payments.Chaos"
}

arguments=() bug=
while [ $# -gt 0 ]; do
  case $1 in
    --planted) [ $# -ge 2 ] || { echo "--planted needs a name: $(planted | tr '\n' ' ')or all" >&2; exit 2; }; bug=$2; shift ;;
    --planted=*) bug=${1#*=} ;;
    --*=*) arguments+=("${1%%=*}" "${1#*=}") ;;
    *) arguments+=("$1") ;;
  esac
  shift
done

if [ -z "$bug" ]; then
  step "Building" build . || die "The build failed."
  exec dotnet exec tests/Payments.Chaos/bin/Release/net10.0/Payments.Chaos.dll "${arguments[@]}"
fi

command -v patch >/dev/null || eng/install.sh patch
# A planted bug: a copy of the sources with the patch must be convicted, and of what that bug does (NAME.expect).
[ "$bug" = all ] && bugs=$(planted) || bugs=$bug
status=0
for name in $bugs; do
  patch=$PWD/tests/Payments.Chaos/planted/$name.patch
  [ -f "$patch" ] || { echo "There is no planted bug $name; there are: $(planted | tr '\n' ' ')" >&2; exit 2; }
  copy=$PWD/artifacts/chaos/planted-$name
  rm -rf -- "$copy"
  mkdir -p "$copy/artifacts"
  tar -cf - --exclude=bin --exclude=obj --exclude=./artifacts --exclude=node_modules --exclude=./.git --exclude=./.payments . | tar -xf - -C "$copy"
  [ ! -d artifacts/feed ] || cp -r artifacts/feed "$copy/artifacts/feed"
  patch -d "$copy" -p1 --no-backup-if-mismatch -s <"$patch" || die "$name.patch no longer fits the sources."
  step "Building a copy with the planted bug $name" build "$copy" || die "The copy with $name does not build."
  found=0
  # The tour of kill points takes no other option.
  case "$(proof "$name") ${arguments[*]} " in
    *"--kill-points "*) run=(--kill-points) ;;
    *) run=(--evidence "$copy/evidence" "${arguments[@]}") ;;
  esac
  dotnet exec "$copy/tests/Payments.Chaos/bin/Release/net10.0/Payments.Chaos.dll" "${run[@]}" | tee "$copy/output.txt" || found=$?
  rm -rf -- "$copy/tests" "$copy/src"
  expected=$(paste -sd'|' "${patch%.patch}.expect")
  # A rule stands before a payment or a colon where it is told, and before its count in the verdict.
  broken=$(grep -oE "(^|[ (])($expected)[: ]" "$copy/output.txt" | tr -d ' (:' | sort -u | paste -sd' ' || true)
  if [ "$found" -eq 1 ] && [ -n "$broken" ]; then
    echo "PLANTED $name caught by $broken"
  else
    echo "PLANTED $name NOT caught (exit code $found; expected one of ${expected//|/, })"
    status=1
  fi
done
exit $status
