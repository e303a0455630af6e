package main

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"
)

// The catcher takes the place of a mail server: it sends nothing and keeps the newest mails, each as a file. Only this user reads the folder.
// It refuses the addresses of the top-level domain invalid, to which nobody can send (RFC 2606): so one can see what a refusal does.

const (
	mailTimeout = 10 * time.Second // for one command of a client of the catcher
	largestMail = 1 << 20
)

// mostMails is how many mails the catcher keeps.
const mostMails = 500

// catchMail takes mails on the port SMTP and stores each in the folder mail, until it is stopped.
func (in *Instance) catchMail() error {
	folder := in.path("mail")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	s := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return caught{folder}, nil }))
	s.Addr, s.Domain = fmt.Sprintf("127.0.0.1:%d", in.port("SMTP")), "localhost"
	s.ReadTimeout, s.WriteTimeout, s.MaxMessageBytes, s.MaxRecipients = mailTimeout, mailTimeout, largestMail, 1
	return s.ListenAndServe()
}

// caught is the session of a client of the catcher.
type caught struct{ folder string }

func (caught) Reset()                               {}
func (caught) Logout() error                        { return nil }
func (caught) Mail(string, *smtp.MailOptions) error { return nil }

// Rcpt refuses an address of the domain invalid.
func (caught) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasSuffix(to, ".invalid") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 2}, Message: "no such domain: " + to}
	}
	return nil
}

// Data stores a mail, and deletes the oldest beyond mostMails. A file appears only when it is complete; the names sort by time.
func (c caught) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	name := filepath.Join(c.folder, time.Now().UTC().Format("20060102T150405.000000000"))
	if err := os.WriteFile(name+".partial", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(name+".partial", name+".eml"); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(c.folder, "*.eml"))
	slices.Sort(files)
	for _, old := range files[:max(0, len(files)-mostMails)] {
		_ = os.Remove(old)
	}
	return err
}

// mailHealth checks that the catcher listens.
func (in *Instance) mailHealth() error {
	c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", in.port("SMTP")), time.Second)
	if err != nil {
		return err
	}
	return c.Close()
}

// printMail prints the newest mail that the catcher has.
func (in *Instance) printMail(w io.Writer) error {
	files, err := filepath.Glob(in.path("mail", "*.eml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("no mail has come. A customer asks for mails on the page /compras")
	}
	f, err := os.Open(slices.Max(files))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	m, err := mail.ReadMessage(f)
	if err != nil {
		return fmt.Errorf("%s: %w", f.Name(), err)
	}
	for _, name := range []string{"Date", "From", "To", "Subject"} {
		value, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s: %s\n", name, value)
	}
	fmt.Fprintln(w)
	body := m.Body
	if m.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	_, err = io.Copy(w, body)
	return err
}
