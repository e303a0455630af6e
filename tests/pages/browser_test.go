// Package pages uses the pages of a running system in a headless Chromium, as customers and operators do.
package pages

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	. "entregas/tests/testkit"
)

// theBrowser is the browser of all tests. Each person has a separate profile in it.
var theBrowser struct {
	sync.Once
	ctx   context.Context
	error error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "pages")
	if err != nil {
		panic(err)
	}
	stop := setUpBrowser(dir)
	code := m.Run()
	stop()
	for range 50 { // the child processes of the browser still write for a moment after the browser has ended
		if os.RemoveAll(dir) == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	os.Exit(code)
}

func setUpBrowser(dir string) (stop func()) {
	path := ""
	for _, name := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		var err error
		if path, err = exec.LookPath(name); err == nil {
			break
		}
	}
	if path == "" {
		theBrowser.error = errors.New("the pages need Chromium: apt-get install -y chromium")
		return func() {}
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.UserDataDir(dir),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "es"), chromedp.Flag("accept-lang", "es"))
	ctx, cancelProgram := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(ctx)
	theBrowser.ctx = ctx
	return func() { cancel(); cancelProgram() }
}

// person is a customer or an operator with a browser.
type person struct {
	t    *testing.T
	s    *System
	ctx  context.Context
	mu   sync.Mutex
	errs []string // exceptions, and violations of the Content-Security-Policy
}

// newPerson opens a browser without a session.
func newPerson(t *testing.T, s *System) *person {
	t.Helper()
	if theBrowser.error != nil {
		t.Skip(theBrowser.error)
	}
	theBrowser.Do(func() { theBrowser.error = chromedp.Do(theBrowser.ctx) })
	if theBrowser.error != nil {
		t.Fatal(theBrowser.error)
	}
	return openTab(theBrowser.ctx, t, s, chromedp.WithNewBrowserContext())
}

// otherTab opens another tab in the same browser.
func (p *person) otherTab() *person { return openTab(p.ctx, p.t, p.s) }

func openTab(browser context.Context, t *testing.T, s *System, options ...chromedp.ContextOption) *person {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, options...)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // the tab closes when the first context that it gets ends
		t.Fatal(err)
	}
	p := &person{t: t, s: s, ctx: ctx}
	console := chromedp.Console(ctx)
	go func() {
		for m, err := range console {
			if err != nil {
				return
			}
			if m.IsException() || m.Source == "security" || m.Type == chromedp.ConsoleError && m.Source == "" {
				p.mu.Lock()
				p.errs = append(p.errs, m.String())
				p.mu.Unlock()
			}
		}
	}()
	p.dress(appearances[0])
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.errs) > 0 {
			t.Errorf("the console says:\n%s", strings.Join(p.errs, "\n"))
		}
		if t.Failed() {
			p.screenshot("failed-" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()))
		}
	})
	return p
}

// signIn opens a browser and signs in through the form of the development issuer. The form leads back to returnTo.
func signIn(t *testing.T, s *System, usuario, role, returnTo string) *person {
	t.Helper()
	p := newPerson(t, s)
	p.goesTo("/entrar?volver=" + url.QueryEscape(returnTo))
	p.writes("input[name=usuario]", usuario)
	p.selects("rol", role)
	p.presses("form button")
	p.waitFor("the return to "+returnTo, fmt.Sprintf(`location.pathname + location.search === %q && document.querySelector("#who .name")?.textContent.endsWith(%q)`, returnTo, usuario))
	return p
}

func (p *person) act(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Deadline)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *person) goesTo(path string) {
	p.t.Helper()
	p.act(chromedp.Navigate(p.s.Env.BFF + path))
}

// presses clicks on the element of the CSS selector, once it is visible and enabled.
func (p *person) presses(selector string) {
	p.t.Helper()
	p.waitFor("being able to press "+selector, fmt.Sprintf(`(e => e && !e.disabled && e.checkVisibility())(document.querySelector(%q))`, selector))
	p.act(chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// writes replaces the text of a field.
func (p *person) writes(selector, text string) {
	p.t.Helper()
	p.waitFor("the field "+selector, fmt.Sprintf(`document.querySelector(%q)`, selector))
	p.act(chromedp.Focus(chromedp.CSS(selector)), chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).select()`, selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

// types presses keys; the focused element gets them.
func (p *person) types(keys string) {
	p.t.Helper()
	p.act(chromedp.KeyEvent(keys))
}

// selects chooses a value of a list or of radio buttons.
func (p *person) selects(field, value string) {
	p.t.Helper()
	p.act(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
		const list = document.querySelector("select[name=%[1]s], select#%[1]s");
		if (list) { list.value = %[2]q; list.dispatchEvent(new Event("change", {bubbles: true})); }
		else document.querySelector('input[name=%[1]s][value=%[2]s]').click();
	}`, field, value)))
}

// waitFor waits until the JavaScript expression is true. The page may change meanwhile.
func (p *person) waitFor(what, expression string) {
	p.t.Helper()
	limit, last := time.Now().Add(Deadline), error(nil)
	for time.Now().Before(limit) {
		isTrue, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if isTrue {
			return
		}
		last = err
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("%s passed without %s (last error: %v); %s says:\n%s", Deadline, what, last, p.read("location.href"), p.read("document.querySelector('main')?.innerText.slice(0, 1500) ?? ''"))
}

// sees waits until the main part of the page has the text.
func (p *person) sees(text string) {
	p.t.Helper()
	p.waitFor("the text "+text, fmt.Sprintf(`document.querySelector("main").innerText.includes(%q)`, text))
}

// doesNotSee waits until no element matches the CSS selector.
func (p *person) doesNotSee(selector string) {
	p.t.Helper()
	p.waitFor("the end of "+selector, fmt.Sprintf(`!document.querySelector(%q)`, selector))
}

func (p *person) read(expression string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		p.t.Errorf("%s: %v", expression, err)
	}
	return text
}
