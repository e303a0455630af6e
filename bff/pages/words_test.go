package pages_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entregas/bff/pages"
	"entregas/contracts"
	"entregas/workflows/compra"
)

// Each text is in all languages, in the same shape and with the same places. The default language has the texts of the table of steps
// in the table, and every other language has them in the groups steps and details. So it is with the sentences about acts, in the group
// acts.
func TestEachTextIsInAllLanguages(t *testing.T) {
	fromTable := map[string]bool{}
	for _, s := range compra.Steps {
		for name, text := range map[string]string{"name": s.State, "title": s.Title, "summary": s.Summary, "doing": s.Doing, "undone": s.Undo.Title} {
			if text != "" {
				fromTable["steps."+string(s.Command)+"."+name] = true
			}
		}
	}
	for _, c := range append(compra.Commands(), contracts.CrearCompra, contracts.CancelarCompra, contracts.BorrarDatos) {
		types := []contracts.MessageType{c}
		for _, r := range compra.Replies(c) {
			types = append(types, r.Type)
		}
		for _, m := range types {
			if compra.Detail(m) != "" {
				fromTable["details."+string(m)] = true
			}
		}
	}
	acts := map[string]string{}
	for texto, sentence := range contracts.TextosDeActo {
		acts["acts."+texto], fromTable["acts."+texto] = sentence, true
	}
	spanish := wordsOf(t, pages.Default)
	for key := range fromTable {
		if _, found := spanish[key]; found {
			t.Errorf("words/%s.json has %s, which a table in Go has", pages.Default, key)
		}
	}
	places := regexp.MustCompile(`\{\w+\}`)
	for _, language := range languages(t) {
		if language == pages.Default {
			continue
		}
		texts := wordsOf(t, language)
		for key := range fromTable {
			if _, found := texts[key]; !found {
				t.Errorf("words/%s.json has no %s", language, key)
			}
		}
		for key, text := range texts {
			original, found := spanish[key]
			switch {
			case !found && !fromTable[key]:
				t.Errorf("words/%s.json has %s, which words/%s.json does not have", language, key, pages.Default)
			case found && (original["other"] == "") != (text["other"] == ""):
				t.Errorf("%s has plural forms in one language only: %s", key, language)
			}
			for form, words := range text {
				if strings.TrimSpace(words) == "" {
					t.Errorf("words/%s.json: %s is empty", language, key)
				}
				if sentence := original[form] + acts[key]; sentence != "" {
					has, want := places.FindAllString(words, -1), places.FindAllString(sentence, -1)
					slices.Sort(has)
					slices.Sort(want)
					if !slices.Equal(has, want) {
						t.Errorf("words/%s.json: %s has the places %v, and in the default language %v", language, key, has, want)
					}
				}
			}
		}
		for key := range spanish {
			if _, found := texts[key]; !found {
				t.Errorf("words/%s.json has no %s", language, key)
			}
		}
	}
}

