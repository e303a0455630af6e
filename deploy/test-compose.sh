#!/usr/bin/env bash
# Brings the whole system up in containers of its own (project entregas-test, its own volumes, ports from 30000 on, or PORT_PREFIX=31
# for 31000), runs the end-to-end suite's main paths on it, kills containers and checks that they come back, reports the memory
# of the system, and removes the system. `make test-compose`. KEEP=1 leaves the system up. IMAGE_TAG=… uses existing images and builds none.
set -euo pipefail
cd "$(dirname "$0")/.."
export COMPOSE_PROJECT_NAME=entregas-test COMPOSE_FILE=deploy/compose.yaml:deploy/compose/test.yaml
start=$SECONDS p=${PORT_PREFIX:-30}

say() { printf '[%4d s] %s\n' $((SECONDS - start)) "$*"; }
missing() { printf 'test-compose cannot run here: %s\n' "$*" >&2; exit 3; }

command -v docker >/dev/null || missing 'docker is missing (https://docs.docker.com/engine/install)'
docker info >/dev/null 2>&1 || missing 'no Docker engine answers (start it, or set DOCKER_HOST)'
docker compose version >/dev/null 2>&1 || missing 'docker compose 2.24 or later is missing (https://docs.docker.com/compose/install)'
command -v go >/dev/null || missing 'Go is missing, for the tests (https://go.dev/dl)'
for image in $(docker compose config --images | sort -u | grep -v '^entregas/') $(sed -nE 's/^FROM( --platform=\S+)? (\S+:\S+).*/\2/p' deploy/Dockerfile); do
  docker image inspect "$image" >/dev/null 2>&1 || docker pull -q "$image" >/dev/null 2>&1 || missing "the image $image is missing and cannot be pulled"
done

if [ -z "${IMAGE_TAG:-}" ]; then
  say 'building the images'
  deploy/images.sh | tee .local/images-built
  IMAGE_TAG=$(sed -nE 's/^Tag: ([^.]+)\..*/\1/p' .local/images-built)
fi
export IMAGE_TAG

finish() {
  rc=$?
  if [ "$rc" != 0 ]; then
    docker compose ps -a --format 'table {{.Service}}\t{{.Status}}' || true
    docker compose logs --no-color --tail 15 2>&1 | tail -n 300 >.local/test-compose.log || true
    echo "Failed. The logs: .local/test-compose.log" >&2
  fi
  if [ -z "${KEEP:-}" ]; then
    say 'removing the containers, the networks and the volumes'
    docker compose down -v --remove-orphans -t 20 >/dev/null 2>&1 || true
    [ -z "$(docker ps -aq --filter label=com.docker.compose.project=$COMPOSE_PROJECT_NAME)" ] || { echo 'containers are left' >&2; rc=1; }
  fi
  [ "$rc" != 0 ] || say 'all is well'
  exit "$rc"
}
trap finish EXIT

deploy/compose/secrets.sh >/dev/null
export APP_API_TOKEN OIDC_ISSUER=http://127.0.0.1:${p}888/desarrollo OIDC_DEVELOPMENT_KEY_FILE=$PWD/.local/test-compose-issuer
APP_API_TOKEN=$(sed -n 's/^APP_API_TOKEN=//p' deploy/tokens.env)
say "starting ($IMAGE_TAG)"
docker compose down -v --remove-orphans >/dev/null 2>&1 || true
docker compose up -d --wait --wait-timeout 300 --no-build >/dev/null 2>.local/test-compose-up.log || { tail -n 5 .local/test-compose-up.log >&2; exit 1; }
say 'all is healthy'

container() { docker compose ps -q "$1"; }
password=$(docker compose run --rm --no-deps -T --entrypoint cat volumes /secrets/postgres)
docker compose run --rm --no-deps -T --entrypoint cat volumes /secrets/issuer >"$OIDC_DEVELOPMENT_KEY_FILE"
database() { echo "postgres://postgres:$password@127.0.0.1:${p}432/$1?sslmode=disable"; }
run_tests() {
  env BFF_URL=http://127.0.0.1:${p}888 GESTOR_URL=http://127.0.0.1:${p}001 ADMIN_URL=http://127.0.0.1:${p}000 ORDENES_URL=http://127.0.0.1:${p}040 MONITOR_URL=http://127.0.0.1:${p}020 \
    DSN_GESTOR_COMPRA="$(database gestor_compra)" DSN_PRODUCTOS="$(database productos)" DSN_ORDENES="$(database ordenes)" \
    PULSAR_ADMIN=http://127.0.0.1:${p}080 PULSAR_URL=pulsar://127.0.0.1:${p}650 INSTANCIA=compose PROJECT_ROOT="$PWD" \
    go -C tests test -count=1 -timeout 10m "$@" ./e2e/...
}
say 'the main tests'
main_tests=(ConfirmedCompra WithoutExistencias UnknownProducto Repeated RefusedOrden Aprobacion CancelarEndToEnd Despacho V1 Stream Live)
run_tests -v -run "^Test($(IFS='|'; echo "${main_tests[*]}"))$" >.local/test-compose-e2e.log 2>&1 || { cat .local/test-compose-e2e.log >&2; exit 1; }
for t in "${main_tests[@]}"; do
  grep "^--- PASS: Test$t " .local/test-compose-e2e.log || { echo "Test$t did not run" >&2; exit 1; }
done

# crash SERVICE: ends the program of a service from outside, as a crash would. (Docker does not restart a container after `docker
# kill`, because a person asked for that end.)
crash() {
  local id pid before now
  id=$(container "$1") pid=$(docker inspect -f '{{.State.Pid}}' "$id") before=$(docker inspect -f '{{.RestartCount}}' "$id")
  docker run --rm --pid=host --user 0:0 --network none --entrypoint bash postgres:18.6 -c "kill -9 $pid"
  for _ in $(seq 60); do
    now=$(docker inspect -f '{{.RestartCount}} {{.State.Running}}' "$id")
    [ "$now" = "$((before + 1)) true" ] && { say "$1 died and came back"; return; }
    sleep 0.5
  done
  echo "$1 did not come back: $now" >&2
  return 1
}
for service in gestor-compra admin-productos-dapr placement bff; do crash "$service"; done
sleep 1
docker compose up -d --wait --wait-timeout 120 --no-build --no-recreate >/dev/null 2>&1
say 'all is healthy again; one purchase after the crashes'
run_tests -run '^TestConfirmedCompra$' | grep -E '^(ok|FAIL)'

say 'the memory that it takes now'
docker stats --no-stream --format '{{.Name}} {{.MemUsage}} {{.CPUPerc}}' $(docker compose ps -q) | sed "s/^$COMPOSE_PROJECT_NAME-//; s/-1 / /" | sort |
  awk '{u=$2; v=u+0; if (u ~ /GiB/) v*=1024; if (u ~ /KiB/) v/=1024; t+=v; printf "  %-24s %8.1f MiB  %s\n", $1, v, $5} END {printf "  %-24s %8.1f MiB in %d containers\n", "ALL", t, NR}'
