#!/usr/bin/env bash
# Writes two files once: deploy/secrets.env, the passwords of the system in containers, and deploy/tokens.env, the tokens that a
# program and its sidecar show each other. It writes no secrets.env if the volume of the containers already has passwords.
set -euo pipefail
cd "$(dirname "$0")/.."
umask 077
password() { od -An -tx1 -N20 /dev/urandom | tr -d ' \n'; }
[ -f tokens.env ] || printf 'APP_API_TOKEN=%s\nDAPR_API_TOKEN=%s\n' "$(password)" "$(password)" >tokens.env
[ ! -f secrets.env ] || exit 0
if docker volume inspect "${COMPOSE_PROJECT_NAME:-entregas}_secrets" >/dev/null 2>&1; then
  echo "The volume ${COMPOSE_PROJECT_NAME:-entregas}_secrets has passwords already: they stay."
  exit 0
fi
roles=$(./services.sh roles | awk '{print toupper($1)}')
for role in POSTGRES $roles; do
  echo "PASSWORD_$role=$(password)"
done >secrets.env
echo 'Wrote deploy/secrets.env with new passwords. Git ignores it: keep a copy.'