// wordsOf returns the texts of a language by their keys. A text without plural forms has one form, "".
func wordsOf(t *testing.T, language string) map[string]map[string]string {
	t.Helper()
	b, err := os.ReadFile("words/" + language + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var groups map[string]map[string]any
	if err := json.Unmarshal(b, &groups); err != nil {
		t.Fatalf("words/%s.json: %v", language, err)
	}
	all := map[string]map[string]string{}
	for group, texts := range groups {
		for name, text := range texts {
			forms := map[string]string{}
			switch text := text.(type) {
			case string:
				forms[""] = text
			case map[string]any:
				for form, words := range text {
					forms[form], _ = words.(string)
				}
				if forms["other"] == "" || forms["one"] == "" {
					t.Errorf("words/%s.json: %s.%s has no form one or other", language, group, name)
				}
			}
			all[group+"."+name] = forms
		}
	}
	return all
}

func languages(t *testing.T) []string {
	t.Helper()
	all, err := pages.ReadWords()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, w := range all {
		names = append(names, w.Language)
	}
	if len(names) < 2 || names[0] != pages.Default {
		t.Fatalf("the languages are %v", names)
	}
	return names
}

// A key that a page names has a text, and each text is used.
func TestEachTextIsUsed(t *testing.T) {
	texts := wordsOf(t, pages.Default)
	used := map[string]bool{"language.name": true, "language.locale": true}
	name := func(file, key string) {
		if _, found := texts[key]; !found {
			t.Errorf("%s names the text %s, which words/%s.json does not have", file, key, pages.Default)
		}
		used[key] = true
	}
	dynamic := regexp.MustCompile(`\{\{t \(print "([a-z-]+\.)"`)
	htmlKey := regexp.MustCompile(`\{\{t "([^"]+)"\}\}`)
	for file, text := range sources(t, "html/*.html") {
		for _, m := range htmlKey.FindAllStringSubmatch(text, -1) {
			name(file, m[1])
		}
		for _, m := range dynamic.FindAllStringSubmatch(text, -1) {
			for key := range texts {
				if strings.HasPrefix(key, m[1]) {
					used[key] = true
				}
			}
		}
		page := strings.TrimSuffix(filepath.Base(file), ".html")
		if !slices.Contains([]string{"frame", "small", "error", "queue"}, page) {
			name(file, page+".title")
			name(file, page+".description")
		}
	}
	call := regexp.MustCompile(`\b(?:t|parts|has)\("([^"]+)"`)
	other := regexp.MustCompile(`\b(?:t|parts)\([^")]`)
	begins := regexp.MustCompile("`([a-z][a-z-]*\\.[\\w.-]*)\\$\\{")
	for file, text := range sources(t, "static/*.js") {
		for _, m := range call.FindAllStringSubmatch(text, -1) {
			name(file, m[1])
		}
		for _, m := range begins.FindAllStringSubmatch(text, -1) {
			for key := range texts {
				if strings.HasPrefix(key, m[1]) {
					used[key] = true
				}
			}
		}
		for key := range texts { // a key in a table: {title: "shop.title"}
			if strings.Contains(text, `"`+key+`"`) {
				used[key] = true
			}
		}
		if bad := other.FindString(text); bad != "" && file != "static/words.js" && !strings.HasPrefix(bad[strings.Index(bad, "("):], "(`") {
			t.Errorf("%s calls %s… with a key that the server cannot find", file, bad)
		}
	}
	for key := range texts {
		if !used[key] {
			t.Errorf("no page uses %s", key)
		}
	}
}

func sources(t *testing.T, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	all := map[string]string{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(b)
	}
	return all
}

// No text for a person stands in the HTML or in a script: the words files have all of them.
func TestNoTextOutsideOfTheWords(t *testing.T) {
	for file, text := range sources(t, "html/*.html") {
		text = regexp.MustCompile(`(?s)<script[^>]*>.*?</script>`).ReplaceAllString(text, "")
		text = strings.NewReplacer("Entregas <", "<", ">de los Alpes<", "><", "Entregas de los Alpes", "").Replace(text) // the name of the house
		text = regexp.MustCompile(`\{\{[^}]*\}\}`).ReplaceAllString(text, "")
		for _, m := range regexp.MustCompile(`(?:aria-label|placeholder|title|alt|content|label)="([^"]*\p{L}[^"]*)"`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains([]string{"width=device-width, initial-scale=1", "light dark"}, m[1]) && !strings.HasPrefix(m[1], "#") {
				t.Errorf("%s has the text %q", file, m[1])
			}
		}
		for _, m := range regexp.MustCompile(`(?s)>([^<]*)<`).FindAllStringSubmatch(text, -1) {
			if regexp.MustCompile(`\p{L}`).MatchString(m[1]) {
				t.Errorf("%s has the text %q", file, strings.TrimSpace(m[1]))
			}
		}
	}
	for file, text := range sources(t, "static/*.js") {
		for _, literal := range literals(strings.ReplaceAll(text, "Entregas de los Alpes", "")) {
			if looksLikeText(literal) {
				t.Errorf("%s has the text %q: give it a key in words/*.json, and show it with t", file, literal)
			}
		}
	}
	for literal, want := range map[string]bool{
		"Agotado": true, "Solo hay": true, "en curso": true, "últimos ": true, "¿Cancelar?": true, "más": true, " · a domicilio": true, "Sold out": true,
		"button small": false, "visually-hidden": false, "Content-Type": false, "/api/compras/": false, "POR_APROBAR": false, "(max-width: 40rem)": false, "text-anchor": false, "gestor-compra": false,
		"xMidYMid slice": false, "M4 4v4h4M4.4 8A5 5 0 1 1 6 11.6": false, "SalidaRechazada": false, "Enter": false,
	} {
		if looksLikeText(literal) != want {
			t.Errorf("looksLikeText(%q) is %v", literal, !want)
		}
	}
}

var (
	sentence = regexp.MustCompile(`[^\x00-\x7f·−—×…+]|^[^\w]*\p{Lu}\p{Ll}{2,}(?:[ .,:?!…]|$)`)
	small    = regexp.MustCompile(`(?:^|\s)(?:de|la|el|los|las|en|un|una|que|se|no|con|por|para|su|sus|ya|al|del|the|of|is|are|to|and|in|it|you|your)(?:\s|$)|\s[ay]\s`)
	// technical are capitalised strings that no person reads: keys, header names, names of events and errors.
	technical = []string{"Enter", "Escape", "Tab", "Home", "End", "Delete", "Backspace", "Space", "Shift", "Accept", "Aprobacion"}
)

// looksLikeText reports whether a string of a script seems to be written for a person.
func looksLikeText(s string) bool {
	return !slices.Contains(technical, s) && (sentence.MatchString(s) || small.MatchString(s) && !strings.ContainsAny(s, "{}<>=;"))
}

// literals returns the strings of a script, and the pieces of its templates. It skips comments and regular expressions.
func literals(script string) []string {
	var all []string
	var depths []int // the depth of braces at each open ${
	depth := 0
	last := byte('(') // the last character that is not a space: it tells a regular expression from a division
	for i := 0; i < len(script); i++ {
		c := script[i]
		template := func(from int) int { // reads a piece of a template, up to its end or a ${
			j := from
			for j < len(script) && script[j] != '`' && !strings.HasPrefix(script[j:], "${") {
				if script[j] == '\\' {
					j++
				}
				j++
			}
			all = append(all, script[from:min(j, len(script))])
			if strings.HasPrefix(script[min(j, len(script)):], "${") {
				depths = append(depths, depth)
				depth++
				j++
			}
			return j
		}
		switch {
		case strings.HasPrefix(script[i:], "//"):
			i += strings.IndexByte(script[i:]+"\n", '\n')
			continue
		case strings.HasPrefix(script[i:], "/*"):
			i += strings.Index(script[i:], "*/") + 1
			continue
		case c == '"' || c == '\'' || c == '/' && strings.IndexByte("(,=:[!&|?{};\n", last) >= 0:
			j := i + 1
			for inClass := false; j < len(script) && (script[j] != c || inClass); j++ {
				switch {
				case script[j] == '\\':
					j++
				case c == '/' && script[j] == '[':
					inClass = true
				case c == '/' && script[j] == ']':
					inClass = false
				}
			}
			if c != '/' {
				all = append(all, script[i+1:j])
			}
			i = j
		case c == '`':
			i = template(i + 1)
		case c == '{':
			depth++
		case c == '}':
			depth--
			if n := len(depths); n > 0 && depths[n-1] == depth {
				depths = depths[:n-1]
				i = template(i + 1)
			}
		}
		if i < len(script) && strings.IndexByte(" \t\r", script[i]) < 0 {
			last = c
		}
	}
	return all
}

// The language of a page is that of the cookie, else that of Accept-Language, else Spanish. A page has the texts that its scripts use.
func TestLanguageOfAPage(t *testing.T) {
	routes := newPages()
	for _, c := range []struct{ accepts, cookie, want string }{
		{"", "", "es"}, {"en-GB,en;q=0.9", "", "en"}, {"es-CO,es;q=0.9,en;q=0.8", "", "es"}, {"de,en;q=0.5", "", "en"}, {"fr", "", "es"}, {"en;q=0.1,es", "", "es"},
		{"en", "es", "es"}, {"es", "en", "en"}, {"es", "xx", "es"}, {"en", "../en", "en"}, {strings.Repeat("en-", 5000), "", "es"}, {"\x00;q=a,,", "", "es"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/compras", http.NoBody)
		r.Header.Set("Accept", html)
		r.Header.Set("Accept-Language", c.accepts)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: pages.LanguageCookie, Value: c.cookie})
		}
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, r)
		title := map[string]string{"es": "<h1>Mis compras</h1>", "en": "<h1>My purchases</h1>"}[c.want]
		if body := w.Body.String(); !strings.Contains(body, `<html lang="`+c.want+`">`) || !strings.Contains(body, title) || !strings.Contains(w.Header().Get("Vary"), "Cookie") {
			t.Errorf("%.40q with the cookie %q is not in %s: vary %s", c.accepts, c.cookie, c.want, w.Header().Get("Vary"))
		}
	}
	page := do(routes, "/compras", html, "").Body.String()
	if !strings.Contains(page, `"compras.none-so":`) || !strings.Contains(page, `"frame.sign-in":`) || strings.Contains(page, `"panel.busy":`) {
		t.Error("the page has not the texts of its scripts, or has those of others")
	}
}

