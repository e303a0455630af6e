package pages

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	. "entregas/tests/testkit"
)

// axe finds what keeps people out: https://github.com/dequelabs/axe-core, licence in testdata.
//
//go:embed testdata/axe.min.js
var axe string

// appearance is a way in which a page is looked at.
type appearance struct {
	name, schema  string
	width, height int64
	mobile        bool
}

var appearances = []appearance{
	{"claro", "light", 1280, 900, false},
	{"oscuro", "dark", 1280, 900, false},
	{"telefono", "light", 390, 844, true},
}

// small is the narrowest screen on which nothing may stick out.
var small = appearance{"chico", "light", 320, 640, true}

// look takes a picture of the page in every aspect, and has axe look for what keeps people out.
func (p *person) look(name string) {
	p.t.Helper()
	p.act(chromedp.Evaluate[chromedp.Void](`scrollTo(0, 0); document.querySelector("#avisos")?.replaceChildren()`))
	for _, a := range appearances {
		p.dress(a)
		p.screenshot(name + "-" + a.name)
		p.accessible(name + " en " + a.name)
		if width := p.read("String(document.documentElement.scrollWidth)"); width != fmt.Sprint(a.width) {
			p.t.Errorf("%s en %s: mide %s de ancho y la pantalla %d", name, a.name, width, a.width)
		}
	}
	p.dress(small)
	if width := p.read("String(document.documentElement.scrollWidth)"); width != fmt.Sprint(small.width) {
		p.t.Errorf("%s en un teléfono chico: mide %s de ancho y la pantalla %d", name, width, small.width)
	}
	p.dress(appearances[0])
}

func (p *person) dress(a appearance) {
	p.t.Helper()
	p.act(chromedp.EmulateViewport(a.width, a.height, func(m *emulation.SetDeviceMetricsOverrideParams, _ *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile = a.mobile
	}))
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: a.schema}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.act(chromedp.Evaluate[chromedp.Void](`new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))`, chromedp.EvalAwaitPromise))
}

// screenshot keeps a picture of the whole page in .local/screenshots.
func (p *person) screenshot(name string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, Deadline)
	defer cancel()
	image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	dir := filepath.Join(p.s.Env.Root, ".local", "screenshots")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), image, 0o644)
	}
	if err != nil {
		p.t.Errorf("captura %s: %v", name, err)
	}
}

// finding is a rule of axe that the page breaks.
type finding struct {
	Impact string   `json:"impact"`
	Rule   string   `json:"id"`
	Help   string   `json:"help"`
	Where  []string `json:"donde"`
}

// accessible fails on what axe calls serious or critical, and tells the rest.
func (p *person) accessible(name string) {
	p.t.Helper()
	if p.read("typeof window.axe") == "undefined" {
		p.act(chromedp.Evaluate[chromedp.Void](axe))
	}
	ctx, cancel := context.WithTimeout(p.ctx, Deadline)
	defer cancel()
	findings, err := chromedp.Run(ctx, chromedp.Evaluate[[]finding](
		`axe.run().then((r) => r.violations.map((v) => ({impact: v.impact, id: v.id, help: v.help, donde: v.nodes.map((n) => n.target.join(" "))})))`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, h := range findings {
		if h.Impact == "serious" || h.Impact == "critical" {
			p.t.Errorf("axe, %s: %s, %s: %s (%v)", name, h.Impact, h.Rule, h.Help, h.Where)
		} else {
			p.t.Logf("axe, %s: %s, %s: %s (%v)", name, h.Impact, h.Rule, h.Help, h.Where)
		}
	}
}
