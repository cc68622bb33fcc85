#!/usr/bin/env bash
# Imports statements, compares and explains: ./recon.sh import|match|close|verify|report|explain …; see ./recon.sh --help
# ./recon.sh prove [--payments N] [--seed S] makes payments in a product of its own, with discrepancies, and says whether exactly those are found;
# the last line is "PROOF ok …" or "PROOF FAILED …".
# Works on the database of ConnectionStrings__reconciliation, or of the product that runs in .payments.
set -euo pipefail

# Files are named from where the caller stands.
caller=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
. eng/setup.sh
setup

if [ "${1:-}" = prove ]; then
  shift
  PAYMENTS_PROVE_PAYMENTS=10000
  while [ $# -gt 0 ]; do
    case $1 in
      --payments) PAYMENTS_PROVE_PAYMENTS=${2:?a number of payments is expected} ;;
      --seed) export PAYMENTS_PROVE_SEED=${2:?a number is expected} ;;
      *) die "recon.sh prove [--payments N] [--seed S]" ;;
    esac
    shift 2
  done
  export PAYMENTS_PROVE_PAYMENTS
  step "Building Payments.IntegrationTests (Release)" compile build tests/Payments.IntegrationTests/Payments.IntegrationTests.csproj >&2 \
    || die "The build failed."
  if dotnet exec tests/Payments.IntegrationTests/bin/Release/net10.0/Payments.IntegrationTests.dll -noLogo -noColor -showLiveOutput -class Payments.IntegrationTests.Reconciliation.ProofTests; then
    echo "PROOF ok: $PAYMENTS_PROVE_PAYMENTS payments"
    exit 0
  fi
  echo "PROOF FAILED: $PAYMENTS_PROVE_PAYMENTS payments"
  exit 1
fi

if [ -z "${ConnectionStrings__reconciliation:-}" ] && [ -f .payments/run.json ]; then
  ConnectionStrings__reconciliation=$(grep -o '"reconciliation": *"[^"]*"' .payments/run.json | sed 's/^"reconciliation": *"//; s/"$//')
  export ConnectionStrings__reconciliation
  # What it closes is signed with the product's key.
  if [ -z "${Payments__Secrets__EncryptionKey:-}" ] && [ -r .payments/secrets.json ]; then
    Payments__Secrets__EncryptionKey=$(node -p 'JSON.parse(require("fs").readFileSync(".payments/secrets.json")).encryption_key ?? ""')
    export Payments__Secrets__EncryptionKey
  fi
  # It asks the product's ledger what it has booked.
  if [ -z "${Payments__Urls__Ledger:-}" ] && [ -r .payments/secrets.json ]; then
    Payments__Urls__Ledger=$(node -p 'JSON.parse(require("fs").readFileSync(".payments/run.json")).ledger ?? ""')
    Payments__InternalKey=$(node -p 'JSON.parse(require("fs").readFileSync(".payments/secrets.json")).internal_key ?? ""')
    export Payments__Urls__Ledger Payments__InternalKey
  fi
fi
step "Building Payments.Reconciliation (Release)" compile build src/Payments.Reconciliation/Payments.Reconciliation.csproj >&2 \
  || die "The build failed."
program=$PWD/src/Payments.Reconciliation/bin/Release/net10.0/Payments.Reconciliation.dll
cd -- "$caller"
exec dotnet exec "$program" "$@"
