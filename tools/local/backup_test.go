package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// emptyInstance returns an instance in a folder of its own.
func emptyInstance(t *testing.T) *Instance {
	in := instanceOf(t, "chaos")
	in.Root = t.TempDir()
	in.Dir = filepath.Join(in.Root, ".local", in.Name)
	return in
}

// writeBackup writes a backup with one file of PostgreSQL and returns its folder.
func writeBackup(t *testing.T, in *Instance, name, file string) string {
	var text bytes.Buffer
	packed := gzip.NewWriter(&text)
	archive := tar.NewWriter(packed)
	for _, err := range []error{
		archive.WriteHeader(&tar.Header{Name: file, Typeflag: tar.TypeReg, Size: 2, Mode: 0o600}), func() error { _, err := archive.Write([]byte("18")); return err }(),
		archive.Close(), packed.Close(), os.MkdirAll(filepath.Join(in.backups(), name), 0o700), os.MkdirAll(in.Dir, 0o755), os.WriteFile(in.path("pgpass"), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	folder := filepath.Join(in.backups(), name)
	if err := os.WriteFile(filepath.Join(folder, backupData), text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(text.Bytes())
	if err := in.finishBackup(folder, backupNote{Version: postgresVersion, Ended: time.Now(), Digest: hex.EncodeToString(digest[:])}); err != nil {
		t.Fatal(err)
	}
	return folder
}

// A backup whose content is not what it was, or would be written outside of the instance, is refused. A good one is unpacked.
// Failure prevented: a damaged backup took away what the folder of the instance had.
func TestABackupThatChangedIsNotRestored(t *testing.T) {
	for name, c := range map[string]struct {
		file, fault string
		damage      func(folder string) error
	}{
		"good": {"PG_VERSION", "", func(string) error { return nil }},
		"more bytes at the end": {"PG_VERSION", "has changed", func(folder string) error {
			f, err := os.OpenFile(filepath.Join(folder, backupData), os.O_APPEND|os.O_WRONLY, 0)
			if err == nil {
				_, _ = f.WriteString("x")
				err = f.Close()
			}
			return err
		}},
		"cut":                 {"PG_VERSION", "has changed", func(folder string) error { return os.Truncate(filepath.Join(folder, backupData), 40) }},
		"a file of elsewhere": {"../../../escaped", "outside", func(string) error { return nil }},
		"without passwords":   {"PG_VERSION", backupKeys, func(folder string) error { return os.Remove(filepath.Join(folder, backupKeys)) }},
		"not finished":        {"PG_VERSION", "no whole backup", func(folder string) error { return os.Remove(filepath.Join(folder, backupInfo)) }},
	} {
		t.Run(name, func(t *testing.T) {
			in := emptyInstance(t)
			folder := writeBackup(t, in, "chaos-1", c.file)
			if err := c.damage(folder); err != nil {
				t.Fatal(err)
			}
			// What an instance may have that is no database: the metrics of make observe, the passwords of before.
			kept := map[string]string{in.path("data", "metrics", "day"): "metrics", in.path("pgpass"): "of before"}
			for path, text := range kept {
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			note, err := readNote(folder)
			if err == nil {
				err = in.unpack(folder, note)
			}
			if c.fault == "" {
				delete(kept, in.path("pgpass"))
				if left, _ := filepath.Glob(in.path("pgpass*")); len(left) != 1 {
					t.Errorf("the passwords are in %v", left)
				}
			}
			for path, text := range kept {
				if got, err := os.ReadFile(path); err != nil || string(got) != text {
					t.Errorf("%s has %q: %v", path, got, err)
				}
			}
			if left, _ := filepath.Glob(in.path("data", "*")); (len(left) != 1) == (c.fault != "") {
				t.Errorf("in the folder of the data are %v", left)
			}
			if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%v", err)
			}
			if exists(filepath.Join(in.Root, "escaped")) || exists(filepath.Join(in.Dir, "escaped")) {
				t.Error("a file was written outside of the folder")
			}
			if c.fault == "" && (!exists(in.path("data", "postgres", "PG_VERSION")) || !exists(in.path("data", restoredMark))) {
				t.Error("it was not unpacked")
			}
		})
	}
}

// Failure prevented: a restore over an instance with data would mix two states, or delete the newer one.
func TestOnlyAnEmptyInstanceIsRestored(t *testing.T) {
	for part, fault := range map[string]string{"postgres": "make reset", "pulsar": "make reset", "scheduler": "make reset"} {
		in := emptyInstance(t)
		folder := writeBackup(t, in, "chaos-1", "PG_VERSION")
		if err := os.MkdirAll(in.path("data", part), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := in.restore(folder); err == nil || !strings.Contains(err.Error(), fault) {
			t.Errorf("with %s: %v", part, err)
		}
	}
	in := emptyInstance(t)
	if err := in.restore(""); err == nil || !strings.Contains(err.Error(), "no backup") {
		t.Error(err)
	}
	other := writeBackup(t, in, "chaos-2", "PG_VERSION")
	if err := os.WriteFile(filepath.Join(other, backupInfo), []byte(`{"Version": "17.2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := in.restore(""); err == nil || !strings.Contains(err.Error(), "17.2") {
		t.Error(err)
	}
}

func TestOldBackupsAreForgotten(t *testing.T) {
	in := emptyInstance(t)
	for n := range keptBackups + 2 {
		writeBackup(t, in, fmt.Sprintf("chaos-2026110%d", n), "PG_VERSION")
	}
	writeBackup(t, in, "up-20260101", "PG_VERSION") // of another instance
	interrupted := writeBackup(t, in, "chaos-20261120", "PG_VERSION")
	if err := os.Remove(filepath.Join(interrupted, backupInfo)); err != nil {
		t.Fatal(err)
	}
	if err := in.forgetBackups(); err != nil {
		t.Fatal(err)
	}
	left, err := in.listBackups()
	if err != nil || len(left) != keptBackups || filepath.Base(left[0]) != "chaos-20261102" {
		t.Errorf("%v %v", left, err)
	}
	if exists(interrupted) {
		t.Error("an interrupted backup is still there")
	}
	if !exists(filepath.Join(in.backups(), "up-20260101")) {
		t.Error("the backup of another instance is gone")
	}
}
