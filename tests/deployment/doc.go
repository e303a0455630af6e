// Package deployment tests the manifests of deploy/ without a cluster. It renders each overlay and checks it by strict schemas. Then
// it compares it with the code, by rules that no schema can express. For every check, a test shows that it refuses a bad manifest.
// docs/adr/deployed-by-the-same-files.md
//
//go:generate ../../tools/observe/slo/generate.sh
//go:generate go run ./rules ../../deploy
//go:generate env GOWORK=off go -C ../../tools/observe/dashboards run . ../../../deploy/observability/dashboards
package deployment
