package main

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

const introduction = `<!-- Written by make generate (tests/settings). Do not edit. -->

# Settings

A setting is an environment variable. ` + "`.local/bin/<service> --help`" + ` lists those of one service too.

- In the local run, ` + "`local.env`" + ` or the environment: ` + "`APP_<SERVICE>_<NAME>=value`" + ` reaches a service and its replicas as ` + "`NAME`" + ` at its next start (` + "`make restart S=<service>`" + `). For example: ` + "`APP_GESTOR_COMPRA_MAX_IN_FLIGHT=8`" + `.
- In containers, ` + "`environment`" + ` of the service in ` + "`deploy/compose.yaml`" + `. In a cluster, ` + "`env`" + ` of its Deployment.

A duration is written with its units: ` + "`500ms`, `30s`, `5m`, `24h`" + `. What is *secret* is never printed.
`

// render returns the text of the page.
func render(settings, job, local, other []setting, waits []wait) string {
	var b strings.Builder
	b.WriteString(introduction)
	var owner string
	for _, one := range settings {
		if one.owner != owner {
			owner = one.owner
			title := owner // the title is the app-id, unchanged
			if owner == everyService {
				title = "Every service"
			}
			fmt.Fprintf(&b, "\n## %s\n\n| setting | default | unit | effect |\n|---|---|---|---|\n", title)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", one.name, one.shownDefault(), one.unit, cell(one.effect))
	}
	b.WriteString("\n## The job that prepares servers\n\nIn containers and in a cluster it makes roles, databases, topics and subscriptions before the services start.\n\n")
	table(&b, []string{"setting", "effect"}, job, func(one setting) []string { return []string{code(one.name), one.effect} })
	b.WriteString("\n## The local run\n\nIn `local.env`, or in the environment, which wins.\n\n")
	table(&b, []string{"setting", "as it is written there", "effect"}, local, func(one setting) []string { return []string{code(one.name), code(one.value), one.effect} })
	b.WriteString("\n## Other variables\n\n")
	table(&b, []string{"read by", "variable", "effect"}, other, func(one setting) []string { return []string{one.owner, code(one.name), one.effect} })

	b.WriteString("\n## Waits, retries and leases\n\nEvery one of the system, whoever keeps it. Those in capitals are settings; the others are constants of the code or of a file of configuration.\n\n")
	for _, one := range settings {
		if one.isWait {
			waits = append(waits, wait{owner: one.owner, name: one.name, value: one.value, effect: one.effect, length: -1})
		}
	}
	slices.SortStableFunc(waits, func(a, c wait) int {
		return cmp.Or(ownerOrder(a.owner, c.owner), cmp.Compare(min(a.length, 0), min(c.length, 0)), strings.Compare(a.where, c.where))
	})
	table(&b, []string{"of", "what", "value", "name"}, waits, func(one wait) []string {
		name := code(one.name)
		if one.where != "" {
			var links []string
			for _, file := range strings.Fields(one.where) {
				links = append(links, fmt.Sprintf("[%s](../%s)", path.Base(file), file))
			}
			name += " in " + strings.Join(links, ", ")
		}
		return []string{one.owner, one.effect, one.value, name}
	})
	return b.String()
}

// shownDefault returns the cell for the default of a setting.
func (s setting) shownDefault() string {
	shown := "none"
	if s.value != "" {
		shown = code(s.value)
	}
	if n, err := strconv.Atoi(s.value); err == nil && s.unit == "bytes" {
		shown += fmt.Sprintf(" (%d KiB)", n>>10)
	}
	if s.required {
		shown = "required"
	}
	if s.secret {
		shown += ", *secret*"
	}
	return shown
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

func table[T any](b *strings.Builder, head []string, rows []T, cells func(T) []string) {
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(head, " | "), strings.Repeat("---|", len(head)))
	for _, row := range rows {
		var texts []string
		for _, text := range cells(row) {
			texts = append(texts, cell(text))
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(texts, " | "))
	}
}
