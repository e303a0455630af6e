package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"entregas/tests/testkit"
)

// A backup is taken while customers buy, and nobody notices. `make test-restore` restores one.
func TestBackup(t *testing.T) {
	t.Parallel()
	s := testkit.Open(t)
	load := s.StartLoad(t, 2)
	load.Wait(2)
	folder, err := s.Local.Output(t.Context(), "backup")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	load.Wait(1)
	load.Finish(testkit.Deadline)
	for _, name := range []string{"base.tar.gz", "manifest", "pgpass", "backup.json"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || info.Size() == 0 || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}
