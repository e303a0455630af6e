#!/usr/bin/env bash
# Prints the Secrets of namespace entregas, with new passwords. `kubectl create` takes them once and refuses to overwrite:
#   deploy/k8s/secretos.sh local | kubectl create -f -
#   deploy/k8s/secretos.sh gke   | kubectl create -f -
# With gke it also leaves in Secret Manager what sidecars read there, and needs Pulsar to be installed and PULSAR_TOKEN, the token
# of role entregas (deploy/gke/README.md). DRY_RUN=1 prints with placeholders and touches nothing.
set -euo pipefail
destino=${1:-}
case $destino in local | gke) ;; *) echo 'uso: deploy/k8s/secretos.sh local|gke' >&2; exit 2 ;; esac
ensayo=${DRY_RUN:-}

clave() { od -An -tx1 -N20 /dev/urandom | tr -d ' \n'; }
declare -A claves=()
for rol in postgres dapr bff gestor_compra admin_productos ordenes consolidador; do claves[$rol]=$(clave); done
linea() { printf '*:*:*:%s:%s\n' "$1" "${claves[$1]}"; }

# secreto NAME KEY < value: one Secret of one key.
secreto() {
  printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: entregas\n  labels:\n    app.kubernetes.io/part-of: entregas\n' "$1"
  printf 'type: %s\ndata:\n' "${SECRET_TYPE:-Opaque}"
  while [ $# -gt 1 ]; do printf '  %s: %s\n' "$2" "$(printf %s "$3" | base64 | tr -d '\n')"; set -- "$1" "${@:4}"; done
}

secreto token-app token "$(clave)"
secreto token-dapr token "$(clave)"
secreto claves-gestor-compra pgpass "$(linea gestor_compra)"
secreto claves-admin-productos pgpass "$(linea admin_productos)"
secreto claves-ordenes pgpass "$(linea ordenes)"
secreto claves-consolidador pgpass "$(linea consolidador)"
secreto claves-preparar pgpass "$(for rol in "${!claves[@]}"; do linea "$rol"; done)"

if [ "$destino" = local ]; then
  secreto claves-postgres postgres "${claves[postgres]}"
  secreto emisor-desarrollo secreto "$(clave)"
  secreto claves-dapr connectionString "postgres://dapr:${claves[dapr]}@postgres:5432/dapr?sslmode=disable"
  secreto claves-bff connectionString "postgres://bff:${claves[bff]}@postgres:5432/bff?sslmode=disable"
  exit 0
fi

SECRET_TYPE=kubernetes.io/basic-auth secreto claves-superusuario username postgres password "${claves[postgres]}"

# de_pulsar SECRET KEY: what Pulsar's chart and cert-manager made.
de_pulsar() {
  if [ -n "$ensayo" ]; then echo ensayo; else kubectl -n pulsar get secret "$1" -o jsonpath="{.data.${2//./\\.}}" | base64 -d; fi
}
# en_gestor NAME VALUE: keeps a value in Secret Manager.
en_gestor() {
  [ -z "$ensayo" ] || return 0
  gcloud secrets describe "$1" >/dev/null 2>&1 || gcloud secrets create "$1" --replication-policy=automatic >&2
  printf %s "$2" | gcloud secrets versions add "$1" --data-file=- >&2
}
[ -z "$ensayo" ] || PULSAR_TOKEN=ensayo
token=${PULSAR_TOKEN:?falta PULSAR_TOKEN, el token del rol entregas: deploy/gke/README.md dice cómo hacerlo}

secreto pulsar-token TOKEN "$token"
secreto pulsar-admin TOKEN "$(de_pulsar pulsar-token-admin TOKEN)"
secreto pulsar-ca ca.crt "$(de_pulsar pulsar-ca-tls ca.crt)"
en_gestor entregas-pulsar-token "$token"
en_gestor entregas-dapr-dsn "postgres://dapr:${claves[dapr]}@postgres-rw:5432/dapr?sslmode=verify-full&sslrootcert=/postgres-ca/ca.crt"
en_gestor entregas-bff-dsn "postgres://bff:${claves[bff]}@postgres-rw:5432/bff?sslmode=verify-full&sslrootcert=/postgres-ca/ca.crt"
