#!/usr/bin/env bash
# Prints what dapr.yaml and components/ say about our services. Scripts and the commands of the READMEs use its lists.
#   deploy/services.sh            the app-id of each service
#   deploy/services.sh ports      app-id and port of each service
#   deploy/services.sh roles      role and database of each address of PostgreSQL, and the app-id of the service with this address
# The first role of a database owns the database. A further role only reads. A role that only sidecars use has the app-id "-".
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
'') awk '$2 == "appID:" {print $3}' dapr.yaml ;;
ports) awk '$2 == "appID:" {id = $3} $1 == "appPort:" {print id, $2}' dapr.yaml ;;
roles)
  awk '
    FNR == 1 {id = "-"}
    $2 == "appID:" {id = $3}
    tolower($0) ~ /postgres(ql)?:\/\// {
      if (!match($0, /postgres:\/\/[a-z_][a-z0-9_]*@[^@\/ ]+\/[a-z_][a-z0-9_]*([?"\047 ]|$)/)) {
        print FILENAME ":" FNR ": not postgres://role@host/database, with names of a-z, 0-9 and _:" $0 >"/dev/stderr"
        exit 1
      }
      split(substr($0, RSTART + 11, RLENGTH - 11), part, /[@\/?"\047 ]/)
      print part[1], part[3], id
    }' dapr.yaml components/*.yaml
  ;;
*) echo 'usage: deploy/services.sh [ports|roles]' >&2; exit 2 ;;
esac
