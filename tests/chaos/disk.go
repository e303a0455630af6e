package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	diskSize  = 3 << 30 // bytes: enough for the data of a run and the write-ahead log, with some space left
	diskFault = "full disk"
)

// diskFaults returns the fault that fills the disk of PostgreSQL for 20 to 30 s.
func diskFaults() []fault {
	return []fault{{what: diskFault + " of PostgreSQL", step: anyStep, act: diskFull, mayNeedMending: true}}
}

// disk is a separate file system for the data of PostgreSQL: a file that is mounted.
type disk struct {
	folder, image string
	missing       error // why the disk could not be mounted
}

func (c *chaos) newDisk() *disk {
	return &disk{folder: filepath.Join(c.local.Root, ".local", "chaos", "data", "postgres"), image: filepath.Join(c.local.Root, ".local", "chaos-disk.img")}
}

// mounted reports whether the folder is the mount point of the disk now.
func (d *disk) mounted() bool {
	text, err := os.ReadFile("/proc/self/mountinfo")
	return err == nil && strings.Contains(string(text), " "+d.folder+" ")
}

// mount makes a new file system and mounts it. The instance must not run.
func (d *disk) mount() error {
	if os.Geteuid() != 0 {
		return errors.New("only root can mount a small disk")
	}
	if err := os.MkdirAll(d.folder, 0o755); err != nil { // #nosec G301 -- the user of PostgreSQL must be able to enter it
		return err
	}
	file, err := os.Create(d.image)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Truncate(diskSize), file.Close()); err != nil {
		return err
	}
	for _, command := range [][]string{{"mkfs.ext4", "-q", "-m", "0", d.image}, {"mount", "-o", "loop", d.image, d.folder}} {
		if text, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil { // #nosec G204 -- ours
			return fmt.Errorf("%s: %w %s", command[0], err, text)
		}
	}
	return nil
}

// unmount unmounts the file system and deletes it. With keep it copies the data into the folder. The instance must not run.
func (d *disk) unmount(keep bool) error {
	if !d.mounted() {
		return nil
	}
	beside := d.folder + ".aside"
	if keep {
		if text, err := exec.Command("cp", "-a", d.folder, beside).CombinedOutput(); err != nil { // #nosec G204 -- ours
			keep = false
			fmt.Fprintf(os.Stderr, "the data of PostgreSQL could not be kept: %v %s\n", err, text)
		}
	}
	if text, err := exec.Command("umount", d.folder).CombinedOutput(); err != nil { // #nosec G204 -- ours
		if lazy := exec.Command("umount", "-l", d.folder).Run(); lazy != nil { // #nosec G204 -- ours
			return fmt.Errorf("umount: %w %s", err, text)
		}
	}
	err := os.Remove(d.image)
	if keep {
		err = errors.Join(err, os.RemoveAll(d.folder), os.Rename(beside, d.folder))
	}
	return err
}

// fill allocates every free byte of the disk, and returns a function that frees these bytes.
func (d *disk) fill() (free func(), err error) {
	path := filepath.Join(d.folder, "filler")
	file, err := os.Create(path) // #nosec G304 -- ours
	if err != nil {
		return nil, err
	}
	free = func() { _ = os.Remove(path) }
	at := int64(0)
	for piece := int64(diskSize); piece >= 4096; {
		switch err := syscall.Fallocate(int(file.Fd()), 0, at, piece); {
		case err == nil:
			at += piece
		case errors.Is(err, syscall.ENOSPC):
			piece /= 2
		default:
			free()
			return nil, errors.Join(err, file.Close())
		}
	}
	return free, file.Close()
}

// diskFull fills the disk, makes PostgreSQL begin a new file of its write-ahead log, and frees the disk again.
func diskFull(ctx context.Context, c *chaos) error {
	if c.disk.missing != nil {
		return didNotOccur("%v", c.disk.missing)
	}
	lasts := c.between(20*time.Second, 30*time.Second)
	before := c.complaints()
	free, err := c.disk.fill()
	if err != nil {
		return err
	}
	release := c.onExit(free)
	defer release()
	half := time.Now().Add(lasts / 2)
	sleep(ctx, lasts/2)
	for range 3 { // PostgreSQL first uses the log files that it already has
		c.switchLog(ctx)
	}
	sleep(ctx, lasts/2-time.Since(half))
	release()
	if c.complaints() == before {
		return didNotOccur("PostgreSQL did not notice the full disk")
	}
	return nil
}

// switchLog makes PostgreSQL begin a new file of its write-ahead log.
func (c *chaos) switchLog(ctx context.Context) {
	ctx, end := context.WithTimeout(ctx, 2*time.Second)
	defer end()
	if conn, err := pgx.Connect(ctx, c.env.ManagerDSN); err == nil {
		_, _ = conn.Exec(ctx, `select pg_switch_wal()`)
		_ = conn.Close(ctx)
	}
}

// complaints returns how often the log of PostgreSQL says that there is no space.
func (c *chaos) complaints() int {
	text, _ := os.ReadFile(filepath.Join(c.local.Root, ".local", "chaos", "logs", "postgres.log"))
	return strings.Count(string(text), "No space left on device")
}
