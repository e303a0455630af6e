package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/jackc/pgx/v5"

	"entregas/contracts"
)

// storeSize is how much one store holds: a table, a topic or a folder. Count is its rows or messages, -1 where nobody counts.
type storeSize struct {
	Store string `json:"store"`
	Count int64  `json:"count"`
	Bytes int64  `json:"bytes"`
}

// printSizes prints the size of each store that docs/retention.md lists.
func (in *Instance) printSizes(asJSON bool) error {
	var all []storeSize
	for _, read := range []func() ([]storeSize, error){in.sizesOfTables, in.sizesOfTopics, in.sizesOfFolders} {
		some, err := read()
		if err != nil {
			return err
		}
		all = append(all, some...)
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(all)
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "COUNT\tKB\t\tSTORE\t")
	for _, s := range all {
		count := ""
		if s.Count >= 0 {
			count = fmt.Sprint(s.Count)
		}
		fmt.Fprintf(table, "%s\t%d\t\t%s\t\n", count, (s.Bytes+1023)/1024, s.Store)
	}
	return table.Flush()
}

// sizesOfTables counts the rows of each table. The bytes have the indexes too.
func (in *Instance) sizesOfTables() ([]storeSize, error) {
	roles, err := in.roles()
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	var all []storeSize
	for _, database := range databases(roles) {
		c, err := in.connect(database)
		if err != nil {
			return nil, err
		}
		rows, err := c.Query(ctx, `select relname, (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I', relname), false, true, '')))[1]::text::bigint,
			pg_total_relation_size(relid) from pg_stat_user_tables where schemaname = 'public' order by relname`)
		if err == nil {
			var some []storeSize
			some, err = pgx.CollectRows(rows, pgx.RowToStructByPos[storeSize])
			for _, s := range some {
				s.Store = database + "." + s.Store
				all = append(all, s)
			}
		}
		if err == nil && database == databases(roles)[0] {
			wal := storeSize{Store: "the log of changes of PostgreSQL"}
			err = c.QueryRow(ctx, `select count(*), coalesce(sum(size), 0)::bigint from pg_ls_waldir()`).Scan(&wal.Count, &wal.Bytes)
			all = append(all, wal)
		}
		if err := errors.Join(err, c.Close(ctx)); err != nil {
			return nil, fmt.Errorf("database %s: %w", database, err)
		}
	}
	return all, nil
}

// sizesOfTopics returns the size of what the broker keeps of each topic, and the number of its messages that wait for a reader.
func (in *Instance) sizesOfTopics() ([]storeSize, error) {
	var all []storeSize
	for _, topic := range append(contracts.Names(), contracts.MensajesDescartados) {
		names := []string{topic, topic + "-dlq"}
		if topic == contracts.MensajesDescartados {
			names = names[:1]
		}
		for _, name := range names {
			text, err := in.pulsarAdmin().Stats(context.Background(), name)
			if err != nil {
				return nil, err
			}
			var stats struct {
				StorageSize   int64
				Subscriptions map[string]struct{ MsgBacklog int64 }
			}
			if err := json.Unmarshal(text, &stats); err != nil {
				return nil, fmt.Errorf("topic %s: %w", name, err)
			}
			s := storeSize{Store: "topic " + name, Bytes: stats.StorageSize}
			for _, reader := range stats.Subscriptions {
				s.Count = max(s.Count, reader.MsgBacklog)
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// sizesOfFolders returns the size of the folders of the processes.
func (in *Instance) sizesOfFolders() ([]storeSize, error) {
	var all []storeSize
	for name, folder := range map[string]string{
		"folder of PostgreSQL": in.path("data", "postgres"), "folder of Pulsar": in.path("data", "pulsar"),
		"folder of the scheduler": in.path("data", "scheduler"), "logs": in.path("logs"), "backups": in.backups(),
	} {
		s := storeSize{Store: name, Count: -1}
		err := filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil //nolint:nilerr // a file may go while its folder is read
			}
			if info, err := d.Info(); err == nil {
				s.Bytes += info.Size()
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b storeSize) int { return strings.Compare(a.Store, b.Store) })
	return all, nil
}
