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
	versionPulsar   = "4.0.8"
	versionPostgres = "18.6"
	pluginMaven     = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy"
)

var paquetesJava = []string{"default-jdk-headless", "maven"}

// java is the JVM to run Pulsar with: JAVA_HOME's where it is set.
func java() string {
	if casa := os.Getenv("JAVA_HOME"); casa != "" {
		return filepath.Join(casa, "bin", "java")
	}
	return "java"
}

var versionJava = regexp.MustCompile(`version "(\d+)`)

// comprobarJava finds Java 17 or later and Maven, or installs both where apt may.
func comprobarJava() error {
	falta := faltaJava()
	if falta == "" {
		return nil
	}
	if !conApt() {
		return fmt.Errorf("falta %s. Instálelo con:\n    sudo apt-get update && sudo apt-get install -y %s\n"+
			"(fuera de Debian o Ubuntu: un JDK 17 o posterior y Maven) y repita", falta, strings.Join(paquetesJava, " "))
	}
	if err := instalar(falta, paquetesJava...); err != nil {
		return err
	}
	if falta := faltaJava(); falta != "" {
		return fmt.Errorf("tras instalar %s sigue faltando %s", strings.Join(paquetesJava, " "), falta)
	}
	return nil
}

func faltaJava() string {
	texto, err := exec.Command(java(), "-version").CombinedOutput()
	if err != nil {
		return "Java 17 o posterior"
	}
	if g := versionJava.FindSubmatch(texto); g != nil {
		if v, _ := strconv.Atoi(string(g[1])); v < 17 {
			return "Java 17 o posterior (el que hay es " + string(g[1]) + ")"
		}
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		return "Maven"
	}
	return ""
}

// distribuciones leaves Pulsar and, unless the user has an own server, PostgreSQL unpacked under .local/.
func (in *Instancia) distribuciones() error {
	if in.dsnPropio() == "" && !existe(in.dirPostgres("bin", "postgres")) {
		arq, ok := map[string]string{"amd64": "amd64", "arm64": "arm64v8"}[runtime.GOARCH]
		if !ok || runtime.GOOS != "linux" {
			return fmt.Errorf("no hay archivo de PostgreSQL para %s/%s: ponga POSTGRES_DSN en local.env", runtime.GOOS, runtime.GOARCH)
		}
		nombre := "embedded-postgres-binaries-linux-" + arq
		jar, err := in.maven("io.zonky.test.postgres:"+nombre+":"+versionPostgres+".0", nombre+"-"+versionPostgres+".0.jar", 15)
		if err != nil {
			return err
		}
		if err := desempacarPostgres(jar, in.dirPostgres()); err != nil {
			return fmt.Errorf("no pude desempacar PostgreSQL: %w", err)
		}
		_ = os.Remove(jar)
	}
	if !existe(in.dirPulsar()) {
		nombre := "pulsar-server-distribution-" + versionPulsar + "-bin.tar.gz"
		tgz, err := in.maven("org.apache.pulsar:pulsar-server-distribution:"+versionPulsar+":tar.gz:bin", nombre, 245)
		if err != nil {
			return err
		}
		if err := in.desempacarPulsar(tgz); err != nil {
			return fmt.Errorf("no pude desempacar Pulsar: %w", err)
		}
		_ = os.Remove(tgz)
	}
	return nil
}

// maven downloads one artifact through Maven, so that a mirror in the user's settings.xml serves it too.
func (in *Instancia) maven(artefacto, archivo string, megas int) (string, error) {
	dir := in.compartida("descargas")
	destino := filepath.Join(dir, archivo)
	if existe(destino) {
		return destino, nil
	}
	decir("descargo %s (%d MB) de Maven Central", artefacto, megas)
	args := []string{"-q", "-B", pluginMaven, "-Dartifact=" + artefacto, "-DoutputDirectory=" + dir, "-Dmdep.useBaseVersion=true"}
	cmd := exec.Command("mvn", args...)
	cmd.Dir = dir
	casa, _ := os.UserHomeDir()
	grupo, _, _ := strings.Cut(artefacto, ":")
	cache := filepath.Join(casa, ".m2", "repository", strings.ReplaceAll(grupo, ".", "/"))
	antes := tamano(cache)
	parar := cadaTanto(func() string { return fmt.Sprintf("%s: %d de %d MB", archivo, (tamano(cache)-antes)>>20, megas) })
	texto, err := cmd.CombinedOutput()
	parar()
	if err != nil {
		return "", fmt.Errorf("la descarga de %s con Maven falló: %w\n%s\nPara repetirlo a mano:\n    mvn %s", artefacto, err, texto, strings.Join(args[2:], " "))
	}
	return destino, nil
}

func tamano(dir string) (total int64) {
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

func (in *Instancia) dirPostgres(partes ...string) string {
	return in.compartida(append([]string{"postgres", versionPostgres}, partes...)...)
}

func (in *Instancia) dirPulsar() string { return in.compartida("pulsar", versionPulsar) }

// desempacarPostgres takes the .txz out of the jar and the files out of the .txz.
func desempacarPostgres(jar, destino string) error {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".txz") {
			continue
		}
		comprimido, err := f.Open()
		if err != nil {
			return err
		}
		defer comprimido.Close()
		r, err := xz.NewReader(comprimido)
		if err != nil {
			return err
		}
		return desempacar(tar.NewReader(r), destino, func(nombre string) string { return nombre })
	}
	return fmt.Errorf("no hay un .txz en %s", jar)
}

// desempacarPulsar takes only the jars that tools/pulsar/jars.txt lists: half of the distribution is of no use here.
func (in *Instancia) desempacarPulsar(tgz string) error {
	lista, err := os.ReadFile(filepath.Join(in.Raiz, "tools", "pulsar", "jars.txt"))
	if err != nil {
		return err
	}
	jars := map[string]bool{}
	for _, j := range strings.Fields(string(lista)) {
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
	return desempacar(tar.NewReader(r), in.dirPulsar(), func(nombre string) string {
		if base := filepath.Base(nombre); jars[base] {
			return base
		}
		return ""
	})
}

// desempacar writes the entries for which nombre gives a path, to a folder that appears only when it is complete.
func desempacar(t *tar.Reader, destino string, nombre func(string) string) error {
	parcial := destino + ".parcial"
	if err := os.RemoveAll(parcial); err != nil {
		return err
	}
	for {
		h, err := t.Next()
		if err == io.EOF {
			return os.Rename(parcial, destino)
		}
		if err != nil {
			return err
		}
		n := nombre(h.Name)
		if n == "" || !filepath.IsLocal(n) {
			continue
		}
		if err := escribirEntrada(t, h, filepath.Join(parcial, n)); err != nil {
			return err
		}
	}
}

func escribirEntrada(t *tar.Reader, h *tar.Header, ruta string) error {
	if err := os.MkdirAll(filepath.Dir(ruta), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		return os.Symlink(h.Linkname, ruta)
	case tar.TypeReg:
		f, err := os.OpenFile(ruta, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, h.FileInfo().Mode().Perm()|0o444)
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
