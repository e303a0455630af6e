#!/usr/bin/env bash
# Makes deploy/secretos.env, the passwords of the system in containers, and deploy/tokens.env, what programs and sidecars say to
# each other, once. Where the containers have theirs already, these stay.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077
clave() { od -An -tx1 -N20 /dev/urandom | tr -d ' \n'; }
[ -f tokens.env ] || printf 'APP_API_TOKEN=%s\nDAPR_API_TOKEN=%s\n' "$(clave)" "$(clave)" >tokens.env
[ ! -f secretos.env ] || exit 0
if docker volume inspect "${COMPOSE_PROJECT_NAME:-entregas}_secretos" >/dev/null 2>&1; then
  echo "Las claves son las que ya hay en el volumen ${COMPOSE_PROJECT_NAME:-entregas}_secretos."
  exit 0
fi
for rol in POSTGRES DAPR BFF GESTOR_COMPRA ADMIN_PRODUCTOS ORDENES CONSOLIDADOR; do
  echo "PASSWORD_$rol=$(clave)"
done >secretos.env
echo 'Hice deploy/secretos.env con claves nuevas. Git no lo guarda: guárdelo usted.'
