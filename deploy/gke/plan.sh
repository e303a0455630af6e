#!/usr/bin/env bash
# Prints every command of deploy/gke/README.md with your values (deploy/k8s/overlays/gke/variables.env) and the pinned versions
# filled in. It runs nothing. `make gke-plan`; PROJECT=… DOMAIN=… in the environment replace the values of the file.
set -euo pipefail
cd "$(dirname "$0")/../.."
# read_values FILE: reads the NAME=value lines of a file. A variable that the environment already has keeps its value.
read_values() { while IFS='=' read -r name value; do [ -n "${!name:-}" ] || declare -gx "$name=$value"; done < <(sed -nE 's/^([A-Z_]+)=(.*)$/\1=\2/p' "$1"); }
read_values deploy/k8s/overlays/gke/variables.env
read_values deploy/versions.env
warnings=()
[ "$PROJECT" != my-project ] || warnings+=('PROJECT is still my-project')
[ "$DOMAIN" != compras.example.com ] || warnings+=('DOMAIN is still compras.example.com')
[[ $IMAGE_TAG =~ ^0+$ ]] && warnings+=('IMAGE_TAG names no commit: make images prints it')
[[ $SERVICE_ACCOUNT == *@"$PROJECT".iam.gserviceaccount.com ]] || warnings+=("SERVICE_ACCOUNT is not of project $PROJECT")
[[ $BACKUPS_BUCKET == gs://*"$PROJECT"* ]] || warnings+=("BACKUPS_BUCKET does not name project $PROJECT, and a bucket's name must be unique in the world")

# The commands are the blocks of the README between ```sh and ```, below the title of their section. Only the variables in names are
# filled in.
names='PROJECT|REGION|CLUSTER|DOMAIN|IMAGE_TAG|SERVICE_ACCOUNT|BACKUPS_BUCKET|[A-Z_]+_CHART|PULSAR|POSTGRES|DAPR'
awk '/^## /{title=substr($0,4); told=0} /^```sh$/{inside=1; next} /^```$/{inside=0} inside{if(!told){print "\n# " title; told=1} print}' deploy/gke/README.md |
  while IFS= read -r line; do
    while [[ $line =~ \$\{?($names)\}? ]] && [ -n "${!BASH_REMATCH[1]:-}" ]; do line=${line/"${BASH_REMATCH[0]}"/"${!BASH_REMATCH[1]}"}; done
    printf '%s\n' "$line"
  done
for w in ${warnings[@]+"${warnings[@]}"}; do echo "# warning: $w (deploy/k8s/overlays/gke/variables.env)"; done
