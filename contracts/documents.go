package contracts

import _ "embed" // for the documents

// OpenAPI is the contract of the public REST interface.
//
//go:embed openapi.yaml
var OpenAPI []byte

// AsyncAPI is the contract of the topics and their messages.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte
