// Package docs checks what the documents and the comments of the repository name: files, decision records, tests.
package docs
