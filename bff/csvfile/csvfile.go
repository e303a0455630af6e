// Package csvfile writes answers as CSV files that a spreadsheet opens.
package csvfile

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// MaxRows is the most rows that a file has, without its header.
const MaxRows = 100_000

// ErrFull is the error of Write for a row above MaxRows.
var ErrFull = errors.New("the file has all the rows that it may have")

// flushEvery is the number of rows after which the client gets what was written.
const flushEvery = 100

// mark is the byte order mark of UTF-8. Without it Excel reads the file in the character set of the machine.
const mark = "\ufeff"

// Accepts reports whether the client asks for CSV: it lists text/csv, and neither lists JSON nor says q=0. A client that lists both
// gets JSON, as a client that lists nothing.
func Accepts(r *http.Request) bool {
	listed := false
	for kind := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		name, parameters, err := mime.ParseMediaType(kind)
		if err != nil {
			continue
		}
		switch name {
		case "text/csv":
			q, err := strconv.ParseFloat(parameters["q"], 64)
			listed = err != nil || q > 0
		case "application/json", "application/*":
			return false
		}
	}
	return listed
}

// Writer writes one file as the answer to a request, as RFC 4180 says: fields with a comma, a quote or a line break are quoted, and
// lines end with CRLF. The file has UTF-8 with a byte order mark.
type Writer struct {
	response http.ResponseWriter
	rows     *csv.Writer
	name     string
	header   []string
	fields   []string // of the present row: kept, so that a row allocates nothing
	n        int
}

// New returns a Writer of a file with the columns of header. name is the name that a browser gives the file. Nothing is sent
// before the first call of Write or Close, so that a request may still be refused.
func New(w http.ResponseWriter, name string, header ...string) *Writer {
	return &Writer{response: w, name: name, header: header, rows: csv.NewWriter(w), fields: make([]string, 0, len(header))}
}

// Write adds a row with a field for each column of the header. Error: ErrFull; an error of the connection.
func (f *Writer) Write(fields ...string) error {
	if len(fields) != len(f.header) {
		return fmt.Errorf("%d fields of %d", len(fields), len(f.header))
	}
	if f.n == MaxRows {
		return ErrFull
	}
	if err := f.begin(); err != nil {
		return err
	}
	f.n++
	f.fields = f.fields[:0]
	for _, one := range fields {
		f.fields = append(f.fields, Inert(one))
	}
	if err := f.rows.Write(f.fields); err != nil {
		return err
	}
	if f.n%flushEvery == 0 {
		return f.flush()
	}
	return nil
}

// Started reports whether the answer has begun. From then on its status cannot change.
func (f *Writer) Started() bool { return f.rows.UseCRLF }

// begin sends the header of the answer and of the file, once.
func (f *Writer) begin() error {
	if f.Started() {
		return nil
	}
	f.rows.UseCRLF = true
	h := f.response.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.name}))
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept")
	if _, err := f.response.Write([]byte(mark)); err != nil {
		return err
	}
	return f.rows.Write(f.header)
}

func (f *Writer) flush() error {
	f.rows.Flush()
	_ = http.NewResponseController(f.response).Flush() // a writer that cannot flush sends the rows later
	return f.rows.Error()
}

// Close ends the file after err, the error that stopped its rows: nil or ErrFull where all rows were written. Close returns err
// while the answer has not begun, so that the caller may answer with a problem. After that it ends the connection in the middle of
// the answer, because a client must not take a part for the whole.
func (f *Writer) Close(ctx context.Context, err error) error {
	if err != nil && !errors.Is(err, ErrFull) {
		if !f.Started() {
			return err
		}
		if ctx.Err() == nil {
			slog.ErrorContext(ctx, "a file ends early", "file", f.name, "rows", f.n, "error", err)
		}
		panic(http.ErrAbortHandler) // net/http ends the connection, and logs nothing
	}
	if err := f.begin(); err != nil { // a file without rows has a header
		return nil //nolint:nilerr // the client is gone: nobody reads an answer
	}
	_ = f.flush() // it fails only when the client is gone
	return nil
}

// number is a plain number. A spreadsheet shows it as it is.
var number = regexp.MustCompile(`^-?[0-9]+([.,][0-9]+)?$`)

// inside is what begins a formula after a character that ends a cell. Where lists have semicolons, as in Spanish, a spreadsheet ends a
// cell at each semicolon, and takes no quotes in the middle of a line for quotes. So a line break ends its row, too.
var inside = regexp.MustCompile("([;\t\r\n])([=+\\-@＝＋－＠])")

// Inert returns text in a form that no spreadsheet takes for a formula. A text that begins like a formula gets an apostrophe, which
// the spreadsheet does not show, and so does the part of a text that some spreadsheet would show in a cell of its own. See
// https://owasp.org/www-community/attacks/CSV_Injection.
func Inert(text string) string {
	if text == "" || number.MatchString(text) {
		return text
	}
	text = inside.ReplaceAllString(text, "$1'$2")
	if strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(text)[0]) {
		return "'" + text
	}
	return text
}
