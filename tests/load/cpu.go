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

// usage is the processor time, in ms, that each program of the system has used. It is empty where that cannot be known:
// on another machine, or where nobody asked.
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
		if p.Kind == "sidecar" {
			name += " (sidecar)"
		}
		if p.Pid == 0 {
			continue
		}
		used[name] = msOf(strconv.Itoa(p.Pid))
		if p.Kind == "postgres" { // a process of its own for each session
			for _, child := range children(p.Pid) {
				used[name] += msOf(child)
			}
		}
	}
	return used
}

// msDe reads user and system time of a process, its ended children included: ticks of 10 ms.
func msOf(pid string) float64 {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	_, remainder, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(remainder) // begins at the third field of proc(5)
	var ticks float64
	for _, i := range []int{11, 12, 13, 14} {
		if i < len(fields) {
			n, _ := strconv.ParseFloat(fields[i], 64) // the kernel writes numbers
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

// difference tells the greatest first what each used, by purchase.
func difference(earlier, after map[string]float64, compras int) string {
	perProcess := map[string]float64{}
	total := 0.0
	for name, ms := range after {
		perProcess[name] = (ms - earlier[name]) / float64(compras)
		total += perProcess[name]
	}
	names := slices.SortedFunc(maps.Keys(perProcess), func(a, b string) int { return int(1000 * (perProcess[b] - perProcess[a])) })
	parts := []string{fmt.Sprintf("%.0f en total", total)}
	for _, n := range names {
		if perProcess[n] >= 0.5 {
			parts = append(parts, fmt.Sprintf("%s %.1f", n, perProcess[n]))
		}
	}
	return strings.Join(parts, ", ")
}
