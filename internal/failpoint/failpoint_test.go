package failpoint_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entregas/internal/failpoint"
)

// Failure prevented: a released program ends because a file has the name of a failpoint.
func TestReleasesHaveNoFailpoints(t *testing.T) {
	if failpoint.Active {
		t.Skip("built with failpoints")
	}
	folder := t.TempDir()
	t.Setenv("FAILPOINTS_DIR", folder)
	file := filepath.Join(folder, failpoint.Published+".CrearOrden")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	failpoint.Point(failpoint.Published, "CrearOrden")
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}

// In a program with the tag `failpoints`, an armed failpoint ends the program once.
func TestArmedPointEndsTheProgram(t *testing.T) {
	if os.Getenv("FAILPOINTS_DIR") != "" {
		failpoint.Point(failpoint.Recorded, "CONFIRMADA")
		return
	}
	folder := t.TempDir()
	run := func() error {
		cmd := exec.Command("go", "test", "-count=1", "-tags", "failpoints", "-run", "TestArmedPointEndsTheProgram", ".")
		cmd.Env = append(os.Environ(), "FAILPOINTS_DIR="+folder)
		text, err := cmd.CombinedOutput()
		if err != nil && !strings.Contains(string(text), "signal: killed") {
			t.Fatalf("%v\n%s", err, text)
		}
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, failpoint.Recorded+".CONFIRMADA"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if run() == nil {
		t.Error("an armed failpoint did not end the program")
	}
	if err := run(); err != nil {
		t.Error("a failpoint that is not armed ended it:", err)
	}
}
