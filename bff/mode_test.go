package main

import (
	"strings"
	"testing"

	"github.com/ardanlabs/conf/v3"
)

func TestOnlyTheTwoModesAreTaken(t *testing.T) {
	for _, c := range []struct {
		value, fault string
		want         mode
	}{
		{"", "", production},
		{"production", "", production},
		{"development", "", development},
		{"desarrollo", `MODE is "desarrollo"`, ""},
		{"Production", `MODE is "Production"`, ""},
	} {
		if c.value != "" {
			t.Setenv("MODE", c.value)
		}
		t.Setenv("OIDC_ISSUER", "http://issuer")
		t.Setenv("APP_PORT", "1")
		t.Setenv("DAPR_GRPC_PORT", "1")
		t.Setenv("DAPR_HTTP_PORT", "1")
		var cfg config
		_, err := conf.Parse("", &cfg)
		if c.fault == "" && (err != nil || cfg.Mode != c.want) || c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("MODE=%q is %q, %v", c.value, cfg.Mode, err)
		}
	}
}
