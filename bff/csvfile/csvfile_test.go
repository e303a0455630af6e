package csvfile_test

import (
	"encoding/csv"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"entregas/bff/csvfile"
)

func TestInert(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "ana": "ana", "-5": "-5", "-5,25": "-5,25", "2026-11-26T10:00:00.000Z": "2026-11-26T10:00:00.000Z", "a=1": "a=1", "🥑": "🥑",
		"=1+1": "'=1+1", "+57 300": "'+57 300", "-5+cmd|' /C calc'!A0": "'-5+cmd|' /C calc'!A0", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t'=1", "\r=1": "'\r'=1",
		"\n=1": "'\n'=1", "＝1": "'＝1", "－x": "'－x",
		"no;=1+1": "no;'=1+1", "no\n@SUM(A1)": "no\n'@SUM(A1)", "no\t-x": "no\t'-x", "a; b": "a; b", "2 × 1; 3 × 7": "2 × 1; 3 × 7",
	} {
		if got := csvfile.Inert(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestAccepts(t *testing.T) {
	for accept, want := range map[string]bool{
		"": false, "*/*": false, "text/csv": true, "TEXT/CSV; charset=utf-8": true, "text/csv, */*;q=0.1": true, "text/csv;q=0": false,
		"application/json, text/csv": false, "text/html": false, ";;": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
		r.Header.Set("Accept", accept)
		if got := csvfile.Accepts(r); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

// Each field comes back as it was written, whatever is in it.
func TestFileIsReadBack(t *testing.T) {
	w := httptest.NewRecorder()
	f := csvfile.New(w, "compras.csv", "id", "motivo")
	rows := [][]string{{"1", `dijo "no", y se fue`}, {"2", "dos\nlíneas"}, {"3", " espacios "}, {"4", "=1+1"}, {"5", ""}}
	for _, row := range rows {
		if err := f.Write(row...); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(w.Body.String(), "\ufeff")
	if !marked || strings.Count(text, "\r\n") != len(rows)+2 || w.Header().Get("Content-Type") != "text/csv; charset=utf-8; header=present" ||
		w.Header().Get("Content-Disposition") != "attachment; filename=compras.csv" {
		t.Errorf("%v %q", w.Header(), text)
	}
	rows[3][1] = "'=1+1"
	got, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || !slices.EqualFunc(got, append([][]string{{"id", "motivo"}}, rows...), slices.Equal) {
		t.Errorf("%q %v", got, err)
	}
}

// Failure prevented: a client takes a file that ended early for a whole one.
func TestFileThatEndsEarly(t *testing.T) {
	broken := errors.New("broken")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := csvfile.New(w, "x.csv", "id")
		if r.URL.Path == "/begun" {
			_ = f.Write("1")
		}
		if err := f.Close(r.Context(), broken); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	read := func(path string) (int, error) {
		res, err := http.Get(server.URL + path)
		if err != nil {
			return 0, err
		}
		defer func() { _ = res.Body.Close() }()
		_, err = io.ReadAll(res.Body)
		return res.StatusCode, err
	}
	if status, err := read("/"); status != http.StatusServiceUnavailable || err != nil {
		t.Errorf("before the first row: %d %v", status, err)
	}
	if status, err := read("/begun"); err == nil {
		t.Errorf("after the first row: %d, a whole answer", status)
	}
}

func TestMaxRows(t *testing.T) {
	w := httptest.NewRecorder()
	f := csvfile.New(w, "x.csv", "id")
	for range csvfile.MaxRows {
		if err := f.Write("1"); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Write("1"); !errors.Is(err, csvfile.ErrFull) || f.Close(t.Context(), err) != nil || strings.Count(w.Body.String(), "\r\n") != csvfile.MaxRows+1 {
		t.Errorf("%v, %d lines", err, strings.Count(w.Body.String(), "\r\n"))
	}
	if f := csvfile.New(w, "x.csv", "id"); f.Write("1", "2") == nil {
		t.Error("a row with too many fields was written")
	}
}
