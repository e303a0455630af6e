package main

import (
	"bytes"
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
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"entregas/tools/local/setup"
)

// A backup is a folder with these files (docs/adr/a-backup-is-one-instant.md).
const (
	backupData = "base.tar.gz" // the files of PostgreSQL, all databases at one instant
	backupList = "manifest"    // PostgreSQL's own list of these files
	backupKeys = "pgpass"      // the passwords of the roles, which the databases have too
	backupInfo = "backup.json" // a backupNote; a folder without it is no whole backup
)

// keptBackups is how many backups of an instance are kept: a new one deletes the oldest.
const keptBackups = 7

// backupNote says what a backup has.
type backupNote struct {
	Instance, Version string // Version is that of PostgreSQL
	Begun, Ended      time.Time
	Instant           time.Time // the backup has everything that was committed before, and perhaps some of what was committed until Ended
	Digest            string    // SHA-256 of backupData
	Size              int64     // bytes of backupData
}

// backups returns the folder of all backups. It is not in the folder of the instance, which `make reset` deletes.
func (in *Instance) backups() string { return in.shared("backups") }

// backup copies all databases while they are in use, and prints the folder of the copy.
func (in *Instance) backup() error {
	if in.ownDSN() != "" {
		return errors.New("make backup copies the PostgreSQL that make up started. Use pg_basebackup on the server of POSTGRES_DSN")
	}
	c, err := in.connect("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not answer (make up starts it): %w", err)
	}
	_ = c.Close(context.Background())
	if err := in.forgetBackups(); err != nil {
		return err
	}
	if err := setup.CheckRestore(context.Background(), in.connect); err != nil {
		return fmt.Errorf("this backup could not be restored: %w", err)
	}
	note := backupNote{Instance: in.Name, Version: postgresVersion, Begun: time.Now().UTC()}
	target := filepath.Join(in.backups(), in.Name+"-"+note.Begun.Format("20060102T150405.000Z"))
	if err := os.MkdirAll(target, 0o700); err != nil {
		return err
	}
	if err = in.copyDatabases(target, &note); err == nil {
		err = in.finishBackup(target, note)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(target))
	}
	say("backup: %.1f MB in %.1f s. It has everything that was committed before %s",
		float64(note.Size)/1e6, note.Ended.Sub(note.Begun).Seconds(), note.Instant.Format(time.RFC3339Nano))
	fmt.Println(target)
	return in.forgetBackups()
}

// finishBackup adds the passwords and, last, the note to a backup.
func (in *Instance) finishBackup(target string, note backupNote) error {
	keys, err := os.ReadFile(in.path("pgpass"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(target, backupKeys), keys, 0o600); err != nil {
		return err
	}
	text, err := json.MarshalIndent(note, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(target, backupInfo), append(text, '\n'), 0o600)
}

// listBackups returns the folders of the whole backups of this instance, the oldest first.
func (in *Instance) listBackups() ([]string, error) {
	notes, err := filepath.Glob(filepath.Join(in.backups(), in.Name+"-*", backupInfo))
	if err != nil {
		return nil, err
	}
	slices.Sort(notes)
	for i, note := range notes {
		notes[i] = filepath.Dir(note)
	}
	return notes, nil
}

// forgetBackups deletes what interrupted backups of this instance left, and the oldest backups until keptBackups are left.
func (in *Instance) forgetBackups() error {
	folders, err := filepath.Glob(filepath.Join(in.backups(), in.Name+"-*"))
	for _, folder := range folders {
		if !exists(filepath.Join(folder, backupInfo)) {
			say("deleting %s, which is no whole backup", folder)
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}
	if err != nil {
		return err
	}
	all, err := in.listBackups()
	for len(all) > keptBackups && err == nil {
		say("deleting the oldest backup, %s", all[0])
		err = os.RemoveAll(all[0])
		all = all[1:]
	}
	return err
}

// copyDatabases writes the files of PostgreSQL to target, as pg_basebackup does: by the replication protocol, with the log of changes
// up to the end of the copy. PostgreSQL replays that log when it starts on the copy, so all databases are at the instant of the end.
func (in *Instance) copyDatabases(target string, note *backupNote) error {
	dsn, err := in.dsn("postgres")
	if err != nil {
		return err
	}
	ctx := context.Background()
	c, err := pgconn.Connect(ctx, dsn+"&replication=true")
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(ctx) }()
	// The temporary slot keeps the log until the copy has ended. It ends with the connection.
	slot := fmt.Sprintf("CREATE_REPLICATION_SLOT backup_%d TEMPORARY PHYSICAL RESERVE_WAL", os.Getpid())
	if _, err := c.Exec(ctx, slot).ReadAll(); err != nil {
		return err
	}
	data, err := os.OpenFile(filepath.Join(target, backupData), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = data.Close() }()
	digest := sha256.New()
	packed, err := gzip.NewWriterLevel(io.MultiWriter(data, digest), gzip.BestSpeed)
	if err != nil {
		return err
	}
	note.Instant = note.Begun
	list, err := receiveBackup(ctx, c, packed, func() { note.Instant = time.Now().UTC() })
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	note.Ended = time.Now().UTC()
	if err := errors.Join(packed.Close(), data.Sync()); err != nil {
		return err
	}
	info, err := data.Stat()
	if err != nil {
		return err
	}
	note.Size, note.Digest = info.Size(), hex.EncodeToString(digest.Sum(nil))
	return os.WriteFile(filepath.Join(target, backupList), list, 0o600)
}

// lastFile is the file that PostgreSQL sends last before it ends the backup and sends the log.
const lastFile = "global/pg_control"

// receiveBackup asks PostgreSQL for a backup, writes its tar archive to w, and returns its manifest. It calls last before the instant
// that the databases will have. The answer is a stream of messages, whose first byte says what they have (PostgreSQL 15 or later,
// "BASE_BACKUP" in its documentation of the replication protocol).
func receiveBackup(ctx context.Context, c *pgconn.PgConn, w io.Writer, last func()) (manifest []byte, err error) {
	c.Frontend().SendQuery(&pgproto3.Query{String: `BASE_BACKUP (LABEL 'make backup', TARGET 'client', CHECKPOINT 'fast', WAL true, MANIFEST 'yes')`})
	if err := c.Frontend().Flush(); err != nil {
		return nil, err
	}
	inManifest, archives := false, 0
	for {
		message, err := c.ReceiveMessage(ctx)
		if err != nil {
			return nil, err
		}
		switch m := message.(type) {
		case *pgproto3.ErrorResponse:
			return nil, pgconn.ErrorResponseToPgError(m)
		case *pgproto3.ReadyForQuery:
			if archives == 0 || len(manifest) == 0 {
				return nil, errors.New("PostgreSQL sent no whole backup")
			}
			return manifest, nil
		case *pgproto3.CopyData:
			kind, content := m.Data[0], m.Data[1:]
			switch {
			case kind == 'n' && archives > 0:
				return nil, errors.New("the databases are in several folders (tablespaces), which make backup does not know")
			case kind == 'n':
				archives++
			case kind == 'm':
				inManifest = true
			case kind == 'd' && inManifest:
				manifest = append(manifest, content...)
			case kind == 'd':
				if bytes.HasPrefix(content, []byte(lastFile+"\x00")) { // the header of the file in the archive
					last()
				}
				if _, err := w.Write(content); err != nil {
					return nil, err
				}
			}
		}
	}
}
