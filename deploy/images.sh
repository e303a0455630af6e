#!/usr/bin/env bash
# Builds the image of every program, tagged by commit, and writes its list of components (SBOM, CycloneDX). `make images`.
#   REGISTRY=us-central1-docker.pkg.dev/my-project/entregas deploy/images.sh    names them for a registry (PUSH=1 pushes them)
#   PROGRAMS="bff ordenes"        builds only those
#   DOCKER_OPTIONS="--no-cache"   further options of docker build
set -euo pipefail
cd "$(dirname "$0")/.."
registry=${REGISTRY:-entregas}
out=.local/images
read -ra programs <<<"${PROGRAMS:-$(deploy/services.sh | tr '\n' ' ') setup conformance}"
read -ra options <<<"${DOCKER_OPTIONS:-}"

command -v docker >/dev/null || { echo 'docker is missing: https://docs.docker.com/engine/install' >&2; exit 1; }
docker info >/dev/null 2>&1 || { echo 'docker does not answer: start it, or set DOCKER_HOST' >&2; exit 1; }

version=$(git rev-parse --short=12 HEAD)
[ -z "$(git status --porcelain -- bff contracts examples internal services workflows tools/local tests/conformance go.work go.work.sum deploy/Dockerfile .dockerignore)" ] || version+=-dirty
epoch=$(git log -1 --format=%ct)
created=$(date -u -d "@$epoch" +%Y-%m-%dT%H:%M:%SZ 2>/dev/null || date -u -r "$epoch" +%Y-%m-%dT%H:%M:%SZ)
mkdir -p "$out"

# go_tool DIRECTORY TOOL ARGS: a tool that the project pins.
go_tool() { (cd "$1" && shift && GOWORK=off go tool "$@"); }

printf '%-17s %9s %9s  %-22s %s\n' IMAGE SIZE PROGRAM 'LAYER OF THE PROGRAM' COMPONENTS
for p in "${programs[@]}"; do
  image=$registry/$p:$version
  DOCKER_BUILDKIT=1 docker build -q ${options[@]+"${options[@]}"} -f deploy/Dockerfile --build-arg SERVICE="$p" --build-arg VERSION="$version" \
    --build-arg CREATED="$created" --build-arg SOURCE_DATE_EPOCH="$epoch" ${GOPROXY:+--build-arg GOPROXY="$GOPROXY"} -t "$image" . >/dev/null
  [ -n "${REGISTRY:-}" ] || docker tag "$image" "$registry/$p:local"
  container=$(docker create "$image")
  docker cp -q "$container:/program" "$out/$p" 2>/dev/null || docker cp "$container:/program" "$out/$p" >/dev/null
  docker rm "$container" >/dev/null
  go_tool tools/sbom cyclonedx-gomod bin -json -std -noserial -output "$PWD/$out/$p.cdx.json" "$PWD/$out/$p" 2>/dev/null
  printf '%-17s %6.1f MB %6.1f MB  %-22.19s %d\n' "$p" \
    "$(docker image inspect -f '{{.Size}}' "$image" | awk '{print $1 / 1e6}')" "$(wc -c <"$out/$p" | awk '{print $1 / 1e6}')" \
    "$(docker image inspect -f '{{range .RootFS.Layers}}{{println .}}{{end}}' "$image" | sed '/^$/d' | tail -n 1)" \
    "$(grep -c '"bom-ref"' "$out/$p.cdx.json")"
  [ -z "${PUSH:-}" ] || docker push -q "$image"
done
for file in examples/*/*/Dockerfile; do # the participants in other languages: entregas/<app>-<language>
  example=${file%/Dockerfile} language=${file#examples/}
  image=$registry/${example##*/}-${language%%/*}:$version
  [ -z "${PROGRAMS:-}" ] || continue
  DOCKER_BUILDKIT=1 docker build -q ${options[@]+"${options[@]}"} -t "$image" "$example" >/dev/null
  [ -n "${REGISTRY:-}" ] || docker tag "$image" "${image%:*}:local"
  printf '%-17s %6.1f MB\n' "${image##*/}" "$(docker image inspect -f '{{.Size}}' "$image" | awk '{print $1 / 1e6}')"
  [ -z "${PUSH:-}" ] || docker push -q "$image"
done
echo "Tag: $version. Lists of components: $out/*.cdx.json"
