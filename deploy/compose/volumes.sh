#!/usr/bin/env bash
# Runs in a container before all others. It makes each password once, readable only by the user of the program that needs it, gives
# each volume to the user that writes it, and copies our files. An existing password stays. A new password comes from secrets.env, or is random.
set -euo pipefail
roles=$(/deploy/services.sh roles)
ports=$(/deploy/services.sh ports)
# user_of APP: the id of the user of the container of an app: 1, followed by the port of the app, as in compose.yaml. "-" stands for a
# sidecar.
user_of() { if [ "$1" = - ]; then echo 65532; else awk -v app="$1" '$1 == app {print "1" $2}' <<<"$ports"; fi; }
umask 377
cd /secrets

# keep ROLE DATABASE USER: stores the password of the role, and its line for a pgpass file.
keep() {
  local role=$1 variable=PASSWORD_${1^^} password
  if [ ! -s "$role" ]; then
    password=${!variable:-$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n')}
    printf %s "$password" >"$role.new" && mv "$role.new" "$role"
  fi
  rm -f "$role.pgpass"
  printf '*:*:%s:%s:%s\n' "$2" "$role" "$(cat "$role")" >"$role.pgpass"
  chown "$3:$3" "$role" "$role.pgpass"
}
keep postgres '*' 999 # the user of PostgreSQL's own image
all=(postgres.pgpass) sidecars=()
keep observer postgres 65534 # reads the statistics of PostgreSQL
all+=(observer.pgpass)
while read -r role database app; do
  keep "$role" "$database" "$(user_of "$app")"
  all+=("$role.pgpass")
  [ "$app" != - ] || sidecars+=("$role.pgpass")
done <<<"$roles"

# All replicas of the bff derive the key of the development issuer from this secret.
if [ ! -s issuer ]; then
  od -An -tx1 -N20 /dev/urandom | tr -d ' \n' >issuer.new && mv issuer.new issuer
fi
chown "$(user_of bff):$(user_of bff)" issuer
rm -f pgpass sidecars
cat "${all[@]}" >pgpass # for setup, which gives the roles their passwords
chown 10000:10000 pgpass /resources
cat "${sidecars[@]}" >sidecars # for the addresses in components/
chown 65532:65532 sidecars /scheduler
umask 022
rm -rf /sources/*
cp -r /components /pulsar/standalone.conf /pulsar/log4j2.xml /observability /sources/
cp /observability/targets-compose.yaml /sources/observability/targets.yaml
chown 10001:10001 /traces   # Jaeger's user
chown 65534:65534 /metrics  # Prometheus' user
chmod -R u=rwX,go=rX /sources
chmod 711 /secrets
chmod 755 /resources
chmod 700 /scheduler /traces /metrics
echo 'passwords and volumes are ready'
