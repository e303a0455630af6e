package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entregas/tests/balancer"
)

// replica is the name of the second bff. Only a long run has two bffs.
const replica = "bff-2"

// replicaFaults returns the faults of one bff while the other bff serves. It also returns restarts of the replicas of a service one
// after the other, as in a rollout of a new version. Customers must not notice these faults.
func replicaFaults() []fault {
	return []fault{
		kill("kill -9 of app bff-2", oneProcess(replica, "app")), kill("kill -9 of the sidecar of bff-2", oneProcess(replica, "sidecar")),
		{what: "restart of bff, then of bff-2", step: anyStep, act: restarted(replica, "bff", replica)},
		{what: "restart of gestor-compra, then of gestor-compra-2", step: anyStep, act: restarted("gestor-compra-2", "gestor-compra", "gestor-compra-2")},
	}
}

// restarted restarts replicas one after the other. If replica second does not run, restarted starts it first and stops it afterwards.
func restarted(second string, names ...string) func(context.Context, *chaos) error {
	return func(ctx context.Context, c *chaos) error {
		if _, err := c.one(ctx, oneProcess(second, "app")); errors.Is(err, errDidNotOccur) {
			if err := c.local.Run(ctx, "start", second); err != nil {
				return err
			}
			defer func() { _ = c.local.Run(context.WithoutCancel(ctx), "stop", second) }()
		}
		for _, name := range names {
			sleep(ctx, 3*time.Second) // until the balancer knows that the replica is ready
			if err := c.local.Run(ctx, "restart", name); err != nil {
				return err
			}
		}
		return nil
	}
}

// startReplicas starts the second bff when this run has one.
func (c *chaos) startReplicas(ctx context.Context) error {
	if c.door == nil {
		return nil
	}
	return c.local.Run(ctx, "start", replica)
}

// openDoor starts the second bff, and a balancer for the two bffs. The balancer answers 502 when neither bff answers.
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
