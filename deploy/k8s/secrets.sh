#!/usr/bin/env bash
# Prints the Secrets of namespace entregas, with new passwords. `kubectl create` takes them once and refuses to overwrite:
#   deploy/k8s/secrets.sh local | kubectl create -f -
#   deploy/k8s/secrets.sh gke   | kubectl create -f -
# With gke it also writes to Secret Manager the values that sidecars read there. Pulsar must be installed, and PULSAR_TOKEN is the
# token of role entregas (deploy/gke/README.md). DRY_RUN=1 prints placeholders and touches nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:-}
case $target in local | gke) ;; *) echo 'usage: deploy/k8s/secrets.sh local|gke' >&2; exit 2 ;; esac
dry=${DRY_RUN:-}

password() { od -An -tx1 -N20 /dev/urandom | tr -d ' \n'; }

# secret NAME KEY VALUE…: prints a Secret with these keys.
secret() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: entregas\n  labels:\n    app.kubernetes.io/part-of: entregas\n' "$1"
  printf 'type: %s\ndata:\n' "${SECRET_TYPE:-Opaque}"
  while [ $# -gt 1 ]; do printf '  %s: %s\n' "$2" "$(printf %s "$3" | base64 | tr -d '\n')"; set -- "$1" "${@:4}"; done
}

# from_pulsar SECRET KEY: prints a value that the Helm chart of Pulsar or cert-manager created.
from_pulsar() {
  if [ -n "$dry" ]; then echo dry-run; else kubectl -n pulsar get secret "$1" -o jsonpath="{.data.${2//./\\.}}" | base64 -d; fi
}

# to_manager NAME VALUE: stores a value in Secret Manager.
to_manager() {
  [ -z "$dry" ] || { echo "# Secret Manager: $1" >&2; return 0; }
  gcloud secrets describe "$1" >/dev/null 2>&1 || gcloud secrets create "$1" --replication-policy=automatic >&2
  printf %s "$2" | gcloud secrets versions add "$1" --data-file=- >&2
}

if [ "$target" = gke ]; then
  [ -z "$dry" ] || PULSAR_TOKEN=dry-run
  token=${PULSAR_TOKEN:?PULSAR_TOKEN is missing, the token of role entregas: deploy/gke/README.md tells how to make it}
fi

secret token-app token "$(password)"
secret token-dapr token "$(password)"

# The line of each role for the password file of PostgreSQL. Program setup creates the roles in this order.
superuser=$(password)
all="*:*:*:postgres:$superuser"
roles=$(deploy/services.sh roles) # a failure here ends the script
while read -r role database app; do
  word=$(password)
  line="*:*:$database:$role:$word"
  all+=$'\n'$line
  if [ "$app" != - ]; then
    secret "passwords-$app" password "$word"
  elif [ "$target" = local ]; then
    secret "passwords-$role" connectionString "postgres://$role:$word@postgres:5432/$database?sslmode=disable"
  else
    to_manager "entregas-$role-dsn" "postgres://$role:$word@postgres-rw:5432/$database?sslmode=verify-full&sslrootcert=/postgres-ca/ca.crt"
  fi
done <<<"$roles"
secret passwords-setup pgpass "$all"

if [ "$target" = local ]; then
  secret passwords-postgres postgres "$superuser"
  secret development-issuer secret "$(password)"
  secret pulsar-token TOKEN none # the broker of this overlay requires no token
  exit 0
fi

SECRET_TYPE=kubernetes.io/basic-auth secret superuser username postgres password "$superuser"
secret pulsar-token TOKEN "$token"
secret pulsar-admin TOKEN "$(from_pulsar pulsar-token-admin TOKEN)"
secret pulsar-ca ca.crt "$(from_pulsar pulsar-ca-tls ca.crt)"
to_manager entregas-pulsar-token "$token"
