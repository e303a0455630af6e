package pages

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// LanguageCookie is the cookie with the language that a person chose: the name of a file of words.
const LanguageCookie = "idioma"

// languageTTL is how long a browser keeps the choice of a language.
const languageTTL = 365 * 24 * time.Hour

// Default is the language of a request that asks for none that we have.
const Default = "es"

// Words are the texts of the pages in one language, from words/<language>.json. The file has groups of texts; the key of a text is
// its group, a dot and its name. See docs/adr/words-of-the-pages.md.
type Words struct {
	Language string
	texts    map[string]text
}

// text is a text with its places in braces: "{n} unidades". Where the text depends on a number, it is an object with a text for each
// plural category of the language (one, other, …), and the number is {n}. Scripts choose the category.
type text struct {
	plain  string
	plural map[string]string
}

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, &t.plural)
	}
	return json.Unmarshal(b, &t.plain)
}

// MarshalJSON implements json.Marshaler.
func (t text) MarshalJSON() ([]byte, error) {
	if t.plural != nil {
		return json.Marshal(t.plural)
	}
	return json.Marshal(t.plain)
}

// ReadWords returns the words of all languages, the default language first.
func ReadWords() ([]Words, error) {
	names, err := fs.Glob(files, "words/*.json")
	if err != nil {
		return nil, err
	}
	var all []Words
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		var groups map[string]map[string]text
		if err := json.Unmarshal(b, &groups); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		w := Words{Language: strings.TrimSuffix(path.Base(name), ".json"), texts: map[string]text{}}
		for group, texts := range groups {
			for key, text := range texts {
				w.texts[group+"."+key] = text
			}
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(a, b Words) int {
		switch {
		case a.Language == Default:
			return -1
		case b.Language == Default:
			return 1
		default:
			return strings.Compare(a.Language, b.Language)
		}
	})
	return all, nil
}

// T returns the text with the key. It is the function t of the templates; a key without a text is an error, which a test finds.
func (w Words) T(key string) (string, error) {
	t, found := w.texts[key]
	if !found || t.plural != nil {
		return "", fmt.Errorf("words/%s.json has no plain text %s", w.Language, key)
	}
	return t.plain, nil
}

// or returns the text with the key, or otherwise where there is none. The default language has the texts of the table of steps in
// the table itself.
func (w Words) or(key, otherwise string) string {
	if t, found := w.texts[key]; found {
		return t.plain
	}
	return otherwise
}

// Keys returns the keys of all texts, sorted.
func (w Words) Keys() []string { return slices.Sorted(maps.Keys(w.texts)) }

// A key in a script is a whole string, or the beginning of a template: "shop.title", `estado.${...}`.
var (
	wholeKey     = regexp.MustCompile(`"([a-z][a-z-]*\.[\w.-]+)"`)
	beginningKey = regexp.MustCompile("`([a-z][a-z-]*\\.[\\w.-]*)\\$\\{")
)

// usedIn returns the texts whose keys the script has.
func (w Words) usedIn(script string) map[string]text {
	used := map[string]text{}
	for _, m := range wholeKey.FindAllStringSubmatch(script, -1) {
		if t, found := w.texts[m[1]]; found {
			used[m[1]] = t
		}
	}
	for _, m := range beginningKey.FindAllStringSubmatch(script, -1) {
		for key, t := range w.texts {
			if strings.HasPrefix(key, m[1]) {
				used[key] = t
			}
		}
	}
	return used
}

// chooser chooses the language of a request.
type chooser struct {
	names   []string // the default first
	matcher language.Matcher
}

func newChooser(all []Words) chooser {
	c := chooser{}
	var tags []language.Tag
	for _, w := range all {
		c.names = append(c.names, w.Language)
		tags = append(tags, language.Make(w.Language))
	}
	c.matcher = language.NewMatcher(tags)
	return c
}

// of returns the language of r: that of its cookie, else the best for its Accept-Language, else the default.
func (c chooser) of(r *http.Request) string {
	if cookie, err := r.Cookie(LanguageCookie); err == nil && slices.Contains(c.names, cookie.Value) {
		return cookie.Value
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		return Default
	}
	_, i, _ := c.matcher.Match(wanted...)
	return c.names[i]
}

// choose keeps the language ?a= in a cookie and leads back to the page that has the link. Without such a page it leads to the shop.
func (c chooser) choose(w http.ResponseWriter, r *http.Request) {
	chosen := r.URL.Query().Get("a")
	if slices.Contains(c.names, chosen) {
		http.SetCookie(w, &http.Cookie{Name: LanguageCookie, Value: chosen, Path: "/", MaxAge: int(languageTTL.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode}) // #nosec G124 -- no secret; the loopback has no TLS
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, pathOfReferer(r), http.StatusSeeOther) // #nosec G710 -- a path of this server only
}

// pathOfReferer returns the path and query of the page of this server that has the link of r, else "/".
func pathOfReferer(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) || u.Path == languagePath {
		return "/"
	}
	return u.RequestURI()
}

const languagePath = "/idioma"
