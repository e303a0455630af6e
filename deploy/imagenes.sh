#!/usr/bin/env bash
# Builds the image of every program, tagged by commit, with its list of components (SBOM, CycloneDX) beside it. `make imagenes`.
#   REGISTRY=us-central1-docker.pkg.dev/my-project/entregas deploy/imagenes.sh    names them for a registry (PUSH=1 pushes them)
#   PROGRAMS="bff ordenes"        builds only those
#   DOCKER_OPTIONS="--no-cache"   further options of docker build
set -euo pipefail
cd "$(dirname "$0")/.."
registro=${REGISTRY:-entregas}
salida=.local/imagenes
read -ra programas <<<"${PROGRAMS:-bff gestor-compra admin-productos consolidador ordenes monitor preparar}"
read -ra opciones <<<"${DOCKER_OPTIONS:-}"

command -v docker >/dev/null || { echo 'falta docker: https://docs.docker.com/engine/install' >&2; exit 1; }
docker info >/dev/null 2>&1 || { echo 'docker no responde: arránquelo, o ponga DOCKER_HOST' >&2; exit 1; }

version=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain -- bff contracts internal services workflows tools/local go.work go.work.sum deploy/Dockerfile .dockerignore)" ] || version+=-sucio
epoca=$(git log -1 --format=%ct)
creada=$(date -u -d "@$epoca" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r "$epoca" +%Y-%m-%dT%H:%M:%SZ)
mkdir -p "$salida"

# go_tool DIRECTORY TOOL ARGS: a tool that the project pins.
go_tool() { (cd "$1" && shift && GOWORK=off go tool "$@"); }

printf '%-17s %9s %9s  %-22s %s\n' IMAGEN TAMAÑO PROGRAMA 'CAPA DEL PROGRAMA' COMPONENTES
for p in "${programas[@]}"; do
  imagen=$registro/$p:$version
  DOCKER_BUILDKIT=1 docker build -q ${opciones[@]+"${opciones[@]}"} -f deploy/Dockerfile --build-arg SERVICE="$p" --build-arg VERSION="$version" \
    --build-arg CREATED="$creada" --build-arg SOURCE_DATE_EPOCH="$epoca" ${GOPROXY:+--build-arg GOPROXY="$GOPROXY"} -t "$imagen" . >/dev/null
  [ -n "${REGISTRY:-}" ] || docker tag "$imagen" "$registro/$p:local"
  contenedor=$(docker create "$imagen")
  docker cp -q "$contenedor:/programa" "$salida/$p" 2>/dev/null || docker cp "$contenedor:/programa" "$salida/$p" >/dev/null
  docker rm "$contenedor" >/dev/null
  go_tool tools/sbom cyclonedx-gomod bin -json -std -noserial -output "$PWD/$salida/$p.cdx.json" "$PWD/$salida/$p" 2>/dev/null
  printf '%-17s %6.1f MB %6.1f MB  %-22.19s %d\n' "$p" \
    "$(docker image inspect -f '{{.Size}}' "$imagen" | awk '{print $1 / 1e6}')" "$(wc -c <"$salida/$p" | awk '{print $1 / 1e6}')" \
    "$(docker image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$imagen" | sed '/^$/d' | tail -n 1)" \
    "$(grep -c '"bom-ref"' "$salida/$p.cdx.json")"
  [ -z "${PUSH:-}" ] || docker push -q "$imagen"
done
echo "Etiqueta: $version. Listas de componentes: $salida/*.cdx.json"
