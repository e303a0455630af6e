#!/usr/bin/env bash
# Writes deploy/observability/rules/slos.yaml from slos.yaml with sloth. `make generate` runs it. Sloth takes three minutes of a processor to
# build, so it runs only if one of its inputs or its output changed since: the first line of the output has their checksum.
set -euo pipefail
cd "$(dirname "$0")"
folder=../../../deploy/observability
target=$folder/rules/slos.yaml
checksum() { cat "$folder/slos.yaml" go.mod generate.sh "$1" | sha256sum | cut -d ' ' -f 1; }
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
if [ -e "$target" ]; then
  tail -n +2 "$target" >"$work/body"
  [ "$(head -n 1 "$target")" != "# checksum: $(checksum "$work/body")" ] || exit 0
fi
env -u GOFLAGS GOWORK=off CGO_ENABLED=0 go build -trimpath -o "$work/sloth" github.com/slok/sloth/cmd/sloth
"$work/sloth" generate --no-color -i "$folder/slos.yaml" -o "$work/rules" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
grep -v '^---$' "$work/rules" | sed '/./,$!d' >"$work/body"
{ echo "# checksum: $(checksum "$work/body")"; cat "$work/body"; } >"$target"
