package main

import (
	"testing"

	"github.com/ardanlabs/conf/v3"

	"entregas/contracts"
)

// A customer may have as many orders open as purchases: an order that would be one too many is refused when the purchase comes in.
func TestTheDefaultsAgree(t *testing.T) {
	for _, required := range []string{"DATABASE_URL", "APP_PORT", "DAPR_GRPC_PORT", "DAPR_HTTP_PORT"} {
		t.Setenv(required, "1")
	}
	var cfg config
	if _, err := conf.Parse("", &cfg); err != nil {
		t.Fatal(err)
	}
	if cfg.MaxOpen != contracts.MaxOpen {
		t.Errorf("MAX_OPEN_ORDENES is %d; contracts has %d", cfg.MaxOpen, contracts.MaxOpen)
	}
}
