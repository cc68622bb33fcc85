#!/usr/bin/env bash
# Imports statements, compares and explains: ./recon.sh import|match|close|report|explain …; see ./recon.sh --help
# Works on the database of ConnectionStrings__reconciliation, or of the product that runs in .payments.
set -euo pipefail

# Files are named from where the caller stands.
caller=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
. eng/setup.sh
setup

if [ -z "${ConnectionStrings__reconciliation:-}" ] && [ -f .payments/run.json ]; then
  ConnectionStrings__reconciliation=$(grep -o '"reconciliation": *"[^"]*"' .payments/run.json | sed 's/^"reconciliation": *"//; s/"$//')
  export ConnectionStrings__reconciliation
fi
step "Building Payments.Reconciliation (Release)" dotnet build src/Payments.Reconciliation/Payments.Reconciliation.csproj -c Release --nologo -v quiet -nodeReuse:false --disable-build-servers >&2 \
  || die "The build failed."
program=$PWD/src/Payments.Reconciliation/bin/Release/net10.0/Payments.Reconciliation.dll
cd -- "$caller"
exec dotnet exec "$program" "$@"
