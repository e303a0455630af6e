package pages

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	. "entregas/tests/testkit"
)

// A phone on a network of the third generation: 300 ms to the server and back, 1.6 Mbit/s.
const (
	latency    = 300.0   // ms
	throughput = 200_000 // bytes a second
)

const (
	usableIn = 3 * time.Second // how long such a phone may take until a page can be used, with an empty cache
	maxShift = 0.1             // cumulative layout shift that is still called good (https://web.dev/articles/cls)
	maxDocs  = 300_000         // bytes that /docs may weigh on the wire
	attempts = 3               // the machine of the tests may be busy: the best of these counts
)

// ready is a JavaScript expression: the person is known, and the first data of the interface are there.
const ready = `document.querySelector("#who a, #who .name") && performance.getEntriesByType("resource").some((r) => new URL(r.name).pathname.startsWith("/api/") && r.responseEnd > 0)`

// cls is a JavaScript expression: the cumulative layout shift of the page, as text.
const cls = `(() => {
	let shift = 0;
	const o = new PerformanceObserver(() => {});
	o.observe({ type: "layout-shift", buffered: true });
	for (const e of o.takeRecords()) if (!e.hadRecentInput) shift += e.value;
	o.disconnect();
	return shift.toFixed(3);
})()`

// weight is a JavaScript expression: the bytes that the page and its files took on the wire, as text.
const weight = `String(performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource")).reduce((n, r) => n + r.transferSize, 0))`

// slowly throttles the network of the page, and empties its cache.
func (p *person) slowly() {
	p.t.Helper()
	_, err := chromedp.Call(p.ctx, network.Enable, network.EnableParams{})
	if err == nil {
		_, err = chromedp.Call(p.ctx, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
	}
	if err == nil {
		_, err = chromedp.Call(p.ctx, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: []*network.Conditions{
			{Latency: latency, DownloadThroughput: throughput, UploadThroughput: throughput / 2},
		}})
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Each page can be used within 3 s on a slow phone, moves little while it loads, and is light.
func TestPagesAreLight(t *testing.T) { pagesAreLight(t, Open(t)) }

func pagesAreLight(t *testing.T, s *System) {
	t.Helper()
	c := signIn(t, s, Usuario(t), "cliente", "/")
	id := c.buys("1", 1)
	c.waitFor("its page", `document.querySelector("#compra[data-estado]")`)
	o := signIn(t, s, Usuario(t)+"-o", "operador", "/operador")
	paths := strings.Fields(o.read(`Array.from(document.querySelectorAll(".nav a"), (a) => a.getAttribute("href")).join(" ")`))
	for p, paths := range map[*person][]string{c: {"/", "/compras", "/compras/" + id}, o: append(paths, "/operador/compras/"+id)} {
		p.slowly()
		for _, path := range paths {
			best, shift := time.Duration(0), 0.0
			for range attempts {
				p.goesTo(path)
				p.waitFor("the data of "+path, ready)
				took := time.Duration(must(strconv.ParseFloat(p.read("String(performance.now())"), 64)) * float64(time.Millisecond))
				if best == 0 || took < best {
					best = took
				}
				time.Sleep(time.Second) // what comes later may shift the page too
				shift = max(shift, must(strconv.ParseFloat(p.read(cls), 64)))
				if best <= usableIn {
					break
				}
			}
			t.Logf("%-40s usable after %4.1f s, %6s bytes, layout shift %.3f", strings.Replace(path, id, "{id}", 1), best.Seconds(), p.read(weight), shift)
			if best > usableIn {
				t.Errorf("%s can be used after %s only", path, best)
			}
			if shift > maxShift {
				t.Errorf("%s shifts by %.3f", path, shift)
			}
		}
	}
	for _, path := range []string{"/docs", "/graphiql"} {
		o.goesTo(path)
		o.waitFor("the page", `document.querySelector("rapi-doc")?.shadowRoot?.textContent.includes("List the products") || document.querySelector(".graphiql-execute-button")`)
		bytes := must(strconv.Atoi(o.read(weight)))
		t.Logf("%-40s %d bytes", path, bytes)
		if path == "/docs" && bytes > maxDocs {
			t.Errorf("/docs weighs %d bytes", bytes)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
