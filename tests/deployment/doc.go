// Package deployment holds the manifests of deploy/ to their word without a cluster: each overlay is rendered, checked by
// strict schemas, and then by what no schema sees, against the code itself. Every check is shown to refuse a bad manifest.
// docs/adr/deployed-by-the-same-files.md
package deployment
