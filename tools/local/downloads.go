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

// java is the JVM to run Pulsar with: JAVA_HOME's where it is set.
func java() string {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		return filepath.Join(home, "bin", "java")
	}
	return "java"
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// checkJava finds Java 17 or later and Maven, or installs both where apt may.
func checkJava() error {
	absent := missingJava()
	if absent == "" {
		return nil
	}
	if !withApt() {
		return fmt.Errorf("falta %s. Instálelo con:\n    sudo apt-get update && sudo apt-get install -y %s\n"+
			"(fuera de Debian o Ubuntu: un JDK 17 o posterior y Maven) y repita", absent, strings.Join(javaPackages, " "))
	}
	if err := install(absent, javaPackages...); err != nil {
		return err
	}
	if absent := missingJava(); absent != "" {
		return fmt.Errorf("tras instalar %s sigue faltando %s", strings.Join(javaPackages, " "), absent)
	}
	return nil
}

func missingJava() string {
	text, err := exec.Command(java(), "-version").CombinedOutput()
	if err != nil {
		return "Java 17 o posterior"
	}
	if g := javaVersion.FindSubmatch(text); g != nil {
		if v, _ := strconv.Atoi(string(g[1])); v < 17 {
			return "Java 17 o posterior (el que hay es " + string(g[1]) + ")"
		}
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return "Maven"
	}
	return ""
}

// distributions leaves Pulsar and, unless the user has an own server, PostgreSQL unpacked under .local/.
func (in *Instance) distributions() error {
	if in.ownDSN() == "" && !exists(in.postgresDir("bin", "postgres")) {
		arch, ok := map[string]string{"amd64": "amd64", "arm64": "arm64v8"}[runtime.GOARCH]
		if !ok || runtime.GOOS != "linux" {
			return fmt.Errorf("no hay archivo de PostgreSQL para %s/%s: ponga POSTGRES_DSN en local.env", runtime.GOOS, runtime.GOARCH)
		}
		name := "embedded-postgres-binaries-linux-" + arch
		jar, err := in.maven("io.zonky.test.postgres:"+name+":"+postgresVersion+".0", name+"-"+postgresVersion+".0.jar", 15)
		if err != nil {
			return err
		}
		if err := unpackPostgres(jar, in.postgresDir()); err != nil {
			return fmt.Errorf("no pude desempacar PostgreSQL: %w", err)
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
			return fmt.Errorf("no pude desempacar Pulsar: %w", err)
		}
		_ = os.Remove(tgz)
	}
	return nil
}

// maven downloads one artifact through Maven, so that a mirror in the user's settings.xml serves it too.
func (in *Instance) maven(artifact, file string, megas int) (string, error) {
	dir := in.shared("descargas")
	target := filepath.Join(dir, file)
	if exists(target) {
		return target, nil
	}
	say("descargo %s (%d MB) de Maven Central", artifact, megas)
	args := []string{"-q", "-B", mavenPlugin, "-Dartifact=" + artifact, "-DoutputDirectory=" + dir, "-Dmdep.useBaseVersion=true"}
	cmd := exec.Command("mvn", args...)
	cmd.Dir = dir
	home, _ := os.UserHomeDir()
	group, _, _ := strings.Cut(artifact, ":")
	cache := filepath.Join(home, ".m2", "repository", strings.ReplaceAll(group, ".", "/"))
	earlier := size(cache)
	halt := everySoOften(func() string { return fmt.Sprintf("%s: %d de %d MB", file, (size(cache)-earlier)>>20, megas) })
	text, err := cmd.CombinedOutput()
	halt()
	if err != nil {
		return "", fmt.Errorf("la descarga de %s con Maven falló: %w\n%s\nPara repetirlo a mano:\n    mvn %s", artifact, err, text, strings.Join(args[2:], " "))
	}
	return target, nil
}

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

// unpackPostgres takes the .txz out of the jar and the files out of the .txz.
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
	return fmt.Errorf("no hay un .txz en %s", jar)
}

// unpackPulsar takes only the jars that tools/pulsar/jars.txt lists: half of the distribution is of no use here.
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

// unpack writes the entries for which name gives a path, to a folder that appears only when it is complete.
func unpack(t *tar.Reader, target string, name func(string) string) error {
	partial := target + ".parcial"
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
