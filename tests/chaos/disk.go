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
	diskSize  = 3 << 30 // bytes: the run's data, the write-ahead log, and room
	diskFault = "disco lleno"
)

// diskFaults fills the disk under PostgreSQL's data for 20 to 30 s.
func diskFaults() []fault {
	return []fault{{what: diskFault + " de PostgreSQL", step: "cualquiera", act: diskFull, mayNeedMending: true}}
}

// disk is a file system of its own for PostgreSQL's data: a file, mounted. Where the run may not mount, missing says so.
type disk struct {
	folder, image string
	missing       error // why there is none
}

func (c *chaos) newDisk() *disk {
	return &disk{folder: filepath.Join(c.local.Root, ".local", "chaos", "data", "postgres"), image: filepath.Join(c.local.Root, ".local", "chaos-disk.img")}
}

// mounted tells whether the folder is a file system of its own now.
func (d *disk) mounted() bool {
	text, err := os.ReadFile("/proc/self/mountinfo")
	return err == nil && strings.Contains(string(text), " "+d.folder+" ")
}

// mount makes the file system anew. The instance must not run.
func (d *disk) mount() error {
	if os.Geteuid() != 0 {
		return errors.New("montar un disco pequeño necesita ser root")
	}
	if err := os.MkdirAll(d.folder, 0o755); err != nil { // #nosec G301 -- PostgreSQL's user passes through it
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

// unmount gives the folder back, with keep what is in it too. The instance must not run.
func (d *disk) unmount(keep bool) error {
	if !d.mounted() {
		return nil
	}
	beside := d.folder + ".fuera"
	if keep {
		if text, err := exec.Command("cp", "-a", d.folder, beside).CombinedOutput(); err != nil { // #nosec G204 -- ours
			keep = false
			fmt.Fprintf(os.Stderr, "los datos de PostgreSQL no se pudieron guardar: %v %s\n", err, text)
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

// fill takes every free byte, and returns a function that frees them.
func (d *disk) fill() (free func(), err error) {
	path := filepath.Join(d.folder, "relleno")
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

// diskFull fills the disk, has PostgreSQL ask for a new file of its log, which it cannot have, and frees it again.
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
	for range 3 { // which files there were already, it may use up first
		c.switchLog(ctx)
	}
	sleep(ctx, lasts/2-time.Since(half))
	release()
	if c.complaints() == before {
		return didNotOccur("PostgreSQL no notó que el disco estaba lleno")
	}
	return nil
}

func (c *chaos) switchLog(ctx context.Context) {
	ctx, end := context.WithTimeout(ctx, 2*time.Second)
	defer end()
	if conn, err := pgx.Connect(ctx, c.env.ManagerDSN); err == nil {
		_, _ = conn.Exec(ctx, `select pg_switch_wal()`)
		_ = conn.Close(ctx)
	}
}

// complaints is how often PostgreSQL's log says that there is no room.
func (c *chaos) complaints() int {
	text, _ := os.ReadFile(filepath.Join(c.local.Root, ".local", "chaos", "logs", "postgres.log"))
	return strings.Count(string(text), "No space left on device")
}
