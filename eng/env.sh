#!/usr/bin/env bash
# Prints shell assignments for a running instance: eval "$(eng/env.sh [DIR])". DIR is what run.sh was given with --data; without it
# PAYMENTS_DATA or the .payments beside run.sh.
set -euo pipefail
directory=${1:-${PAYMENTS_DATA:-$(dirname -- "${BASH_SOURCE[0]}")/../.payments}}
file=$directory/run.json
[ -f "$file" ] || { echo "Nothing runs on $directory: start ./run.sh first." >&2; echo false; exit 1; }
node -e '
  const run = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
  const receiver = new URL(run.api);
  receiver.port = Number(receiver.port) + 9;
  const values = {
    API: run.api, VAULT: run.vault, SIMULATORS: run.simulators.base, DEMO_RECEIVER: receiver.origin, MERCHANT_ID: run.merchant_id,
    SECRET_KEY: run.secret_key, PUBLISHABLE_KEY: run.publishable_key, OPERATOR_KEY: run.operator_key,
    RUN: process.pid + "-" + Math.floor(Date.now() / 1000),
  };
  for (const [name, value] of Object.entries(values)) console.log(`export ${name}=\x27${value}\x27`);
' "$file"
