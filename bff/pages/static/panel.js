import { listEntry } from "./actions.js";
import { get, productoNames } from "./api.js";
import { draw } from "./chart.js";
import { byId, clock, decimal, duration, durationParts, estados, h, isBusy, number, replaceIfChanged, s } from "./dom.js";
import { begin, every, reportError } from "./frame.js";
import { locale, t } from "./words.js";

const minutes = 15;
const isDeadLetters = (tema) => tema.endsWith("-dlq");
const hundredths = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
let nameOf, latestQueues;

async function refreshSummary() {
  const [summary, queues] = await Promise.allSettled([get("/api/operacion/resumen"), get(`/api/operacion/colas?minutos=${minutes}`)]);
  byId("freshness").textContent = summary.status === "fulfilled"
    ? t("panel.at", { clock: clock(Date.now()) })
    : t("panel.no-news", { problem: summary.reason.message });
  const deadLetters = queues.status === "fulfilled" ? queues.value.ahora.filter((q) => isDeadLetters(q.tema)).reduce((n, q) => n + q.pendientes, 0) : null;
  if (summary.status === "fulfilled") {
    showFigures(summary.value, deadLetters);
    showEstados(summary.value.estados);
  }
  if (queues.status === "fulfilled") {
    latestQueues = queues.value;
    showQueues(latestQueues);
  }
}

function showFigures(r, deadLetters) {
  const busy = Object.entries(r.estados).reduce((n, [estado, compras]) => n + (isBusy(estado) ? compras : 0), 0);
  const period = t("panel.period", { period: duration(r.ventana_s * 1000) });
  replaceIfChanged(byId("figures"),
    figure(t("panel.busy"), number(busy), t("panel.to-approve", { n: r.estados.POR_APROBAR ?? 0 })),
    figure(t("panel.rate"), r.por_segundo < 1 ? hundredths.format(r.por_segundo) : decimal(r.por_segundo), period),
    figure(t("panel.p50"), withUnit(r.p50_ms), t("panel.p50-text")),
    figure(t("panel.p95"), withUnit(r.p95_ms), t("panel.p95-text")),
    figure(t("panel.p99"), withUnit(r.p99_ms), t("panel.p99-text")),
    figure(t("panel.dead-letters"), deadLetters === null ? "—" : number(deadLetters), h("a", { href: "/operador/mensajes-muertos" }, t("panel.dead-letters-see")), deadLetters ? "bad" : ""));
}

function withUnit(ms) {
  const [n, ...rest] = durationParts(ms).flat();
  return rest.length ? h("span", {}, n, h("small", {}, ` ${rest.join(" ")}`)) : n;
}

const figure = (term, value, note, tone = "") => h("div", { class: `figure ${tone}` }, h("dt", {}, term), h("dd", {}, value), h("dd", { class: "note" }, note));

function showEstados(counts) {
  const highest = Math.max(1, ...Object.values(counts));
  replaceIfChanged(byId("estados"), ...Object.entries(estados).map(([estado, [name, tone]]) => {
    const n = counts[estado] ?? 0;
    return h("li", { class: tone }, h("a", { href: `/operador/compras?estado=${estado}` }, name), h("strong", {}, number(n)),
      s("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" }, s("rect", { width: n ? Math.max(1, 100 * n / highest) : 0, height: 6 })));
  }));
}

function showQueues({ muestras, ahora }) {
  const temas = [...new Set([...ahora.map((q) => q.tema), ...muestras.flatMap((m) => Object.keys(m.pendientes))])].filter((tema) => !isDeadLetters(tema)).sort();
  draw(byId("chart"), muestras, temas, minutes);
  const rows = ahora.filter((q) => !isDeadLetters(q.tema)).sort((a, b) => a.tema.localeCompare(b.tema));
  replaceIfChanged(byId("queue-table"), h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": t("panel.queues-now") }, h("table", { class: "table" },
    h("thead", {}, h("tr", {}, [t("panel.topic"), t("panel.reader")].map((x) => h("th", { scope: "col" }, x)), [t("panel.pending"), t("panel.replicas")].map((x) => h("th", { scope: "col", class: "num" }, x)))),
    h("tbody", {}, rows.map((q) => h("tr", {}, h("th", { scope: "row" }, q.tema), h("td", {}, q.suscripcion), h("td", { class: "num" }, number(q.pendientes)), h("td", { class: "num" }, number(q.replicas))))))));
}

// refreshWaiting shows the purchases that wait for an operator. It draws the list again only when a purchase was added or removed: a
// button must not move while a person presses it.
async function refreshWaiting() {
  const pages = await Promise.all(["POR_APROBAR", "FALLIDA"].map((estado) => get(`/api/compras?estado=${estado}&limite=10`)));
  const compras = pages.flatMap((p) => p.compras);
  const shown = compras.map((c) => c.id + c.estado).join();
  const list = byId("waiting");
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.replaceChildren(...compras.map((c) => listEntry(c, nameOf, refreshWaiting)));
  if (!compras.length) showInstead(t("panel.nobody"));
}

// showInstead shows a text in place of the purchases that wait.
function showInstead(text) {
  byId("waiting").dataset.shown = text; // so the next answer differs from the shown content and is drawn
  byId("waiting").replaceChildren(h("li", { class: "muted" }, text));
}

async function beginPage() {
  if (!await begin()) return;
  addEventListener("resize", () => latestQueues && showQueues(latestQueues)); // the chart is drawn for the width of its place
  nameOf = await productoNames();
  every(2000, () => refreshSummary().catch(reportError));
  every(3000, () => refreshWaiting().catch((e) => {
    if (!byId("waiting").querySelector(".entry")) showInstead(e.message);
  }));
}

beginPage().catch(reportError);
