package pages

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"

	"entregas/internal/errs"
	"entregas/internal/rest"
)

// Errors answers the problem of a request that accepts HTML by a page: what happened, in the language of the person, and the way
// back. The status and the headers stay. Other clients get the problem itself, and so do all below /api, as its contract says.
func Errors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !acceptsHTML(r) || r.Header.Get("Upgrade") != "" || strings.HasPrefix(r.URL.Path, "/api/") {
			next.ServeHTTP(w, r)
			return
		}
		p := &problemWriter{ResponseWriter: w}
		next.ServeHTTP(p, r)
		if p.held {
			showProblem(w, r, p.status, p.problem.Bytes())
		}
	})
}

// problemWriter holds the answer back where it is a problem.
type problemWriter struct {
	http.ResponseWriter
	begun, held bool
	status      int
	problem     bytes.Buffer
}

// Unwrap lets http.ResponseController reach the writer within.
func (p *problemWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (p *problemWriter) WriteHeader(status int) {
	if !p.begun && status >= http.StatusOK {
		p.begun, p.status = true, status
		p.held = p.Header().Get("Content-Type") == "application/problem+json"
	}
	if !p.held {
		p.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (p *problemWriter) Write(b []byte) (int, error) {
	if !p.begun {
		p.WriteHeader(http.StatusOK)
	}
	if p.held {
		return p.problem.Write(b) // at most some kilobytes: a problem names at most the fields of one body
	}
	return p.ResponseWriter.Write(b)
}

// Flush implements http.Flusher.
func (p *problemWriter) Flush() {
	if !p.held {
		_ = http.NewResponseController(p.ResponseWriter).Flush() // it fails only when the client is gone
	}
}

// problemView is the data of html/error.html.
type problemView struct {
	Words
	Languages []Words
	Code      string
	Details   []string // Spanish: what is wrong with the request
	Back      string   // where the way back leads
	BackKey   string   // the text of the link
	Again     bool     // the same request may succeed later
}

// showProblem writes the page of a problem.
func showProblem(w http.ResponseWriter, r *http.Request, status int, text []byte) {
	var p rest.Problem
	_ = json.Unmarshal(text, &p) // our own: it has a code, or else it is shown as an internal error
	site := theSite()
	words := site.words[site.chooser.of(r)]
	v := problemView{Words: words, Languages: site.languages, Code: codeOf(words, p.Type), Back: "/", BackKey: "error.home"}
	switch code := errs.Code(v.Code); code {
	case errs.Invalid, errs.Conflict, errs.TooLarge, errs.Quota:
		v.Details = []string{p.Detail}
		for _, f := range p.Errores {
			v.Details = append(v.Details, f.Field+": "+f.Detalle)
		}
	case errs.NoIdentity:
		v.Back, v.BackKey = "/entrar", "frame.sign-in"
	case errs.TooMany, errs.Busy, errs.Unavailable, errs.Internal:
		v.Again = r.Method == http.MethodGet
	}
	if strings.HasPrefix(r.URL.Path, "/operador") && v.Back == "/" {
		v.Back, v.BackKey = "/operador", "error.desk"
	}
	var page bytes.Buffer
	if err := site.problem[words.Language].ExecuteTemplate(&page, "error.html", v); err != nil {
		w.WriteHeader(status)
		return
	}
	h := w.Header()
	setHeaders(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Del("Content-Length")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // #nosec G705 -- html/template escapes it; it fails only when the client is gone
}

// codeOf returns the code in the type of a problem, where words has a text about it, else that of an internal error.
func codeOf(words Words, problemType string) string {
	code := problemType[strings.LastIndex(problemType, ":")+1:]
	if _, found := words.texts["error."+code]; !found {
		return string(errs.Internal)
	}
	return code
}

// SignIn answers the form of the development issuer, in the language of the person. hidden are its hidden fields. wrong says, in
// Spanish, what was wrong with the name that the person sent, "" at first.
func SignIn(w http.ResponseWriter, r *http.Request, hidden map[string]string, usuario, wrong string) error {
	site := theSite()
	words := site.words[site.chooser.of(r)]
	var page bytes.Buffer
	err := site.problem[words.Language].ExecuteTemplate(&page, "sign-in.html", struct {
		Words
		Languages      []Words
		Hidden         map[string]string
		Usuario, Wrong string
	}{words, site.languages, hidden, usuario, wrong})
	if err != nil {
		return err
	}
	h := w.Header()
	setHeaders(h)
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", signInPolicy)
	if wrong != "" {
		w.WriteHeader(http.StatusBadRequest)
	}
	_, _ = w.Write(page.Bytes()) // #nosec G705 -- html/template escapes it; it fails only when the client is gone
	return nil
}

// signInPolicy is policy without form-action: Chromium applies that to the redirect after the form too, which may lead to another
// address of this server.
const signInPolicy = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"

// smallPages returns the templates of the pages without scripts, in a language.
func smallPages(words Words, static static) *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{"t": words.T, "static": static.route}).ParseFS(files, "html/small.html", "html/error.html", "html/sign-in.html"))
}
