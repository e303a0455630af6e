package deployment

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Each participant of examples/ has an image, and takes the place of the service in Go by one file of compose and by one component of
// kustomize. The overlay local-examples has all of them, so every inspection of TestOverlays holds with them too.
func TestExamplesAreDeployed(t *testing.T) {
	found, err := filepath.Glob(filepath.Join(root, "examples", "*", "*", "dapr.yaml"))
	if err != nil || len(found) == 0 {
		t.Fatal("there are no examples", err)
	}
	manifests := build(t, "local-examples").text
	for _, path := range found {
		app, language := filepath.Base(filepath.Dir(path)), filepath.Base(filepath.Dir(filepath.Dir(path)))
		compose, dockerfile := text(t, "deploy", "compose", app+"-"+language+".yaml"), text(t, "examples", language, app, "Dockerfile")
		for _, complaint := range checkExample(app, language, compose, dockerfile, manifests) {
			t.Errorf("%s of examples/%s: %s", app, language, complaint)
		}
		mistakes := [][3]string{
			{strings.Replace(compose, "entregas/"+app+"-"+language, "entregas/"+app, 1), dockerfile, manifests},
			{strings.Replace(compose, "../examples/", "examples/", 1), dockerfile, manifests},
			{strings.Replace(compose, "mem_limit: ", "memory: ", 1), dockerfile, manifests},
			{compose, strings.Replace(dockerfile, "USER ", "# ", 1), manifests},
			{compose, regexp.MustCompile(`(?m)^(FROM [^:\s]+):\S+`).ReplaceAllString(dockerfile, "$1:latest"), manifests},
			{compose, dockerfile, strings.ReplaceAll(manifests, "entregas/"+app+"-"+language, "entregas/"+app)},
		}
		if strings.Contains(manifests, "name: migrate-"+app+"\n") {
			mistakes = append(mistakes,
				[3]string{compose, dockerfile, strings.ReplaceAll(manifests, "image: entregas/"+app+":", "image: entregas/"+app+"-"+language+":")},
				[3]string{strings.Replace(compose, "MIGRATIONS: apply-and-exit", "MIGRATIONS: wait", 1), dockerfile, manifests})
		}
		for _, bad := range mistakes {
			if bad == [3]string{compose, dockerfile, manifests} || len(checkExample(app, language, bad[0], bad[1], bad[2])) != 1 {
				t.Errorf("one mistake, and other complaints: %q", checkExample(app, language, bad[0], bad[1], bad[2]))
			}
		}
	}
}

func checkExample(app, language, compose, dockerfile, manifests string) []string {
	var q complaints
	name := app + "-" + language
	var file struct {
		Services map[string]struct {
			Image       string
			MemLimit    string `yaml:"mem_limit"`
			Build       struct{ Context string }
			Environment map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(compose), &file); err != nil {
		return []string{err.Error()}
	}
	s := file.Services[app]
	q.when(s.Image != "entregas/"+name+":${IMAGE_TAG:-local}", "compose runs the image %s", s.Image)
	q.when(s.Build.Context != fmt.Sprintf("../examples/%s/%s", language, app), "compose builds %s", s.Build.Context)
	q.when(s.MemLimit == "", "compose has no memory limit")
	for _, m := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(dockerfile, 1) {
		q.when(!isPinned(m[1]), "the image %s of the Dockerfile is not pinned", m[1])
	}
	q.when(!regexp.MustCompile(`(?m)^USER [1-9]\d*:`).MatchString(dockerfile), "the Dockerfile names no user by number")
	q.when(!strings.Contains(manifests, "image: entregas/"+name+":local"), "the overlay local-examples does not run it")
	if job := "migrate-" + app; strings.Contains(manifests, "name: "+job+"\n") { // only the program in Go has the migrations
		migrate := file.Services[job]
		q.when(migrate.Image != "entregas/"+app+":${IMAGE_TAG:-local}" || migrate.Environment["MIGRATIONS"] != "apply-and-exit", "compose applies no migrations")
		q.when(!strings.Contains(manifests, "image: entregas/"+app+":local"), "the Job %s of the overlay local-examples does not run the program in Go", job)
	}
	return q
}
