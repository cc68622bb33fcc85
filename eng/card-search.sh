#!/usr/bin/env bash
# Looks for test card numbers and security codes in logs: eng/card-search.sh FILE|DIRECTORY...
# Directories are searched for *.log. Prints where something stands, never what; fails where there is anything, or nothing to search.
# Lines of the test runner that name a test are left aside: some tests are named after the card they use.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)

[ $# -gt 0 ] && [ -n "$(find "$@" -type f -name '*.log' -print -quit)" ] || { echo "There is no log to search." >&2; exit 2; }

numbers=$(sed -nE 's/^ *new\("([0-9]{12,19})".*/\1/p' "$root/src/Payments.Simulators/Cards/TestCards.cs")
[ -n "$numbers" ] || { echo "No test card is known." >&2; exit 2; }
spaced=$(sed -E 's/[0-9]{4}/& /g; s/ $//' <<<"$numbers")
code='(^|[^[:alnum:]_])(cvc|cvv|cvc2|cvv2|security_code)\\?["'\'']?[[:space:]]*[:=][[:space:]]*\\?["'\'']?[0-9]{3,4}([^0-9]|$)'

found=$({
  grep -rnaF --include='*.log' -f <(printf '%s\n' "$numbers" "$spaced" "${spaced// /-}") -- "$@" || [ $? -eq 1 ]
  grep -rnaiE --include='*.log' -e "$code" -- "$@" || [ $? -eq 1 ]
} | sed -E '/^[^:]*:[0-9]+: +Payments\..* \[[A-Z ]+\]( Time: [0-9.]+s)?[[:space:]]*$/d; s/^([^:]*:[0-9]+):.*/\1/' | sort -u)
[ -z "$found" ] || { sed 's/$/: card data/' <<<"$found" >&2; exit 1; }
