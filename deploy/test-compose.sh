#!/usr/bin/env bash
# Brings the whole system up in containers of its own (project entregas-prueba, ports from 30000 on, or PORT_PREFIX=31 for 31000, its own volumes), runs the
# end-to-end suite's main paths against it, kills containers and sees them come back, tells what it all takes, and removes it.
# `make test-compose`. KEEP=1 leaves it up; IMAGE_TAG=… takes images that are there and builds none.
set -euo pipefail
cd "$(dirname "$0")/.."
export COMPOSE_PROJECT_NAME=entregas-prueba COMPOSE_FILE=deploy/compose.yaml:deploy/compose/prueba.yaml
inicio=$SECONDS p=${PORT_PREFIX:-30}

decir() { printf '[%4d s] %s\n' $((SECONDS - inicio)) "$*"; }
falta() { printf 'test-compose no puede correr aquí: falta %s\n' "$*" >&2; exit 3; }

command -v docker >/dev/null || falta 'docker (https://docs.docker.com/engine/install)'
docker info >/dev/null 2>&1 || falta 'un motor de Docker que responda (arránquelo, o ponga DOCKER_HOST)'
docker compose version >/dev/null 2>&1 || falta 'docker compose, versión 2.24 o posterior (https://docs.docker.com/compose/install)'
command -v go >/dev/null || falta 'Go, para las pruebas (https://go.dev/dl)'
for imagen in $(docker compose config --images | sort -u | grep -v '^entregas/') $(sed -nE 's/^FROM( --platform=\S+)? (\S+).*/\2/p' deploy/Dockerfile); do
  docker image inspect "$imagen" >/dev/null 2>&1 || docker pull -q "$imagen" >/dev/null 2>&1 || falta "la imagen $imagen, y no se puede bajar"
done

if [ -z "${IMAGE_TAG:-}" ]; then
  decir 'construyo las imágenes'
  deploy/imagenes.sh | tee .local/imagenes-construidas
  IMAGE_TAG=$(sed -nE 's/^Etiqueta: ([^.]+)\..*/\1/p' .local/imagenes-construidas)
fi
export IMAGE_TAG

acaba() {
  rc=$?
  if [ "$rc" != 0 ]; then
    docker compose ps -a --format 'table {{.Service}}\t{{.Status}}' || true
    docker compose logs --no-color --tail 15 2>&1 | tail -n 300 >.local/test-compose.log || true
    echo "Falló. Los registros: .local/test-compose.log" >&2
  fi
  if [ -z "${KEEP:-}" ]; then
    decir 'quito los contenedores, las redes y los volúmenes'
    docker compose down -v --remove-orphans -t 20 >/dev/null 2>&1 || true
    [ -z "$(docker ps -aq --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME)" ] || { echo 'quedan contenedores' >&2; rc=1; }
  fi
  [ "$rc" != 0 ] || decir 'todo bien'
  exit "$rc"
}
trap acaba EXIT

deploy/compose/secretos.sh >/dev/null
export APP_API_TOKEN OIDC_ISSUER=http://127.0.0.1:${p}888/desarrollo OIDC_DEVELOPMENT_KEY_FILE=$PWD/.local/test-compose-emisor
APP_API_TOKEN=$(sed -n 's/^APP_API_TOKEN=//p' deploy/tokens.env)
decir "arranco ($IMAGE_TAG)"
docker compose down -v --remove-orphans >/dev/null 2>&1 || true
docker compose up -d --wait --wait-timeout 300 --no-build >/dev/null 2>.local/test-compose-up.log || { tail -n 5 .local/test-compose-up.log >&2; exit 1; }
decir 'todo está sano'

contenedor() { docker compose ps -q "$1"; }
clave=$(docker compose run --rm --no-deps -T --entrypoint cat volumenes /secretos/postgres)
docker compose run --rm --no-deps -T --entrypoint cat volumenes /secretos/emisor >"$OIDC_DEVELOPMENT_KEY_FILE"
base() { echo "postgres://postgres:$clave@127.0.0.1:${p}432/$1?sslmode=disable"; }
probar() {
  env BFF_URL=http://127.0.0.1:${p}888 GESTOR_URL=http://127.0.0.1:${p}001 ADMIN_URL=http://127.0.0.1:${p}000 ORDENES_URL=http://127.0.0.1:${p}040 MONITOR_URL=http://127.0.0.1:${p}020 \
    DSN_GESTOR_COMPRA="$(base gestor_compra)" DSN_PRODUCTOS="$(base productos)" DSN_ORDENES="$(base ordenes)" \
    PULSAR_ADMIN=http://127.0.0.1:${p}080 PULSAR_URL=pulsar://127.0.0.1:${p}650 INSTANCIA=compose PROJECT_ROOT="$PWD" \
    go -C tests test -count=1 -timeout 10m "$@" ./e2e/...
}
decir 'las pruebas principales'
principales=(Confirmada SinExistencias ProductoDesconocido Repetida OrdenRechazada Aprobacion Cancelar Despacho V1 Stream EnVivo)
probar -v -run "^Test($(IFS='|'; echo "${principales[*]}"))$" >.local/test-compose-e2e.log 2>&1 || { cat .local/test-compose-e2e.log >&2; exit 1; }
for prueba in "${principales[@]}"; do
  grep "^--- PASS: Test$prueba " .local/test-compose-e2e.log || { echo "Test$prueba no corrió" >&2; exit 1; }
done

# matar SERVICE: ends its program as a crash would, from outside (a `docker kill` would count as a wish of ours, and nothing would come back).
matar() {
  local id pid antes ahora
  id=$(contenedor "$1") pid=$(docker inspect -f '{{.State.Pid}}' "$id") antes=$(docker inspect -f '{{.RestartCount}}' "$id")
  docker run --rm --pid=host --user 0:0 --network none --entrypoint bash postgres:18.6 -c "kill -9 $pid"
  for _ in $(seq 60); do
    ahora=$(docker inspect -f '{{.RestartCount}} {{.State.Running}}' "$id")
    [ "$ahora" = "$((antes + 1)) true" ] && { decir "$1 murió y volvió"; return; }
    sleep 0.5
  done
  echo "$1 no volvió: $ahora" >&2
  return 1
}
for servicio in gestor-compra admin-productos-dapr placement bff; do matar "$servicio"; done
sleep 1
docker compose up -d --wait --wait-timeout 120 --no-build --no-recreate >/dev/null 2>&1
decir 'todo está sano de nuevo; una compra después de las muertes'
probar -run '^TestConfirmada$' | grep -E '^(ok|FAIL)'

decir 'lo que ocupa, ahora'
docker stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.CPUPerc}}' $(docker compose ps -q) | sed "s/^$COMPOSE_PROJECT_NAME-//; s/-1 / /" | sort |
  awk '{u=$2; v=u+0; if (u ~ /GiB/) v*=1024; if (u ~ /KiB/) v/=1024; t+=v; printf "  %-24s %8.1f MiB  %s\n", $1, v, $5} END {printf "  %-24s %8.1f MiB en %d contenedores\n", "TODO", t, NR}'
