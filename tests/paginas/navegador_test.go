// Package paginas drives the pages in a real headless Chromium, as the people do who use them, against a running system.
package paginas

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

	. "entregas/tests/prueba"
)

// elNavegador is one for all tests; each person has a profile of their own in it.
var elNavegador struct {
	sync.Once
	ctx   context.Context
	error error
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "paginas")
	if err != nil {
		panic(err)
	}
	parar := prepararNavegador(dir)
	codigo := m.Run()
	parar()
	for range 50 { // its processes write a little longer than it lives
		if os.RemoveAll(dir) == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	os.Exit(codigo)
}

func prepararNavegador(dir string) (parar func()) {
	ruta := ""
	for _, nombre := range []string{os.Getenv("CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		var err error
		if ruta, err = exec.LookPath(nombre); err == nil {
			break
		}
	}
	if ruta == "" {
		elNavegador.error = errors.New("sin Chromium no se prueban las páginas. Instálelo con: apt-get install -y chromium")
		return func() {}
	}
	opciones := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(ruta), chromedp.UserDataDir(dir),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", "es"))
	ctx, soltarPrograma := chromedp.NewExecAllocator(context.Background(), opciones...)
	ctx, soltar := chromedp.NewContext(ctx)
	elNavegador.ctx = ctx
	return func() { soltar(); soltarPrograma() }
}

// persona is somebody at a browser of their own.
type persona struct {
	t       *testing.T
	s       *Sistema
	ctx     context.Context
	mu      sync.Mutex
	errores []string // exceptions, and what the pages' own policy stopped
}

// nuevaPersona opens a browser at which nobody is signed in.
func nuevaPersona(t *testing.T, s *Sistema) *persona {
	t.Helper()
	if elNavegador.error != nil {
		t.Skip(elNavegador.error)
	}
	elNavegador.Do(func() { elNavegador.error = chromedp.Do(elNavegador.ctx) })
	if elNavegador.error != nil {
		t.Fatal(elNavegador.error)
	}
	return abrirPestana(elNavegador.ctx, t, s, chromedp.WithNewBrowserContext())
}

// otraPestana is the same person at another tab of the same browser.
func (p *persona) otraPestana() *persona { return abrirPestana(p.ctx, p.t, p.s) }

func abrirPestana(navegador context.Context, t *testing.T, s *Sistema, opciones ...chromedp.ContextOption) *persona {
	t.Helper()
	ctx, soltar := chromedp.NewContext(navegador, opciones...)
	t.Cleanup(soltar)
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the first context that it is given
		t.Fatal(err)
	}
	p := &persona{t: t, s: s, ctx: ctx}
	consola := chromedp.Console(ctx)
	go func() {
		for m, err := range consola {
			if err != nil {
				return
			}
			if m.IsException() || m.Source == "security" || m.Type == chromedp.ConsoleError && m.Source == "" {
				p.mu.Lock()
				p.errores = append(p.errores, m.String())
				p.mu.Unlock()
			}
		}
	}()
	p.vestir(aspectos[0])
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.errores) > 0 {
			t.Errorf("la consola dice:\n%s", strings.Join(p.errores, "\n"))
		}
		if t.Failed() {
			p.fotografiar("fallo-" + strings.NewReplacer("/", "-", " ", "-").Replace(t.Name()))
		}
	})
	return p
}

// entra opens a browser and signs in: through the form of the development issuer, and back to the page.
func entra(t *testing.T, s *Sistema, usuario, rol, volver string) *persona {
	t.Helper()
	p := nuevaPersona(t, s)
	p.va("/entrar?volver=" + url.QueryEscape(volver))
	p.escribe("input[name=usuario]", usuario)
	p.elige("rol", rol)
	p.presiona("form button")
	p.espera("que vuelva a "+volver, fmt.Sprintf(`location.pathname + location.search === %q && document.querySelector("#quien .nombre")?.textContent.endsWith(%q)`, volver, usuario))
	return p
}

func (p *persona) hacer(pasos ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, soltar := context.WithTimeout(p.ctx, Plazo)
	defer soltar()
	if err := chromedp.Do(ctx, pasos...); err != nil {
		p.t.Fatal(err)
	}
}

func (p *persona) va(ruta string) {
	p.t.Helper()
	p.hacer(chromedp.Navigate(p.s.Entorno.BFF + ruta))
}

// presiona clicks on what the CSS selector names, once it is there and can be pressed.
func (p *persona) presiona(selector string) {
	p.t.Helper()
	p.espera("poder presionar "+selector, fmt.Sprintf(`(e => e && !e.disabled && e.checkVisibility())(document.querySelector(%q))`, selector))
	p.hacer(chromedp.ScrollIntoView(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// escribe types into a field, in place of what it had.
func (p *persona) escribe(selector, texto string) {
	p.t.Helper()
	p.espera("que esté "+selector, fmt.Sprintf(`document.querySelector(%q)`, selector))
	p.hacer(chromedp.Focus(chromedp.CSS(selector)), chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).select()`, selector)), chromedp.SendKeys(chromedp.CSS(selector), texto))
}

// teclea presses keys where the focus is.
func (p *persona) teclea(teclas string) {
	p.t.Helper()
	p.hacer(chromedp.KeyEvent(teclas))
}

// elige takes one of a field's values, whether it is a list or a choice of buttons.
func (p *persona) elige(campo, valor string) {
	p.t.Helper()
	p.hacer(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
		const lista = document.querySelector("select[name=%[1]s], select#%[1]s");
		if (lista) { lista.value = %[2]q; lista.dispatchEvent(new Event("change", {bubbles: true})); }
		else document.querySelector('input[name=%[1]s][value=%[2]s]').click();
	}`, campo, valor)))
}

// espera waits until the JavaScript expression is true, over any number of pages.
func (p *persona) espera(que, expresion string) {
	p.t.Helper()
	limite, ultimo := time.Now().Add(Plazo), error(nil)
	for time.Now().Before(limite) {
		cierto, err := chromedp.Run(p.ctx, chromedp.Evaluate[bool]("!!("+expresion+")"))
		if cierto {
			return
		}
		ultimo = err
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("en %s no llegó: %s (último error: %v); en %s dice:\n%s", Plazo, que, ultimo, p.lee("location.href"), p.lee("document.querySelector('main')?.innerText.slice(0, 1500) ?? ''"))
}

// ve waits until the page's main part has this text.
func (p *persona) ve(texto string) {
	p.t.Helper()
	p.espera("ver "+texto, fmt.Sprintf(`document.querySelector("main").innerText.includes(%q)`, texto))
}

// noVe waits until what the selector names is gone.
func (p *persona) noVe(selector string) {
	p.t.Helper()
	p.espera("que no esté "+selector, fmt.Sprintf(`!document.querySelector(%q)`, selector))
}

func (p *persona) lee(expresion string) string {
	p.t.Helper()
	texto, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](expresion))
	if err != nil {
		p.t.Errorf("%s: %v", expresion, err)
	}
	return texto
}
