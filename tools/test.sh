#!/usr/bin/env bash
# Runs the stages of `make test` and prints the time and the result of each.
# Usage: tools/test.sh [all|lint|deployment|examples|swapped|unit|conformance|e2e|traces|pages|chaos]
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
local=.local/bin/local
modules=(contracts workflows internal services bff)
logs=.local/logs
mkdir -p "$logs"
summary=() failed=0 running=0

# stage NAME COMMAND...: runs a stage, shows its output, keeps it in a log, and adds a line to the summary.
stage() {
  local name=$1 started=$SECONDS rc result=ok
  local log="$logs/$name.log"
  shift
  printf '\n== %s\n' "$name"
  "$@" 9>&- 2>&1 | tee "$log" # without the lock: a process that the stage starts may live longer than this script
  rc=${PIPESTATUS[0]}
  if ((!rc)) && [[ $(counts "$log") == '0 passed'* ]]; then echo "No test of the stage $name ran." | tee -a "$log"; rc=1; fi
  if ((rc)); then result="FAILED (log: $log)" failed=1; fi
  summary+=("$(printf '  %-17s %4d s  %-45s %s' "$name" $((SECONDS - started)) "$(counts "$log")" "$result")")
  return "$rc"
}

# counts LOG: adds up the DONE lines that gotestsum prints, one line for each module. A package that does not build counts as a
# failure.
counts() {
  awk '/^skipped:/ { skipped_stage = 1 }
    /^DONE [0-9]/ {
      found = 1
      for (i = 2; i < NF; i++) {
        if ($(i + 1) ~ /^tests?,?$/) tests += $i
        if ($(i + 1) ~ /^skipped,?$/) skipped += $i
        if ($(i + 1) ~ /^(failures?|errors?),?$/) failures += $i
      }
    }
    END {
      passed = tests - skipped - failures
      if (found) printf "%d passed, %d failed, %d skipped", passed < 0 ? 0 : passed, failures, skipped
      else if (skipped_stage) printf "skipped"
    }' "$1"
}

finish() {
  ((running)) && stage shutdown "$local" --instance test down
  printf '\n== summary (%d s)\n' "$SECONDS"
  printf '%s\n' "${summary[@]}"
  if ((failed)); then
    echo "Failed. Logs of the stages: $logs; of the processes: .local/test/logs"
    exit 1
  fi
  echo "All passed."
}
trap finish EXIT
trap 'failed=1; exit 1' INT TERM

checksums() { git ls-files -co --exclude-standard -z | xargs -0 sha256sum 2>/dev/null; }

generated() {
  local before after
  before=$(checksums)
  make -s generate || return 1
  after=$(checksums)
  [ "$before" = "$after" ] || { echo 'Generated files are out of date. Commit what make generate changed:'; diff <(echo "$before") <(echo "$after"); return 1; }
}

format() {
  local bad m
  bad=$(gofmt -l "${modules[@]}" tests tools)
  [ -z "$bad" ] || { printf 'Not formatted by gofmt:\n%s\n' "$bad"; return 1; }
  for m in "${modules[@]}" tests; do (cd "$m" && go vet ./...) || return 1; done
  (cd tools/local && GOWORK=off go vet ./...)
}

lint() {
  local m rc=0
  "$local" tool lint || return 1
  for m in "${modules[@]}" tests; do (cd "$m" && ../.local/bin/golangci-lint run --allow-parallel-runners ./...) || rc=1; done
  (cd tools/local && GOWORK=off ../../.local/bin/golangci-lint run --allow-parallel-runners ./...) || rc=1
  return "$rc"
}

# vulnerabilities prints 'skipped' where govulncheck cannot reach its database.
vulnerabilities() {
  local m output
  "$local" tool lint || return 1
  for m in "${modules[@]}"; do
    output=$(cd "$m" && ../.local/bin/govulncheck ./... 2>&1) && continue
    grep -q 'fetching vulnerabilities' <<<"$output" && { echo 'skipped: the database of govulncheck cannot be reached'; return 0; }
    echo "$output"
    return 1
  done
}

