package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/ulikunitz/xz"
)

const (
	pulsarVersion   = "4.0.8"
	postgresVersion = "18.6"
	mavenPlugin     = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
)

var javaPackages = []string{"default-jdk-headless", "maven"}

// java returns the path of the java command that runs Pulsar: the command of JAVA_HOME if the variable is set.
func java() string {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return filepath.Join(home, "bin", "java")
	}
	return "java"
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// checkJava checks for Java 17 or later and for Maven, and installs what is missing where withApt allows it.
func checkJava() error {
	absent := missingJava()
	if absent == "" {
		return nil
	}
	if !withApt() {
		return fmt.Errorf("%s is missing. Install it with:\n    sudo apt-get update && sudo apt-get install -y %s\n"+
			"(not on Debian or Ubuntu: a JDK 17 or later and Maven) and try again", absent, strings.Join(javaPackages, " "))
	}
	if err := install(absent, javaPackages...); err != nil {
		return err
	}
	if absent := missingJava(); absent != "" {
		return fmt.Errorf("%s was installed and %s is still missing", strings.Join(javaPackages, " "), absent)
	}
	return nil
}

// missingJava returns the name of the missing software, Java or Maven, or "".
func missingJava() string {
	text, err := exec.Command(java(), "-version").CombinedOutput()
	if err != nil {
		return "Java 17 or later"
	}
	if g := javaVersion.FindSubmatch(text); g != nil {
		if v, _ := strconv.Atoi(string(g[1])); v < 17 {
			return "Java 17 or later (this is " + string(g[1]) + ")"
		}
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return "Maven"
	}
	return ""
}

// distributions downloads Pulsar and PostgreSQL and unpacks them under .local/. It skips PostgreSQL if POSTGRES_DSN names a server.
func (in *Instance) distributions() error {
	if in.ownDSN() == "" && !exists(in.postgresDir("bin", "postgres")) {
		arch, ok := map[string]string{"amd64": "amd64", "arm64": "arm64v8"}[runtime.GOARCH]
		if !ok || runtime.GOOS != "linux" {
			return fmt.Errorf("there is no PostgreSQL to download for %s/%s: set POSTGRES_DSN in local.env", runtime.GOOS, runtime.GOARCH)
		}
		name := "embedded-postgres-binaries-linux-" + arch
		jar, err := in.maven("io.zonky.test.postgres:"+name+":"+postgresVersion+".0", name+"-"+postgresVersion+".0.jar", 15)
		if err != nil {
			return err
		}
		if err := unpackPostgres(jar, in.postgresDir()); err != nil {
			return fmt.Errorf("unpack PostgreSQL: %w", err)
		}
		_ = os.Remove(jar)
	}
	if !exists(in.pulsarDir()) {
		name := "pulsar-server-distribution-" + pulsarVersion + "-bin.tar.gz"
		tgz, err := in.maven("org.apache.pulsar:pulsar-server-distribution:"+pulsarVersion+":tar.gz:bin", name, 245)
		if err != nil {
			return err
		}
		if err := in.unpackPulsar(tgz); err != nil {
			return fmt.Errorf("unpack Pulsar: %w", err)
		}
		_ = os.Remove(tgz)
	}
	return nil
}

// maven downloads one artifact to .local/downloads and returns the path of the file. It runs Maven, so that a mirror in the user's
// settings.xml is used. megabytes is the size of the file, for the progress messages.
func (in *Instance) maven(artifact, file string, megabytes int) (string, error) {
	dir := in.shared("downloads")
	target := filepath.Join(dir, file)
	if exists(target) {
		return target, nil
	}
	say("downloading %s (%d MB) from Maven Central", artifact, megabytes)
	args := []string{"-q", "-B", mavenPlugin, "-Dartifact=" + artifact, "-DoutputDirectory=" + dir, "-Dmdep.useBaseVersion=true"}
	cmd := exec.Command("mvn", args...)
	cmd.Dir = dir
	home, _ := os.UserHomeDir()
	group, _, _ := strings.Cut(artifact, ":")
	cache := filepath.Join(home, ".m2", "repository", strings.ReplaceAll(group, ".", "/"))
	earlier := size(cache)
	halt := everySoOften(func() string { return fmt.Sprintf("%s: %d of %d MB", file, (size(cache)-earlier)>>20, megabytes) })
	text, err := cmd.CombinedOutput()
	halt()
	if err != nil {
		return "", fmt.Errorf("download of %s by Maven: %w\n%s\nTo try it by hand:\n    mvn %s", artifact, err, text, strings.Join(args[2:], " "))
	}
	return target, nil
}

// size returns the bytes of all files below dir.
func size(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if i, err := d.Info(); err == nil {
				total += i.Size()
			}
		}
		return nil
	})
	return total
}

func (in *Instance) postgresDir(parts ...string) string {
	return in.shared(append([]string{"postgres", postgresVersion}, parts...)...)
}

func (in *Instance) pulsarDir() string { return in.shared("pulsar", pulsarVersion) }

// unpackPostgres unpacks the .txz that the jar contains.
func unpackPostgres(jar, target string) error {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".txz") {
			continue
		}
		compressed, err := f.Open()
		if err != nil {
			return err
		}
		defer compressed.Close()
		r, err := xz.NewReader(compressed)
		if err != nil {
			return err
		}
		return unpack(tar.NewReader(r), target, func(name string) string { return name })
	}
	return fmt.Errorf("there is no .txz in %s", jar)
}

// unpackPulsar unpacks only the jars that tools/pulsar/jars.txt lists: half of the distribution is not used here.
func (in *Instance) unpackPulsar(tgz string) error {
	list, err := os.ReadFile(filepath.Join(in.Root, "tools", "pulsar", "jars.txt"))
	if err != nil {
		return err
	}
	jars := map[string]bool{}
	for _, j := range strings.Fields(string(list)) {
		jars[j] = true
	}
	f, err := os.Open(tgz)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	return unpack(tar.NewReader(r), in.pulsarDir(), func(name string) string {
		if baseName := filepath.Base(name); jars[baseName] {
			return baseName
		}
		return ""
	})
}

// unpack writes the entries for which name returns a path. The folder target appears only when it is complete.
func unpack(t *tar.Reader, target string, name func(string) string) error {
	partial := target + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return err
	}
	for {
		h, err := t.Next()
		if err == io.EOF {
			return os.Rename(partial, target)
		}
		if err != nil {
			return err
		}
		n := name(h.Name)
		if n == "" || !filepath.IsLocal(n) {
			continue
		}
		if err := writeEntry(t, h, filepath.Join(partial, n)); err != nil {
			return err
		}
	}
}

func writeEntry(t *tar.Reader, h *tar.Header, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		return os.Symlink(h.Linkname, path)
	case tar.TypeReg:
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, h.FileInfo().Mode().Perm()|0o444)
		if err != nil {
			return err
		}
		if _, err := io.Copy(f, t); err != nil {
			return err
		}
		return f.Close()
	}
	return nil
}
