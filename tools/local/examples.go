package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"gopkg.in/yaml.v3"

	"entregas/tools/local/setup"
)

// inGo is the implementation of a service in services/ or bff. The others are the folders of examples/ that have the app.
const inGo = "go"

// exampleDir returns the folder of an implementation in another language, relative to the root.
func exampleDir(language, app string) string { return filepath.Join("examples", language, app) }

// readExamples returns the implementations of each app: inGo, and the languages of examples/<language>/<app>/dapr.yaml.
func readExamples(root string, apps []string) (map[string][]string, error) {
	all := map[string][]string{}
	for _, app := range apps {
		all[app] = []string{inGo}
		files, err := filepath.Glob(filepath.Join(root, exampleDir("*", app), "dapr.yaml"))
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			all[app] = append(all[app], filepath.Base(filepath.Dir(filepath.Dir(f))))
		}
	}
	return all, nil
}

// checkChoices refuses a setting that names an implementation that does not exist.
func (in *Instance) checkChoices() error {
	for _, app := range in.apps {
		name := inUppercase(app)
		if value := in.setting(name, inGo); !slices.Contains(in.examples[app], value) {
			return fmt.Errorf("%s=%s: there is no %s; there are: %s", name, value, exampleDir(value, app), strings.Join(in.examples[app], " "))
		}
	}
	return nil
}

// implementation returns the implementation of an app that this instance runs, or would start.
func (in *Instance) implementation(app string) string {
	if language, found := in.chosen[app]; found && slices.Contains(in.examples[app], language) {
		return language
	}
	return inGo
}

// choose takes the implementations that the settings name for the given apps, and returns the apps whose implementation changes. An app
// that no setting names keeps the implementation that it was last started with.
func (in *Instance) choose(apps ...string) (changed []string) {
	for _, app := range apps {
		if language := in.setting(inUppercase(app), in.implementation(app)); language != in.implementation(app) {
			in.chosen[app] = language
			changed = append(changed, app)
		}
	}
	for _, app := range in.apps {
		if language := in.implementation(app); language != inGo && slices.Contains(apps, app) {
			say("%s is %s (%s=%s is the one of services/)", app, exampleDir(language, app), inUppercase(app), inGo)
		}
	}
	return changed
}

// chosenFile keeps the implementations that are not in Go until make reset.
const chosenFile = "implementations.json"

func (in *Instance) readChosen() error {
	in.chosen = map[string]string{}
	text, err := os.ReadFile(in.path("run", chosenFile))
	if os.IsNotExist(err) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(text, &in.chosen)
	}
	return err
}

// keepChosen stores what choose took. The caller calls it right before it starts the services, so that a build that fails changes nothing.
func (in *Instance) keepChosen() error {
	kept := maps.Clone(in.chosen)
	maps.DeleteFunc(kept, func(_, language string) bool { return language == inGo })
	text, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	return setup.Write(in.path("run", chosenFile), string(text))
}

// exampleApp returns the app in the dapr.yaml of an example, with this instance's ports and paths.
func (in *Instance) exampleApp(language, app string) (one map[string]any, err error) {
	path := filepath.Join(exampleDir(language, app), "dapr.yaml")
	text, err := os.ReadFile(filepath.Join(in.Root, path))
	if err != nil {
		return nil, err
	}
	var file daprFile
	if err := yaml.Unmarshal([]byte(in.translate(string(text))), &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(file.Apps) != 1 || file.Apps[0]["appID"] != app || file.Apps[0]["command"] == nil {
		return nil, fmt.Errorf("%s: it must have one app, %s, with its command", path, app)
	}
	return file.Apps[0], nil
}

// leavesMigrations reports whether an app is an example whose dapr.yaml has MIGRATIONS=wait: the program in Go applies the migrations.
func (in *Instance) leavesMigrations(app string) (bool, error) {
	language := in.implementation(app)
	if language == inGo {
		return false, nil
	}
	example, err := in.exampleApp(language, app)
	env, _ := example["env"].(map[string]any)
	return env["MIGRATIONS"] == "wait", err
}

// migrate runs the program in Go until it has brought the database up to date, for each of the apps that leaves its migrations to it. It
// ends with an error after limit.
func (in *Instance) migrate(limit time.Duration, apps ...string) error {
	for _, app := range apps {
		if leaves, err := in.leavesMigrations(app); err != nil || !leaves {
			if err != nil {
				return err
			}
			continue
		}
		everything, err := in.daprYaml()
		if err != nil {
			return err
		}
		i := slices.IndexFunc(everything.Apps, func(a map[string]any) bool { return a["appID"] == app })
		if i < 0 {
			return fmt.Errorf("the service %s is missing", app)
		}
		ctx, release := context.WithTimeout(context.Background(), limit)
		cmd := exec.CommandContext(ctx, filepath.Join(in.servicesDir(), app)) // #nosec G204 -- a program of ours
		cmd.Dir, cmd.Env = in.Root, append(os.Environ(), in.mark())
		env, _ := everything.Apps[i]["env"].(map[string]any)
		for name, value := range env {
			cmd.Env = append(cmd.Env, fmt.Sprintf("%s=%v", name, value))
		}
		// The ports are required, and not used: the program has no sidecar and serves nothing.
		cmd.Env = append(cmd.Env, "MIGRATIONS=apply-and-exit", "APP_PORT=1", "DAPR_HTTP_PORT=1", "DAPR_GRPC_PORT=1")
		say("bringing the database of %s up to date", app)
		text, err := cmd.CombinedOutput()
		release()
		if err != nil {
			return fmt.Errorf("the migrations of %s failed: %w\n%s", app, err, text)
		}
	}
	return nil
}

// exampleEnv returns the environment of a build of an example: without what the make that called this program tells its own children.
func exampleEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains([]string{"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}, name)
	})
}

// buildExample runs `make build` in the folder of an example. OUT is the folder under .local/ that gets what the build makes. The
// Makefile of the example does nothing where nothing has changed.
func (in *Instance) buildExample(language, app string) error {
	dir, out := exampleDir(language, app), in.shared("examples", language, app)
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	turn, err := os.Create(out + ".lock")
	if err != nil {
		return err
	}
	defer turn.Close()
	if err := syscall.Flock(int(turn.Fd()), syscall.LOCK_EX); err != nil { // another instance may build it at the same time
		return err
	}
	cmd := exec.Command("make", "--no-print-directory", "-C", dir, "build", "OUT="+out)
	cmd.Dir, cmd.Env = in.Root, exampleEnv()
	halt := everySoOften(func() string { return fmt.Sprintf("%s: make build", dir) })
	text, err := cmd.CombinedOutput()
	halt()
	if err != nil {
		return fmt.Errorf("the build of %s failed: %w\n%s(in %s: make build OUT=%s)", dir, err, text, dir, out)
	}
	return nil
}
