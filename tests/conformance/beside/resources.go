package beside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"gopkg.in/yaml.v3"

	"entregas/contracts"
)

// admin sends a request to the administration of the broker.
func (b *Beside) admin(ctx context.Context, method, path, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, b.Addresses["PULSAR_ADMIN"]+"/admin/v2"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s %.200s", method, path, response.Status, text)
	}
	return err
}

// makeNamespace makes the namespace with the policies, topics, subscriptions and schemas that the set-up makes in public/default.
func (b *Beside) makeNamespace(ctx context.Context) error {
	ns := "/namespaces/" + b.Namespace
	requests := [][3]string{
		{"PUT", ns, ""}, {"POST", ns + "/schemaValidationEnforced", "true"}, {"PUT", ns + "/schemaCompatibilityStrategy", `"FULL_TRANSITIVE"`},
		{"POST", ns + "/isAllowAutoUpdateSchema", "false"}, {"POST", ns + "/retention", `{"retentionTimeInMinutes": 60, "retentionSizeInMB": 512}`},
	}
	for _, topic := range b.Topics {
		schema, err := contracts.AvroSchema(topic)
		if err != nil {
			return err
		}
		body, err := json.Marshal(map[string]any{"type": "AVRO", "schema": schema, "properties": map[string]string{}})
		if err != nil {
			return err
		}
		for _, name := range []string{topic, topic + "-dlq"} {
			requests = append(requests, [3]string{"PUT", "/persistent/" + b.Namespace + "/" + name, ""},
				[3]string{"POST", "/schemas/" + b.Namespace + "/" + name + "/schema", string(body)})
		}
		if reader := b.Readers[topic]; reader != "" {
			requests = append(requests, [3]string{"PUT", "/persistent/" + b.Namespace + "/" + topic + "/subscription/" + reader, `{"ledgerId": -1, "entryId": -1}`})
		}
	}
	for _, r := range requests {
		if err := b.admin(ctx, r[0], r[1], r[2]); err != nil {
			return err
		}
	}
	address, err := url.Parse(b.Addresses["PULSAR_URL"])
	if err != nil {
		return err
	}
	b.broker, err = newProxy(ctx, address.Host, true)
	return err
}

// dropNamespace deletes the topics and the namespace. The broker deletes what is left of the messages by itself.
func (b *Beside) dropNamespace(ctx context.Context) {
	for _, topic := range b.Topics {
		for _, name := range []string{topic, topic + "-dlq"} {
			_ = b.admin(ctx, "DELETE", "/persistent/"+b.Namespace+"/"+name+"?force=true", "")
		}
	}
	_ = b.admin(ctx, "DELETE", "/namespaces/"+b.Namespace, "")
}

var inAddress = regexp.MustCompile(`^postgres://([a-z_][a-z0-9_]*)@([^/]+)/([a-z_][a-z0-9_]*)\?(.*)$`)

// engineDatabase is the database of the state stores.
const engineDatabase = "dapr"

// database returns the name of the program's own database in the place of one of the system.
func (b *Beside) database(of string) string {
	return "conformance_" + strings.ReplaceAll(b.App, "-", "_") + "_" + of
}

// makeDatabases makes a database for the program and one for its state store, and changes DATABASE_URL.
func (b *Beside) makeDatabases(ctx context.Context) error {
	admin, err := pgx.ParseConfig(b.Addresses["POSTGRES_SUPER_DSN"])
	if err != nil {
		return err
	}
	if b.sql, err = newProxy(ctx, fmt.Sprintf("%s:%d", admin.Host, admin.Port), false); err != nil {
		return err
	}
	owned := map[string]string{engineDatabase: engineDatabase}
	if m := inAddress.FindStringSubmatch(b.env["DATABASE_URL"]); m != nil {
		owned[m[3]] = m[1]
	}
	for _, app := range []string{b.Owner} {
		if app == "" {
			continue
		}
		f, err := b.run(app)
		if err != nil {
			return err
		}
		m := inAddress.FindStringSubmatch(texts(f.Apps[0].Env)["DATABASE_URL"])
		if m == nil {
			return fmt.Errorf("%s has no database", app)
		}
		owned[m[3]] = m[1]
	}
	c, err := pgx.ConnectConfig(ctx, admin)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for of, owner := range owned {
		name := b.database(of)
		b.databases = append(b.databases, name)
		for _, sql := range []string{"drop database if exists " + name + " with (force)", "create database " + name + " owner " + owner + " encoding 'UTF8' template template0"} {
			if _, err := c.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
	}
	return b.writePgpass()
}

// writePgpass writes the passwords of the running system for the databases of Beside.
func (b *Beside) writePgpass() error {
	text, err := os.ReadFile(filepath.Join(b.Root, ".local", b.Instance, "pgpass"))
	if err != nil {
		return err
	}
	var own strings.Builder
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimSpace(line), ":"); len(f) == 5 {
			fmt.Fprintf(&own, "*:*:*:%s:%s\n", f[3], f[4])
		}
	}
	if m := inAddress.FindStringSubmatch(b.env["DATABASE_URL"]); m != nil {
		b.env["DATABASE_URL"] = b.address(m[1], m[3])
	}
	return os.WriteFile(b.pgpass(), []byte(own.String()), 0o600)
}

