package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"entregas/tools/local/setup"
)

// restoredMark is a file in the data folder of an instance whose databases were restored and not yet made ready for the services.
const restoredMark = "restored"

// restore starts this instance, which must be empty, with the databases of a backup: the newest one of the instance if folder is empty.
func (in *Instance) restore(folder string) error {
	began := time.Now()
	if in.ownDSN() != "" {
		return errors.New("make restore starts a PostgreSQL of its own: leave POSTGRES_DSN out")
	}
	if folder == "" {
		all, err := in.listBackups()
		if err != nil || len(all) == 0 {
			return errors.Join(err, fmt.Errorf("there is no backup of the instance %s in %s: make backup makes one", in.Name, in.backups()))
		}
		folder = all[len(all)-1]
	}
	note, err := readNote(folder)
	if err != nil {
		return err
	}
	if _, err := in.supervised(); !errors.Is(err, errNotUp) {
		return fmt.Errorf("the instance %s runs: make down stops it", in.Name)
	}
	for _, part := range []string{"postgres", "pulsar", "scheduler"} {
		if exists(in.path("data", part)) {
			return fmt.Errorf("the instance %s has data (%s): make reset deletes it", in.Name, in.path("data", part))
		}
	}
	if err := in.tools(); err != nil {
		return err
	}
	say("restoring %s, of %s", folder, note.Instant.Format(time.RFC3339))
	if err := in.unpack(folder, note); err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	if err := in.up(false); err != nil {
		return fmt.Errorf("the databases are restored, and the system did not start on them (make up tries again): %w", err)
	}
	say("restored in %.1f s: everything that was committed before %s. What was accepted later does not exist here",
		time.Since(began).Seconds(), note.Instant.Format(time.RFC3339Nano))
	return nil
}

// readNote returns the note of a backup. It fails if this program cannot restore the backup.
func readNote(folder string) (note backupNote, err error) {
	text, err := os.ReadFile(filepath.Join(folder, backupInfo))
	if err != nil {
		return note, fmt.Errorf("%s is no whole backup: %w", folder, err)
	}
	if err := json.Unmarshal(text, &note); err != nil {
		return note, fmt.Errorf("%s: %w", filepath.Join(folder, backupInfo), err)
	}
	if major(note.Version) != major(postgresVersion) {
		return note, fmt.Errorf("the backup is of PostgreSQL %s, and this is %s", note.Version, postgresVersion)
	}
	return note, nil
}

func major(version string) string {
	m, _, _ := strings.Cut(version, ".")
	return m
}

// unpack puts the files of a backup into the folder of the instance, as the user who runs PostgreSQL. It fails if they are not what the
// backup had. Until all of them are there, it changes nothing but a folder of its own, which it removes if it fails.
func (in *Instance) unpack(folder string, note backupNote) error {
	keys, err := os.ReadFile(filepath.Join(folder, backupKeys))
	if err != nil {
		return err
	}
	if err := checkDigest(filepath.Join(folder, backupData), note.Digest); err != nil {
		return err
	}
	_, uid, gid, err := in.unprivileged()
	if err != nil {
		return err
	}
	staging := in.path("data", "postgres.restoring")
	if err := os.RemoveAll(staging); err != nil { // of a restore that was killed
		return err
	}
	if err := os.MkdirAll(in.path("data"), 0o755); err != nil {
		return err
	}
	if err = unpackTo(staging, filepath.Join(folder, backupData), uid, gid); err == nil {
		err = in.putInPlace(staging, keys)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(staging))
	}
	return nil
}

// putInPlace makes the unpacked files in staging those of the instance, with the passwords keys. The folder of PostgreSQL comes last: a
// kill before leaves an empty instance, for which any passwords will do: those of before are not kept.
func (in *Instance) putInPlace(staging string, keys []byte) error {
	mark := in.path("data", restoredMark)
	fresh := in.path("pgpass.restoring")
	err := os.WriteFile(fresh, keys, 0o600)
	if err == nil {
		err = os.Rename(fresh, in.path("pgpass"))
	}
	if err == nil {
		err = os.WriteFile(mark, nil, 0o600)
	}
	if err == nil {
		err = os.Rename(staging, in.path("data", "postgres"))
	}
	if err == nil {
		return nil
	}
	return errors.Join(err, os.RemoveAll(mark), os.RemoveAll(fresh))
}

// checkDigest fails if the SHA-256 of a file is not want.
func checkDigest(path, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	digest := sha256.New()
	if _, err := io.Copy(digest, f); err != nil {
		return err
	}
	if got := hex.EncodeToString(digest.Sum(nil)); got != want {
		return fmt.Errorf("%s has changed since the backup: its SHA-256 is %s, not %s", path, got, want)
	}
	return nil
}

// unpackTo writes the files of a compressed archive to target. They belong to uid and gid, unless uid is negative.
func unpackTo(target, archive string, uid, gid int) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	packed, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	return untar(packed, target, uid, gid)
}

// untar writes an archive of folders and files to target. They belong to uid and gid, unless uid is negative.
func untar(r io.Reader, target string, uid, gid int) error {
	own := func(path string) error {
		if uid < 0 {
			return nil
		}
		return os.Lchown(path, uid, gid)
	}
	if err := os.MkdirAll(target, 0o700); err != nil {
		return err
	}
	if err := own(target); err != nil {
		return err
	}
	for archive := tar.NewReader(r); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !filepath.IsLocal(h.Name) {
			return fmt.Errorf("the backup has a file outside its folder: %q", h.Name)
		}
		path := filepath.Join(target, h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(path, 0o700)
		case tar.TypeReg:
			err = writeFrom(archive, path)
		default:
			err = fmt.Errorf("the backup has %q, which is neither a folder nor a file", h.Name)
		}
		if err != nil {
			return err
		}
		if err := own(path); err != nil {
			return err
		}
	}
}

func writeFrom(r io.Reader, path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// afterRestore makes restored databases ready for the services, once. Without a restore it does nothing.
func (in *Instance) afterRestore() error {
	mark := in.path("data", restoredMark)
	if !exists(mark) {
		return nil
	}
	say("making the restored databases ready for the services")
	if err := setup.AfterRestore(context.Background(), in.connect); err != nil {
		return err
	}
	return os.Remove(mark)
}
