#!/usr/bin/env bash
# Trains, measures and explains fraud models: ./fraud.sh COMMAND [OPTION VALUE]... ; see ./fraud.sh --help
set -euo pipefail

# Files are named from where the caller stands.
caller=$PWD
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
. eng/setup.sh
setup

project=Payments.Fraud
[ "$RestrictedFeed" = true ] || project=Payments.Fraud.Training
step "Building $project (Release)" compile build "src/$project/$project.csproj" >&2 \
  || die "The build failed."
program=$PWD/src/$project/bin/Release/net10.0/$project.dll
cd -- "$caller"
exec dotnet exec "$program" "$@"
