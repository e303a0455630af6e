package paginas

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	. "entregas/tests/prueba"
)

// axe finds what keeps people out: https://github.com/dequelabs/axe-core, licence in testdata.
//
//go:embed testdata/axe.min.js
var axe string

// aspecto is a way in which a page is looked at.
type aspecto struct {
	nombre, esquema string
	ancho, alto     int64
	movil           bool
}

var aspectos = []aspecto{
	{"claro", "light", 1280, 900, false},
	{"oscuro", "dark", 1280, 900, false},
	{"telefono", "light", 390, 844, true},
}

// chico is the narrowest screen on which nothing may stick out.
var chico = aspecto{"chico", "light", 320, 640, true}

// mira takes a picture of the page in every aspect, and has axe look for what keeps people out.
func (p *persona) mira(nombre string) {
	p.t.Helper()
	p.hacer(chromedp.Evaluate[chromedp.Void](`scrollTo(0, 0); document.querySelector("#avisos")?.replaceChildren()`))
	for _, a := range aspectos {
		p.vestir(a)
		p.fotografiar(nombre + "-" + a.nombre)
		p.accesible(nombre + " en " + a.nombre)
		if ancho := p.lee("String(document.documentElement.scrollWidth)"); ancho != fmt.Sprint(a.ancho) {
			p.t.Errorf("%s en %s: mide %s de ancho y la pantalla %d", nombre, a.nombre, ancho, a.ancho)
		}
	}
	p.vestir(chico)
	if ancho := p.lee("String(document.documentElement.scrollWidth)"); ancho != fmt.Sprint(chico.ancho) {
		p.t.Errorf("%s en un teléfono chico: mide %s de ancho y la pantalla %d", nombre, ancho, chico.ancho)
	}
	p.vestir(aspectos[0])
}

func (p *persona) vestir(a aspecto) {
	p.t.Helper()
	p.hacer(chromedp.EmulateViewport(a.ancho, a.alto, func(m *emulation.SetDeviceMetricsOverrideParams, _ *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile = a.movil
	}))
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: a.esquema}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.hacer(chromedp.Evaluate[chromedp.Void](`new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))`, chromedp.EvalAwaitPromise))
}

// fotografiar keeps a picture of the whole page in .local/capturas.
func (p *persona) fotografiar(nombre string) {
	p.t.Helper()
	ctx, soltar := context.WithTimeout(p.ctx, Plazo)
	defer soltar()
	imagen, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	dir := filepath.Join(p.s.Entorno.Raiz, ".local", "capturas")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, nombre+".png"), imagen, 0o644)
	}
	if err != nil {
		p.t.Errorf("captura %s: %v", nombre, err)
	}
}

// hallazgo is a rule of axe that the page breaks.
type hallazgo struct {
	Impacto string   `json:"impact"`
	Regla   string   `json:"id"`
	Ayuda   string   `json:"help"`
	Donde   []string `json:"donde"`
}

// accesible fails on what axe calls serious or critical, and tells the rest.
func (p *persona) accesible(nombre string) {
	p.t.Helper()
	if p.lee("typeof window.axe") == "undefined" {
		p.hacer(chromedp.Evaluate[chromedp.Void](axe))
	}
	ctx, soltar := context.WithTimeout(p.ctx, Plazo)
	defer soltar()
	hallazgos, err := chromedp.Run(ctx, chromedp.Evaluate[[]hallazgo](
		`axe.run().then((r) => r.violations.map((v) => ({impact: v.impact, id: v.id, help: v.help, donde: v.nodes.map((n) => n.target.join(" "))})))`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, h := range hallazgos {
		if h.Impacto == "serious" || h.Impacto == "critical" {
			p.t.Errorf("axe, %s: %s, %s: %s (%v)", nombre, h.Impacto, h.Regla, h.Ayuda, h.Donde)
		} else {
			p.t.Logf("axe, %s: %s, %s: %s (%v)", nombre, h.Impacto, h.Regla, h.Ayuda, h.Donde)
		}
	}
}
