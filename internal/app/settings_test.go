package app_test

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"entregas/contracts"
	"entregas/internal/app"
)

// Failure prevented: a purchase waited for its approval longer than its workflow is remembered, which the next set-up deleted.
func TestAWaitEndsBeforeItIsForgotten(t *testing.T) {
	type settings struct {
		app.Config
		Approval time.Duration   `conf:"env:APPROVAL_TIMEOUT,default:24h"`
		Plan     []time.Duration `conf:"env:RETRY_PLAN"`
		Capacity int             `conf:"env:MAX_IN_FLIGHT"`
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		settings
		says string
	}{
		"none":                             {},
		"just as long":                     {settings: settings{Approval: 7 * day, Plan: []time.Duration{3 * day, 4 * day}, Capacity: math.MaxInt}},
		"a little longer":                  {settings{Approval: 7*day + 1}, "APPROVAL_TIMEOUT"},
		"negative":                         {settings{Approval: -1}, "APPROVAL_TIMEOUT"},
		"of every program":                 {settings{Config: app.Config{StopDeadline: 8 * day}}, "SHUTDOWN_TIMEOUT"},
		"pauses that are long together":    {settings{Plan: []time.Duration{3 * day, 3 * day, 2 * day}}, "RETRY_PLAN"},
		"pauses that overflow":             {settings{Plan: []time.Duration{math.MaxInt64, math.MaxInt64, 2}}, "RETRY_PLAN"},
		"a negative pause among long ones": {settings{Plan: []time.Duration{8 * day, -2 * day}}, "RETRY_PLAN"},
	} {
		err := app.CheckWaits(&c.settings)
		if (err == nil) != (c.says == "") || err != nil && !strings.HasPrefix(err.Error(), c.says+" must be") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if 4*contracts.LongestWait > contracts.Retention {
		t.Error("the longest wait is not far below the retention")
	}
}

// An invalid setting ends the program before it does anything.
func TestAProgramWithALongWaitDoesNotStart(t *testing.T) {
	if flag.Arg(0) == "again" { // this test, started by itself
		os.Args = os.Args[:1]
		var cfg struct{ app.Config }
		app.Main("test", &cfg, &cfg.Config, func(context.Context) error { fmt.Println("it runs"); return nil })
		return
	}
	for wait, runs := range map[string]bool{"168h": true, "168h0m1s": false} {
		again := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "again") //nolint:gosec // this program
		again.Env = append(os.Environ(), "SHUTDOWN_TIMEOUT="+wait, "APP_PORT=1", "DAPR_GRPC_PORT=1", "DAPR_HTTP_PORT=1")
		output, err := again.CombinedOutput()
		if text := string(output); (err == nil) != runs || strings.Contains(text, "it runs") != runs || strings.Contains(text, "SHUTDOWN_TIMEOUT must be") == runs {
			t.Errorf("%s: %v\n%s", wait, err, text)
		}
	}
}
