#!/usr/bin/env bash
# Measures parts of the product against what is promised: ./bench.sh [SCENARIO]... [--json FILE]; see ./bench.sh --help
set -euo pipefail

# Files are named from where the caller stands.
caller=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
. eng/setup.sh
setup

step "Building Payments.Bench (Release)" publish bench/Payments.Bench/Payments.Bench.csproj artifacts/bench >&2 || die "The build failed."
program=$PWD/artifacts/bench/Payments.Bench.dll
cd -- "$caller"
exec dotnet exec "$program" "$@"
