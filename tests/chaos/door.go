package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entregas/tests/balancer"
)

// replica is the second bff, which stands beside the first during a long run.
const replica = "bff-2"

// replicaFaults are faults of the one bff while the other serves, and services that are restarted in order, as a new version is
// brought out: no customer may notice that.
func replicaFaults() []fault {
	return []fault{
		kill("kill -9 de la app bff-2", oneProcess(replica, "app")), kill("kill -9 del sidecar de bff-2", oneProcess(replica, "sidecar")),
		{what: "reinicio de bff y después de bff-2", step: "cualquiera", act: restarted(replica, "bff", replica)},
		{what: "reinicio de gestor-compra y después de gestor-compra-2", step: "cualquiera", act: restarted("gestor-compra-2", "gestor-compra", "gestor-compra-2")},
	}
}

// restarted restarts services one after the other, once the one that must be there besides is. A replica that was not there
// before is stopped afterwards.
func restarted(second string, names ...string) func(context.Context, *chaos) error {
	return func(ctx context.Context, c *chaos) error {
		if _, err := c.one(ctx, oneProcess(second, "app")); errors.Is(err, errDidNotOccur) {
			if err := c.local.Run(ctx, "start", second); err != nil {
				return err
			}
			defer func() { _ = c.local.Run(context.WithoutCancel(ctx), "stop", second) }()
		}
		for _, name := range names {
			sleep(ctx, 3*time.Second) // for the door to see it
			if err := c.local.Run(ctx, "restart", name); err != nil {
				return err
			}
		}
		return nil
	}
}

// startReplicas starts what stands beside the services, where this run has any.
func (c *chaos) startReplicas(ctx context.Context) error {
	if c.door == nil {
		return nil
	}
	return c.local.Run(ctx, "start", replica)
}

// openDoor starts the second bff and puts one address before the two. Where neither answers a request, that address answers 502.
func (c *chaos) openDoor(ctx context.Context) error {
	if err := c.local.Run(ctx, "start", replica); err != nil {
		return err
	}
	second, err := c.one(ctx, oneProcess(replica, "app"))
	if err != nil {
		return err
	}
	c.door, err = balancer.Open(ctx, c.env.BFF, fmt.Sprintf("http://127.0.0.1:%d", second.Port))
	return err
}
