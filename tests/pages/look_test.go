package pages

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	. "entregas/tests/testkit"
)

// axe is axe-core, which finds violations of accessibility: https://github.com/dequelabs/axe-core. Its license is in testdata.
//
//go:embed testdata/axe.min.js
var axe string

// appearance is a screen and a colour scheme.
type appearance struct {
	name, scheme  string
	width, height int64
	mobile        bool
}

var appearances = []appearance{
	{"light", "light", 1280, 900, false},
	{"dark", "dark", 1280, 900, false},
	{"phone", "light", 390, 844, true},
}

// small is the narrowest screen on which every page must fit.
var small = appearance{"small", "light", 320, 640, true}

// look takes a screenshot of the page in each appearance. It fails when the page is wider than the screen, or when axe finds
// violations of accessibility.
func (p *person) look(name string) {
	p.t.Helper()
	p.act(chromedp.Evaluate[chromedp.Void](`scrollTo(0, 0); document.querySelector("#notices")?.replaceChildren()`))
	for _, a := range appearances {
		p.dress(a)
		p.screenshot(name + "-" + a.name)
		if pictured[name+"-"+a.name] {
			p.picture(name)
		}
		p.accessible(name+" in "+a.name, rulesIn(a)...)
		if width := p.read("String(document.documentElement.scrollWidth)"); width != fmt.Sprint(a.width) {
			p.t.Errorf("%s in %s is %s wide, the screen is %d", name, a.name, width, a.width)
		}
	}
	p.dress(small)
	if width := p.read("String(document.documentElement.scrollWidth)"); width != fmt.Sprint(small.width) {
		p.t.Errorf("%s in small is %s wide, the screen is %d", name, width, small.width)
	}
	p.dress(appearances[0])
}

func (p *person) dress(a appearance) {
	p.t.Helper()
	p.act(chromedp.EmulateViewport(a.width, a.height, func(m *emulation.SetDeviceMetricsOverrideParams, _ *emulation.SetTouchEmulationEnabledParams) {
		m.Mobile = a.mobile
	}))
	_, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: a.scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		p.t.Fatal(err)
	}
	p.act(chromedp.Evaluate[chromedp.Void](`new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))`, chromedp.EvalAwaitPromise))
}

// screenshot stores an image of the whole page in .local/screenshots.
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
		p.t.Errorf("screenshot %s: %v", name, err)
	}
}

// pictured are the screenshots that make pictures takes into docs/pictures.
var pictured = map[string]bool{
	"shop-light": true, "compra-total-light": true, "despachos-light": true, "panel-light": true, "auditoria-light": true,
}

// maxPicture is the most bytes of a picture in the documentation.
const maxPicture = 150 << 10

// picture stores what the window shows as a small image in .local/pictures.
func (p *person) picture(name string) {
	p.t.Helper()
	shown, err := chromedp.Call(p.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatWebp, Quality: new(int64(80))})
	dir := filepath.Join(p.s.Env.Root, ".local", "pictures")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil && len(shown.Data) > maxPicture {
		err = fmt.Errorf("it has %d bytes, more than %d", len(shown.Data), maxPicture)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".webp"), shown.Data, 0o644)
	}
	if err != nil {
		p.t.Errorf("picture %s: %v", name, err)
	}
}

// finding is a rule of axe that the page breaks, with the elements that break it.
type finding struct {
	Impact string   `json:"impact"`
	Rule   string   `json:"id"`
	Help   string   `json:"help"`
	Where  []string `json:"where"`
}

// rulesIn returns the rules of axe for an appearance; none stands for all. The dark one differs from the light one by its colours alone.
func rulesIn(a appearance) []string {
	if a.scheme == "dark" {
		return []string{"color-contrast", "link-in-text-block"}
	}
	return nil
}

// accessible fails on findings of the rules that axe calls serious or critical, and logs the others. No rules stands for all.
func (p *person) accessible(name string, rules ...string) {
	p.t.Helper()
	if p.read("typeof window.axe") == "undefined" {
		p.act(chromedp.Evaluate[chromedp.Void](axe))
	}
	ctx, cancel := context.WithTimeout(p.ctx, Deadline)
	defer cancel()
	findings, err := chromedp.Run(ctx, chromedp.Evaluate[[]finding](
		`axe.run(`+onlyRules(rules)+`).then((r) => r.violations.map((v) => ({impact: v.impact, id: v.id, help: v.help, where: v.nodes.map((n) => n.target.join(" "))})))`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range findings {
		if f.Impact == "serious" || f.Impact == "critical" {
			p.t.Errorf("axe, %s: %s, %s: %s (%v)", name, f.Impact, f.Rule, f.Help, f.Where)
		} else {
			p.t.Logf("axe, %s: %s, %s: %s (%v)", name, f.Impact, f.Rule, f.Help, f.Where)
		}
	}
}

// onlyRules returns the options of axe for some of its rules, or for all.
func onlyRules(rules []string) string {
	if len(rules) == 0 {
		return "{}"
	}
	return fmt.Sprintf(`{runOnly: ["%s"]}`, strings.Join(rules, `", "`))
}

// sequenceIsReadable requires that no text of the sequence diagram covers a time at the margin or the bar of an activity, in any
// appearance.
func (p *person) sequenceIsReadable() {
	p.t.Helper()
	for _, a := range appearances {
		p.dress(a)
		covers := p.read(`(() => {
			const boxes = (selector) => Array.from(document.querySelectorAll("#sequence " + selector), (x) => ({text: x.parentNode.textContent, box: x.getBBox()}));
			const touch = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
			const free = [...boxes(".time"), ...boxes(".work")];
			return [...boxes(".label"), ...boxes(".note rect")].filter((o) => free.some((f) => touch(o.box, f.box))).map((o) => o.text).join(", ");
		})()`)
		if covers != "" {
			p.t.Errorf("the sequence diagram in %s: a time or a bar is covered by %s", a.name, covers)
		}
	}
	p.dress(appearances[0])
}
