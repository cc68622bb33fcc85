#!/usr/bin/env bash
# Realistic payment traffic with attacks, from a seed: ./traffic.sh COMMAND [OPTION VALUE]... ; see ./traffic.sh --help
set -euo pipefail

# Files are named from where the caller stands.
caller=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
. eng/setup.sh
setup

step "Building Payments.TrafficGenerator (Release)" \
  compile build tests/Payments.TrafficGenerator/Payments.TrafficGenerator.csproj >&2 \
  || die "The build failed."
program=$PWD/tests/Payments.TrafficGenerator/bin/Release/net10.0/Payments.TrafficGenerator.dll
cd -- "$caller"
exec dotnet exec "$program" "$@"
