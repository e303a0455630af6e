package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// platformWait is a wait that a file sets for Dapr, Pulsar, PostgreSQL or the cluster. The first group of pattern matches the value in
// each of files. The page shows unit after the value.
type platformWait struct {
	owner, name, files, pattern, unit, effect string
}

var platform = []platformWait{
	{"Dapr", "timeout", "components/resiliency.yaml", `(?m)^ +brief: (\S+)$`, "", "How long a sidecar waits for a service that another one calls. The bff gives up a little later."},
	{"Dapr", "initTimeout", "components/*.yaml", `initTimeout: (\S+)`, "", "How long a sidecar that starts waits for PostgreSQL or Pulsar before it ends, to be started again."},
	{"Dapr", "cleanupInterval", "components/*.yaml", `name: cleanupInterval\n +value: (\S+)`, "", "How often Dapr deletes the keys of a state store that have outlived their time. They are not read any more before."},
	{"Dapr", "appHealthProbeInterval", "dapr.yaml", `appHealthProbeInterval: (\d+)`, " s", "How often a sidecar asks its service for its health."},
	{"Dapr", "appHealthThreshold", "dapr.yaml", `appHealthThreshold: (\d+)`, " misses", "After so many a sidecar delivers no message to its service until it answers again."},
	{"Dapr", "graceful-shutdown-seconds", "deploy/compose.yaml deploy/k8s/base/*/service.yaml", `graceful-shutdown-seconds[ =:"]+(\d+)`, " s", "How long a sidecar that stops waits for what is under way."},
	{"Dapr", "etcd-compaction-retention", "deploy/compose.yaml tools/local/process-compose.yaml.tmpl", `etcd-compaction-retention=(\S+)`, "", "How long the scheduler's store keeps the old versions of reminders, 38 KB a purchase."},
	{"Pulsar", "redeliveryDelay", "components/pubsub*.yaml", `name: redeliveryDelay\n +value: (\S+)`, "", "How long after a handler failed its message is delivered again. Without limit: only a service decides that a message is bad."},
	{"Pulsar", "retentionTimeInMinutes", "tools/local/setup/topics.go tools/local/*/topics.go", `retentionTimeInMinutes": (\d+)`, " min", "How long a topic keeps messages that all subscriptions have acknowledged: 7 days, less than an inbox remembers commands."},
	{"compose", "stop_grace_period of a service", "deploy/compose.yaml", `stop_grace_period: (\S+) # above`, "", "How long a container that stops has before it is killed: more than STOP_NOTICE and SHUTDOWN_TIMEOUT together."},
	{"Kubernetes", "terminationGracePeriodSeconds", "deploy/k8s/base/*/service.yaml", `terminationGracePeriodSeconds: (\d+)`, " s", "The same for a pod: its service and its sidecar."},
	{"Kubernetes", "activeDeadlineSeconds of a job", "deploy/k8s/base/*/job.yaml", `activeDeadlineSeconds: (\d+)`, " s", "How long a job that prepares servers or migrates a database may take."},
	{"Kubernetes", "backoffLimit of a job", "deploy/k8s/base/*/job.yaml", `backoffLimit: (\d+)`, " tries", "After so many that failed the job is given up."},
	{"Kubernetes", "pollingInterval", "deploy/k8s/base/*/scale-keda.yaml", `pollingInterval: (\d+)`, " s", "How often the autoscaler reads the length of a queue."},
	{"Kubernetes", "cooldownPeriod", "deploy/k8s/base/*/scale-keda.yaml", `cooldownPeriod: (\d+)`, " s", "How long a queue is empty before the replicas that it brought go."},
}

// platformWaits reads the values of platform. It returns an error when no file has one, when files have different values, and when a
// component has a duration that platform does not list.
func platformWaits(root string) (all []wait, err error) {
	var read []string // each as "components/pubsub.yaml 1s"
	for _, p := range platform {
		pattern := regexp.MustCompile(p.pattern)
		var value string
		var where []string
		for _, glob := range strings.Fields(p.files) {
			files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(glob)))
			if err != nil {
				return nil, err
			}
			for _, name := range files {
				text, err := os.ReadFile(name)
				if err != nil {
					return nil, err
				}
				relative, _ := filepath.Rel(root, name)
				for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
					found := strings.Trim(m[1], `"`)
					if value != "" && value != found {
						return nil, fmt.Errorf("%s has %s %s, and another file %s: list them apart in tests/settings/platform.go", relative, p.name, found, value)
					}
					value = found
					read = append(read, path.Base(name)+" "+found)
					if !slices.Contains(where, filepath.ToSlash(relative)) {
						where = append(where, filepath.ToSlash(relative))
					}
				}
			}
		}
		if value == "" {
			return nil, fmt.Errorf("no file of %s has %s (tests/settings/platform.go)", p.files, p.name)
		}
		all = append(all, wait{owner: p.owner, name: p.name, value: value + p.unit, effect: p.effect, where: strings.Join(where, " ")})
	}
	components, err := filepath.Glob(filepath.Join(root, "components", "*.yaml"))
	if err != nil {
		return nil, err
	}
	for _, name := range components {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, m := range regexp.MustCompile(`(?m): "?(\d+(?:ms|s|m|h))"?$`).FindAllStringSubmatch(string(text), -1) {
			if !slices.Contains(read, path.Base(name)+" "+m[1]) {
				return nil, fmt.Errorf("components/%s has a wait of %s that tests/settings/platform.go does not list", path.Base(name), m[1])
			}
		}
	}
	return all, nil
}
