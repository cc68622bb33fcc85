#!/usr/bin/env bash
# Measures parts of the product against what is promised: ./bench.sh [SCENARIO]... [--json FILE]; see ./bench.sh --help
set -euo pipefail

# Files are named from where the caller stands.
caller=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
. eng/setup.sh
setup

step "Building Payments.Bench (Release)" dotnet build bench/Payments.Bench/Payments.Bench.csproj -c Release --nologo -v quiet -nodeReuse:false --disable-build-servers >&2 \
  || die "The build failed."
program=$PWD/bench/Payments.Bench/bin/Release/net10.0/Payments.Bench.dll
cd -- "$caller"
exec dotnet exec "$program" "$@"
