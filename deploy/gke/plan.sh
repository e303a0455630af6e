#!/usr/bin/env bash
# Prints every command of deploy/gke/README.md with what is yours (deploy/k8s/overlays/gke/variables.env) and the pinned versions
# filled in. It runs nothing. `make gke-plan`; PROJECT=… DOMAIN=… on the command line win over the file.
set -euo pipefail
cd "$(dirname "$0")/../.."
# valor FILE: the NAME=value lines of a file that the environment does not already say.
valor() { while IFS='=' read -r nombre valor; do [ -n "${!nombre:-}" ] || declare -gx "$nombre=$valor"; done < <(sed -nE 's/^([A-Z_]+)=(.*)$/\1=\2/p' "$1"); }
valor deploy/k8s/overlays/gke/variables.env
valor deploy/versiones.env
avisos=()
[ "$PROJECT" != my-project ] || avisos+=('PROJECT todavía es my-project')
[ "$DOMAIN" != compras.example.com ] || avisos+=('DOMAIN todavía es compras.example.com')
[[ $IMAGE_TAG =~ ^0+$ ]] && avisos+=('IMAGE_TAG no nombra ningún commit: make imagenes dice cuál')
[[ $SERVICE_ACCOUNT == *@"$PROJECT".iam.gserviceaccount.com ]] || avisos+=("SERVICE_ACCOUNT no es del proyecto $PROJECT")
[[ $BACKUPS_BUCKET == gs://*"$PROJECT"* ]] || avisos+=("BACKUPS_BUCKET no nombra el proyecto $PROJECT, y un balde debe ser único en el mundo")

# The commands are the blocks of the README between ```sh and ```, under the title of their section; $NAME of ours is filled in.
nombres='PROJECT|REGION|CLUSTER|DOMAIN|IMAGE_TAG|SERVICE_ACCOUNT|BACKUPS_BUCKET|[A-Z_]+_CHART|PULSAR|POSTGRES|DAPR'
awk '/^## /{titulo=substr($0,4); dicho=0} /^```sh$/{dentro=1; next} /^```$/{dentro=0} dentro{if(!dicho){print "\n# " titulo; dicho=1} print}' deploy/gke/README.md |
  while IFS= read -r linea; do
    while [[ $linea =~ \$\{?($nombres)\}? ]] && [ -n "${!BASH_REMATCH[1]:-}" ]; do linea=${linea/"${BASH_REMATCH[0]}"/"${!BASH_REMATCH[1]}"}; done
    printf '%s\n' "$linea"
  done
for a in ${avisos[@]+"${avisos[@]}"}; do echo "# aviso: $a (deploy/k8s/overlays/gke/variables.env)"; done
