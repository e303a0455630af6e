package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"entregas/tests/client"
)

// What the names of sidecars, and of the processes of make observe, end with.
const (
	sidecarSuffix = " (sidecar)"
	observeSuffix = " (observe)"
)

// usage returns the processor time in ms that each program of the system has used. It returns nil when the programs run on another
// machine or enabled is false.
func usage(ctx context.Context, env client.Env, enabled bool) map[string]float64 {
	if !enabled || env.Root == "" {
		return nil
	}
	local := client.Local{Root: env.Root, Instance: env.Instance}
	processes, err := local.Processes(ctx)
	if err != nil {
		return nil
	}
	used := map[string]float64{}
	for _, p := range processes {
		name := p.Name
		switch p.Kind {
		case "sidecar":
			name += sidecarSuffix
		case "observe":
			name += observeSuffix
		}
		if p.Pid == 0 {
			continue
		}
		used[name] = msOf(strconv.Itoa(p.Pid))
		if p.Kind == "postgres" { // PostgreSQL has a process for each session
			for _, child := range children(p.Pid) {
				used[name] += msOf(child)
			}
		}
	}
	return used
}

// msOf returns the processor time of a process and of its ended children, in ms. The kernel counts ticks of 10 ms.
func msOf(pid string) float64 {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	_, remainder, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(remainder) // fields[0] is the third field of proc(5)
	var ticks float64
	for _, i := range []int{11, 12, 13, 14} {
		if i < len(fields) {
			n, _ := strconv.ParseFloat(fields[i], 64) // the kernel writes numbers only
			ticks += n
		}
	}
	return ticks * 10
}

func children(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

// difference returns a text with the processor time that each program used for one purchase, the greatest first.
func difference(earlier, after map[string]float64, compras int) string {
	perProcess := map[string]float64{}
	total := 0.0
	for name, ms := range after {
		perProcess[name] = (ms - earlier[name]) / float64(compras)
		total += perProcess[name]
	}
	names := slices.SortedFunc(maps.Keys(perProcess), func(a, b string) int { return int(1000 * (perProcess[b] - perProcess[a])) })
	parts := []string{fmt.Sprintf("%.0f in total", total)}
	for _, n := range names {
		if perProcess[n] >= 0.5 {
			parts = append(parts, fmt.Sprintf("%s %.1f", n, perProcess[n]))
		}
	}
	return strings.Join(parts, ", ")
}
