#!/usr/bin/env bash
# Runs in a container before all others: makes each password once, readable by the one user that needs it, and gives each
# volume to who writes it, and copies our files. A password that is there stays; a new one is secretos.env's, or random.
set -euo pipefail
umask 377
cd /secretos
# role and the user that may read its password: postgres' own image runs as 999, a sidecar as 65532, compose.yaml says the others
for par in postgres:999 dapr:65532 bff:65532 gestor_compra:10001 admin_productos:10002 ordenes:10003 consolidador:10004; do
  rol=${par%:*} usuario=${par#*:} variable=PASSWORD_$(tr '[:lower:]' '[:upper:]' <<<"${par%:*}")
  if [ ! -s "$rol" ]; then
    clave=${!variable:-$(od -An -tx1 -N20 /dev/urandom | tr -d ' \n')}
    printf %s "$clave" >"$rol.nueva" && mv "$rol.nueva" "$rol"
  fi
  rm -f "$rol.pgpass"
  printf '*:*:*:%s:%s\n' "$rol" "$(cat "$rol")" >"$rol.pgpass"
  chown "$usuario:$usuario" "$rol" "$rol.pgpass"
done
# the bff's development issuer: its replicas make their key of this
if [ ! -s emisor ]; then
  od -An -tx1 -N20 /dev/urandom | tr -d ' \n' >emisor.nuevo && mv emisor.nuevo emisor
fi
chown 10005:10005 emisor
rm -f pgpass sidecars
cat ./*.pgpass >pgpass # for preparar, which gives the roles their passwords
chown 10000:10000 pgpass /componentes
cat dapr.pgpass bff.pgpass >sidecars # for the components' addresses
chown 65532:65532 sidecars
chown 65532:65532 /scheduler
umask 022
rm -rf /fuentes/*
cp -r /components /pulsar/standalone.conf /pulsar/log4j2.xml /fuentes/
chmod -R u=rwX,go=rX /fuentes
chmod 711 /secretos
chmod 755 /componentes
chmod 700 /scheduler
echo 'claves y volúmenes listos'