// The link to a language keeps the choice, and leads back to the page that has the link, never to another site.
func TestChoiceOfALanguage(t *testing.T) {
	routes := newPages()
	for _, c := range []struct{ chosen, referer, cookie, to string }{
		{"en", "http://example.com/compras?estado=CANCELADA", "en", "/compras?estado=CANCELADA"}, {"en", "", "en", "/"}, {"xx", "http://example.com/compras", "", "/compras"},
		{"es", "http://elsewhere.com/compras", "es", "/"}, {"es", "http://example.com//elsewhere.com", "es", "/"}, {"es", `http://example.com/\elsewhere.com`, "es", "/"}, {"es", "::", "es", "/"},
	} {
		r := httptest.NewRequest(http.MethodGet, "http://example.com/idioma?a="+c.chosen, http.NoBody)
		r.Header.Set("Referer", c.referer)
		w := httptest.NewRecorder()
		routes.ServeHTTP(w, r)
		cookie := ""
		for _, one := range w.Result().Cookies() {
			cookie = one.Value
		}
		if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.to || cookie != c.cookie {
			t.Errorf("%s from %s: %d to %s with the cookie %q", c.chosen, c.referer, w.Code, w.Header().Get("Location"), cookie)
		}
	}
}

// No key stands twice in a file of words: the reader of JSON takes the later text without a word.
func TestNoTextStandsTwice(t *testing.T) {
	for _, language := range languages(t) {
		text, err := os.ReadFile(filepath.Join("words", language+".json"))
		if err != nil {
			t.Fatal(err)
		}
		read := json.NewDecoder(strings.NewReader(string(text)))
		var open []map[string]bool // the keys of each object that is open
		isKey := false
		for {
			token, err := read.Token()
			if err != nil {
				break
			}
			switch v := token.(type) {
			case json.Delim:
				if isKey = true; v == '{' {
					open = append(open, map[string]bool{})
				} else {
					open = open[:len(open)-1]
				}
			case string:
				if isKey && open[len(open)-1][v] {
					t.Errorf("words/%s.json has %q twice", language, v)
				}
				if isKey {
					open[len(open)-1][v] = true
				}
				isKey = !isKey
			}
		}
	}
}
