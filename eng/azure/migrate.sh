#!/usr/bin/env sh
# Brings the databases of a deployment up to date: runs each service's migration job and waits for it. azd calls it after deploying.
set -eu
group=${AZURE_RESOURCE_GROUP:?azd sets it}
for service in api vault fraud ledger webhooks; do
  job=$service-migrate
  execution=$(az containerapp job start --name "$job" --resource-group "$group" --query name --output tsv)
  echo "$job: $execution"
  while :; do
    status=$(az containerapp job execution show --name "$job" --job-execution-name "$execution" --resource-group "$group" --query properties.status --output tsv)
    case $status in
      Succeeded) break ;;
      Failed|Stopped|Degraded) echo "$job: $status" >&2; exit 1 ;;
    esac
    sleep 5
  done
done
