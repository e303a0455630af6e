package main

import (
	"testing"

	"github.com/ardanlabs/conf/v3"

	"entregas/contracts"
)

// The limit for open orders of a customer is the same as the limit for open purchases. So gestor-compra refuses a purchase too
// many before it becomes an order.
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