# hasten shortens two settings of gestor-compra that e2e and pages wait for after each kill and each outage. In production they are
# 30s and 60s. A stage runs in a subshell, so other stages, such as chaos, keep the settings of production.
hasten() { export APP_GESTOR_COMPRA_START_LEASE=10s APP_GESTOR_COMPRA_ASK_AGAIN_AFTER=10s; }

# trace makes programs and sidecars send their traces to a collector that is away, but for the test that is one.
collector=OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:14317
trace() { export "$collector"; }

race=()
if [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null; then race=(-race); else echo 'warning: without a C compiler the tests run without the race detector (-race)'; fi

# run_tests DIRS... -- ARGS: runs go test ARGS in each folder. gotestsum prints one line for each package, and the output of failed
# tests only. Its exit status is not 0 for a failed test, a build that fails, a panic and a process that ends early.
run_tests() {
  local dirs=() d rc=0
  while [ "$1" != -- ]; do dirs+=("$1"); shift; done
  shift
  "$local" tool gotestsum || return 1
  for d in "${dirs[@]}"; do
    printf -- '-- %s\n' "$d"
    (gotestsum=$PWD/.local/bin/gotestsum && cd "$d" &&
      "$gotestsum" --format pkgname-and-test-fails --format-hide-empty-pkg --format-icons text --hide-summary skipped -- "$@") || rc=1
  done
  return "$rc"
}

# side_by_side FUNCTIONS...: runs functions at the same time, and shows the output of each when all have ended. Where one has to wait, the
# others use the processor.
side_by_side() {
  local parts f rc=0
  parts=$(mktemp -d) || return 1
  for f in "$@"; do "$f" >"$parts/$f" 2>&1 && touch "$parts/$f.ok" & done
  wait
  for f in "$@"; do
    cat "$parts/$f"
    [ -e "$parts/$f.ok" ] || rc=1
  done
  rm -r "$parts"
  return "$rc"
}

# own_tests tests what is outside of the modules of the programs and needs nothing that runs. Its arguments are the packages of
# tools/local: the tests of some need PostgreSQL and are in the stage storage. TestDaprRun has a stage of its own.
# -count=1, because these tests read files outside of their module, and go does not see changes of those files.
own_tests() {
  run_tests tests -- -count=1 ./client/... ./auditor/... ./balancer/... ./scenarios/... ./chaos/... ./docs/... ./settings/... &&
    GOWORK=off run_tests tools/local -- -count=1 -skip '^TestDaprRun$' "$@"
}

unit() { run_tests "${modules[@]}" -- ./... && own_tests ./...; }

# export_addresses gives the tests the addresses of the instance `test`. Without them, the tests would skip themselves.
export_addresses() {
  local output v
  output=$("$local" --instance test env) && [ -n "$output" ] || { echo 'no addresses of the instance test'; return 1; }
  while read -r v; do export "${v?}"; done <<<"$output"
}

# storage gives the tests the address of PostgreSQL only.
storage() {
  TEST_DSN=$(export_addresses >&2 && echo "$POSTGRES_SUPER_DSN") && [ -n "$TEST_DSN" ] || return 1
  export TEST_DSN
  "$local" tool gotestsum || return 1
  side_by_side storage_of_services storage_of_the_rest
}
storage_of_services() { run_tests internal services -- "${race[@]}" -count=1 ./...; }
storage_of_the_rest() {
  run_tests contracts workflows bff -- "${race[@]}" -count=1 ./... && GOWORK=off run_tests tools/local -- -count=1 ./setup/...
}

# dapr_run checks that `dapr run -f dapr.yaml` alone starts every service once the infrastructure is up.
dapr_run() { GOWORK=off INSTANCIA=test run_tests tools/local -- -count=1 -run TestDaprRun .; }

# deployment renders deploy/ and checks it against schemas and against the code, without a cluster or the network.
deployment() { run_tests tests -- -count=1 ./deployment/...; }

e2e() {
  trace
  export_addresses || return 1
  hasten
  run_tests tests -- "${race[@]}" -count=1 -timeout 20m ./e2e/...
}

# traces fetches the traces of purchases of every kind.
traces() {
  trace
  export_addresses || return 1
  hasten
  run_tests tests -- -count=1 -timeout 30m -run TestOneTrace ./e2e/...
}

# pages drives the pages in a browser; its screenshots stay in .local/screenshots.
pages() {
  CHROMIUM=$("$local" browser) || { echo 'skipped: the pages are not tested without Chromium'; return 0; }
  export CHROMIUM
  trace
  export_addresses || return 1
  hasten
  run_tests tests -- -count=1 -timeout 10m -parallel 1 ./pages/...
}

# conformance judges each participant and gestor-compra from outside, all at the same time, each in a namespace and on databases of its own.
# Its last line has the form that counts reads.
conformance() {
  local app rc=0 logs_of=() pids=()
  (cd tests && go build -o ../.local/bin/conformance ./conformance) || return 1
  for app in consolidador admin-productos ordenes gestor-compra; do
    logs_of+=("$logs/conformance-$app.log")
    .local/bin/conformance -beside test -profile "$app" -quick -patience 60s -junit "$logs/conformance-$app.xml" >"$logs/conformance-$app.log" 2>&1 &
    pids+=($!)
  done
  for app in "${pids[@]}"; do wait "$app" || rc=1; done
  cat "${logs_of[@]}"
  awk '$4 ~ /^(passed|FAILED|observed)$/ { tests++; if ($4 == "FAILED" && $2 == "must") failures++ } END { printf "DONE %d tests, %d failures\n", tests, failures }' "${logs_of[@]}"
  return "$rc"
}

# examples checks the participants in other languages: format, linters, types, unit tests.
examples() {
  local d rc=0
  for d in examples/*/*/; do
    printf -- '-- %s\n' "$d"
    env -u MAKEFLAGS make --no-print-directory -C "$d" check || rc=1
  done
  return "$rc"
}

# swapped runs the main paths with every participant in another language, and puts those in Go back.
swapped() {
  local d rest app rc=0 back=()
  export_addresses || return 1
  hasten
  for d in examples/*/*/; do
    rest=${d#examples/} app=$(basename "$d" | tr 'a-z-' 'A-Z_')
    export "$app=${rest%%/*}"
    back+=("$app=go")
  done
  "$local" --instance test up && run_tests tests -- -count=1 -timeout 5m -run '^Test(ConfirmedCompra|WithoutExistencias|UnknownProducto|RefusedOrden|CancelarEndToEnd|Despacho)$' ./e2e/... || rc=1
  env "${back[@]}" "$local" --instance test up || rc=1
  return "$rc"
}

# chaos is the short crash matrix: one fault of each kind on the instance `chaos`, then an audit.
chaos() { go run ./tests/chaos -short -seed 1; }

# infrastructure starts the supervisor, whose environment the services get later; the tests of the units get no collector.
infrastructure() { running=1; stage infrastructure env "$collector" "$local" --instance test up --infra-only; }
up() { hasten; trace; "$local" --instance test up; }
system() { running=1; stage system up; }

all() {
  "$local" --instance test reset 9>&- || { failed=1; return 1; } # otherwise the audit would count the purchases of an earlier run
  stage generated generated
  stage format format
  stage lint lint
  stage deployment deployment
  stage own-tests own_tests . ./cmd/...
  stage examples examples
  stage vulnerabilities vulnerabilities
  if infrastructure; then
    stage storage storage
    stage dapr-run dapr_run
    system && { stage conformance conformance; stage e2e e2e; stage pages pages; }
    stage chaos chaos
  fi
}

# There is one instance `test`: a second run would stop the processes of the first.
exec 9>.local/test-stages.lock
[ "${1:-all}" = lint ] || [ "${1:-all}" = unit ] || flock -n 9 || { echo 'another make test is running'; trap - EXIT; exit 1; }

make -s "$local" 9>&- || { failed=1; exit 1; }
case "${1:-all}" in
all) all ;;
lint) stage format format; stage lint lint ;;
deployment) stage deployment deployment ;;
examples) stage examples examples ;;
swapped) system && stage swapped swapped ;;
unit) stage unit unit ;;
conformance) system && stage conformance conformance ;;
e2e) system && stage e2e e2e ;;
traces) system && stage traces traces ;;
pages) system && stage pages pages ;;
chaos) stage chaos chaos ;;
*) echo "unknown stage: $1" >&2; trap - EXIT; exit 2 ;;
esac
