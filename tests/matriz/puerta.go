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

// deReplicas are faults of the one bff while the other serves, and services that are restarted in order, as a new version is
// brought out: no customer may notice that.
func deReplicas() []falla {
	return []falla{
		matar("kill -9 de la app bff-2", unProceso(replica, "app")), matar("kill -9 del sidecar de bff-2", unProceso(replica, "sidecar")),
		{que: "reinicio de bff y después de bff-2", paso: "cualquiera", hacer: restarted(replica, "bff", replica)},
		{que: "reinicio de gestor-compra y después de gestor-compra-2", paso: "cualquiera", hacer: restarted("gestor-compra-2", "gestor-compra", "gestor-compra-2")},
	}
}

// restarted restarts services one after the other, once the one that must be there besides is. A replica that was not there
// before is stopped afterwards.
func restarted(second string, names ...string) func(context.Context, *caos) error {
	return func(ctx context.Context, c *caos) error {
		if _, err := c.one(ctx, unProceso(second, "app")); errors.Is(err, errNoOcurrio) {
			if err := c.local.Orden(ctx, "start", second); err != nil {
				return err
			}
			defer func() { _ = c.local.Orden(context.WithoutCancel(ctx), "stop", second) }()
		}
		for _, name := range names {
			dormir(ctx, 3*time.Second) // for the door to see it
			if err := c.local.Orden(ctx, "restart", name); err != nil {
				return err
			}
		}
		return nil
	}
}

// startReplicas starts what stands beside the services, where this run has any.
func (c *caos) startReplicas(ctx context.Context) error {
	if c.door == nil {
		return nil
	}
	return c.local.Orden(ctx, "start", replica)
}

// openDoor starts the second bff and puts one address before the two. Where neither answers a request, that address answers 502.
func (c *caos) openDoor(ctx context.Context) error {
	if err := c.local.Orden(ctx, "start", replica); err != nil {
		return err
	}
	second, err := c.one(ctx, unProceso(replica, "app"))
	if err != nil {
		return err
	}
	c.door, err = balancer.Open(ctx, c.entorno.BFF, fmt.Sprintf("http://127.0.0.1:%d", second.Port))
	return err
}