func (b *Beside) pgpass() string { return filepath.Join(b.dir, "pgpass") }

func (b *Beside) address(role, of string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable&passfile=%s", role, b.sql.address(), b.database(of), b.pgpass())
}

func (b *Beside) dropDatabases(ctx context.Context) {
	c, err := pgx.Connect(ctx, b.Addresses["POSTGRES_SUPER_DSN"])
	if err != nil {
		return
	}
	defer c.Close(ctx)
	for _, name := range b.databases {
		_, _ = c.Exec(ctx, "drop database if exists "+name+" with (force)")
	}
}

// exec carries out a statement on the program's database, as the administrator.
func (b *Beside) exec(ctx context.Context, sql string) error {
	config, err := pgx.ParseConfig(b.Addresses["POSTGRES_SUPER_DSN"])
	if err != nil {
		return err
	}
	m := regexp.MustCompile(`/([a-z0-9_]+)\?`).FindStringSubmatch(b.env["DATABASE_URL"])
	if m == nil {
		return errors.New("the program has no database")
	}
	config.Database = m[1]
	c, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, sql)
	return err
}

func (b *Beside) prepare(ctx context.Context) error {
	for _, sql := range b.Prepare {
		if err := b.exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// migrate lets the owner of the tables apply its migrations.
func (b *Beside) migrate(ctx context.Context) error {
	if b.Owner == "" {
		return nil
	}
	f, err := b.run(b.Owner)
	if err != nil {
		return err
	}
	settings := texts(f.Apps[0].Env)
	m := inAddress.FindStringSubmatch(settings["DATABASE_URL"])
	settings["DATABASE_URL"], settings["MIGRATIONS"] = b.address(m[1], m[3]), "apply-and-exit"
	p, err := b.launch(b.Owner, f.Apps[0].Command, b.environment(settings))
	if err != nil {
		return err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %s", b.Owner, p.cmd.ProcessState)
	}
	return nil
}

// writeComponents writes the components of the running system that the program uses, with Beside's namespace, proxies and databases.
func (b *Beside) writeComponents(context.Context) error {
	from := filepath.Join(b.Root, ".local", b.Instance, "run", "components")
	files, err := filepath.Glob(filepath.Join(from, "*.yaml"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "components"), 0o700); err != nil {
		return err
	}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		text, err = b.translate(text)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if len(text) == 0 {
			continue
		}
		if err := os.WriteFile(filepath.Join(b.dir, "components", filepath.Base(path)), text, 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(b.dir, "configuration.yaml"), []byte(configuration), 0o600)
}

// configuration has a name resolution that announces nothing and finds nobody: a service of the running system must not call this program.
const configuration = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: configuration
spec:
  features:
    - name: HotReload
      enabled: false
  nameResolution:
    component: kubernetes
    configuration:
      template: "127.0.0.1:1"
  tracing:
    samplingRate: "1"
`

// translate returns the documents of a file that the program uses.
func (b *Beside) translate(text []byte) ([]byte, error) {
	var out bytes.Buffer
	encoder, decoder := yaml.NewEncoder(&out), yaml.NewDecoder(bytes.NewReader(text))
	for {
		var d map[string]any
		if err := decoder.Decode(&d); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		scopes, _ := d["scopes"].([]any)
		if len(scopes) > 0 && !slices.Contains(scopes, any(b.App)) || d["kind"] == "Kustomization" {
			continue
		}
		spec, _ := d["spec"].(map[string]any)
		switch kind, _ := spec["type"].(string); {
		case strings.HasPrefix(kind, "pubsub.pulsar"):
			tenant, namespace, _ := strings.Cut(b.Namespace, "/")
			replace(spec, map[string]string{"host": b.broker.address(), "tenant": tenant, "namespace": namespace})
		case strings.HasPrefix(kind, "state.postgresql"):
			replace(spec, map[string]string{"connectionString": b.address(engineDatabase, engineDatabase)})
		}
		if err := encoder.Encode(d); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// replace sets items of the metadata of a component.
func replace(spec map[string]any, values map[string]string) {
	metadata, _ := spec["metadata"].([]any)
	metadata = slices.DeleteFunc(metadata, func(item any) bool {
		m, _ := item.(map[string]any)
		_, found := values[fmt.Sprint(m["name"])]
		return found
	})
	for name, value := range values {
		metadata = append(metadata, map[string]any{"name": name, "value": value})
	}
	spec["metadata"] = metadata
}
