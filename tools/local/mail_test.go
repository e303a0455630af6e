package main

import (
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The catcher keeps what a client of SMTP sends, and make mail prints it as a person reads it.
func TestTheCatcherKeepsMails(t *testing.T) {
	in := instanceOf(t, "test")
	in.Dir, in.settings = t.TempDir(), map[string]string{"PORT_SMTP": "2025"}
	go func() { _ = in.catchMail() }()
	for limit := time.Now().Add(5 * time.Second); in.mailHealth() != nil && time.Now().Before(limit); {
		time.Sleep(10 * time.Millisecond)
	}
	text := "To: ana@ejemplo.com\r\nSubject: =?UTF-8?q?Est=C3=A1_lista?=\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nCaf=C3=A9\r\n"
	if err := smtp.SendMail("127.0.0.1:12025", nil, "entregas@localhost", []string{"ana@ejemplo.com"}, []byte(text)); err != nil {
		t.Fatal(err)
	}
	var printed strings.Builder
	if err := in.printMail(&printed); err != nil || !strings.Contains(printed.String(), "Subject: Está lista\n") || !strings.Contains(printed.String(), "Café") {
		t.Errorf("%v %s", err, printed.String())
	}
	if err := smtp.SendMail("127.0.0.1:12025", nil, "entregas@localhost", []string{"ana@ejemplo.invalid"}, []byte(text)); err == nil || !strings.Contains(err.Error(), "no such domain") {
		t.Errorf("an address to which nobody can send: %v", err)
	}
	files, _ := filepath.Glob(filepath.Join(in.Dir, "mail", "*"))
	if info, err := os.Stat(files[0]); len(files) != 1 || err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v %v", files, info, err)
	}
}
