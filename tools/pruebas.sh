#!/usr/bin/env bash
# The stages of `make test`, with the time of each and a summary. `tools/pruebas.sh STAGE...` runs some of them.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
local=.local/bin/local
modulos=(contracts workflows internal services bff)
registros=.local/registros
mkdir -p "$registros"
resumen=() fallo=0 arriba=0

# etapa NAME COMMAND...: runs a stage, shows its output, remembers how it ended.
etapa() {
  local nombre=$1 inicio=$SECONDS rc estado=bien
  local registro="$registros/$nombre.log"
  shift
  printf '\n== %s\n' "$nombre"
  "$@" 9>&- 2>&1 | tee "$registro" # without the lock: what it starts lives longer
  rc=${PIPESTATUS[0]}
  if ((rc)); then estado="MAL (registro: $registro)" fallo=1; fi
  resumen+=("$(printf '  %-17s %4d s  %-45s %s' "$nombre" $((SECONDS - inicio)) "$(grep -hoE '^[0-9]+ passed.*|^skipped' "$registro" | tail -n 1)" "$estado")")
  return "$rc"
}

fin() {
  ((arriba)) && etapa parada "$local" --instance test down
  printf '\n== resumen (%d s)\n' "$SECONDS"
  printf '%s\n' "${resumen[@]}"
  if ((fallo)); then
    echo "Falló. Registros de las etapas: $registros; de los procesos: .local/test/logs"
    exit 1
  fi
  echo "Todo bien."
}
trap fin EXIT
trap 'fallo=1; exit 1' INT TERM

huellas() { git ls-files -co --exclude-standard -z | xargs -0 sha256sum 2>/dev/null; }

generado() {
  local antes despues
  antes=$(huellas)
  make -s generate || return 1
  despues=$(huellas)
  [ "$antes" = "$despues" ] || { echo 'Lo generado no está al día: haga commit de lo que make generate cambió:'; diff <(echo "$antes") <(echo "$despues"); return 1; }
}

formato() {
  local mal m
  mal=$(gofmt -l "${modulos[@]}" tests tools)
  [ -z "$mal" ] || { printf 'Sin formato de gofmt:\n%s\n' "$mal"; return 1; }
  for m in "${modulos[@]}" tests; do (cd "$m" && go vet ./...) || return 1; done
  (cd tools/local && GOWORK=off go vet ./...)
}

lint() {
  local m rc=0
  "$local" lint || return 1
  for m in "${modulos[@]}" tests; do (cd "$m" && ../.local/bin/golangci-lint run --allow-parallel-runners ./...) || rc=1; done
  (cd tools/local && GOWORK=off ../../.local/bin/golangci-lint run --allow-parallel-runners ./...) || rc=1
  return "$rc"
}

# vulnerabilidades says 'skipped' where the database of vulnerabilities cannot be reached.
vulnerabilidades() {
  local m salida
  "$local" lint || return 1
  for m in "${modulos[@]}"; do
    salida=$(cd "$m" && ../.local/bin/govulncheck ./... 2>&1) && continue
    grep -q 'fetching vulnerabilities' <<<"$salida" && { echo 'skipped: no se llega a la base de datos de govulncheck'; return 0; }
    echo "$salida"
    return 1
  done
}

carrera=()
if [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null; then carrera=(-race); else echo 'aviso: sin compilador de C no hay detector de carreras (-race)'; fi

# probar DIRS... -- ARGS: go test in each module, told for people and counted together.
probar() {
  local dirs=() d
  while [ "$1" != -- ]; do dirs+=("$1"); shift; done
  shift
  for d in "${dirs[@]}"; do (cd "$d" && go test -json "$@"); done | "$local" contar
}

unidad() { probar "${modulos[@]}" -- ./... && probar tests -- ./client/... ./auditor/... ./balancer/... ./scenarios/... ./chaos/... && probar tests -- -count=1 ./docs/... ./settings/... && GOWORK=off probar tools/local -- ./...; }

almacenamiento() {
  TEST_DSN=$("$local" --instance test env | sed -n 's/^POSTGRES_SUPER_DSN=//p')
  export TEST_DSN
  probar "${modulos[@]}" -- "${carrera[@]}" -count=1 ./...
}

# dapr_run holds dapr.yaml to its word: `dapr run -f` runs all of it by itself once the infrastructure is up.
dapr_run() { GOWORK=off INSTANCIA=test probar tools/local -- -count=1 -run TestDaprRun ./...; }

# despliegue renders deploy/ and holds it to schemas and to the code, without a cluster or the network.
despliegue() { probar tests -- -count=1 ./deployment/... ./client/... ./docs/... ./settings/...; } # what it reads is outside of its module: go would not see it change

extremo() {
  local v
  while read -r v; do export "${v?}"; done < <("$local" --instance test env)
  probar tests -- "${carrera[@]}" -count=1 -timeout 20m ./e2e/...
}

# paginas drives the pages in a browser; its screenshots stay in .local/capturas.
paginas() {
  local v
  CHROMIUM=$("$local" navegador) || { echo 'skipped: sin Chromium no se prueban las páginas'; return 0; }
  export CHROMIUM
  while read -r v; do export "${v?}"; done < <("$local" --instance test env)
  probar tests -- -count=1 -timeout 10m ./pages/...
}
# caos is the crash matrix's short version: a fault of each kind, on a copy of the system of its own, and an audit.
caos() { go run ./tests/chaos -short -seed 1; }

infra() { arriba=1; etapa infraestructura "$local" --instance test up --infra-only; }
sistema() { arriba=1; etapa sistema "$local" --instance test up; }

todo() {
  "$local" --instance test reset 9>&- || return 1 # what an earlier run left would be counted
  etapa generado generado
  etapa formato formato
  etapa lint lint
  etapa despliegue despliegue
  etapa vulnerabilidades vulnerabilidades
  if infra; then
    etapa almacenamiento almacenamiento
    etapa dapr-run dapr_run
    sistema && { etapa extremo extremo; etapa paginas paginas; }
    etapa caos caos
  fi
}

# The test instance is one: two runs would stop each other's.
exec 9>.local/pruebas.lock
[ "${1:-todo}" = lint ] || [ "${1:-todo}" = unidad ] || flock -n 9 || { echo 'ya hay otro make test en marcha'; trap - EXIT; exit 1; }

make -s "$local" 9>&- || exit 1
case "${1:-todo}" in
todo) todo ;;
lint) etapa formato formato; etapa lint lint ;;
despliegue) etapa despliegue despliegue ;;
unidad) etapa unidad unidad ;;
e2e) sistema && etapa extremo extremo ;;
paginas) sistema && etapa paginas paginas ;;
caos) etapa caos caos ;;
*) echo "no conozco la etapa $1" >&2; exit 2 ;;
esac
