import { listEntry } from "./actions.js";
import { get, productoNames } from "./api.js";
import { draw } from "./chart.js";
import { byId, clock, duration, durationParts, estados, h, isBusy, number, replaceIfChanged, s } from "./dom.js";
import { begin, every, reportError } from "./frame.js";
import { locale, t } from "./words.js";

const minutes = 15;
const isDeadLetters = (tema) => tema.endsWith("-dlq");
const percents = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 });
const askEvery = { 900: 2000, 3600: 5000, 86400: 15000 }; // milliseconds between two summaries, by their seconds: a long one costs more and changes less
const resting = ["CONFIRMADA", "DESPACHADA", "RECHAZADA", "CANCELADA"];
let nameOf, latestQueues, deadLetters = null, seconds = 900, askedAt = 0;

async function refreshSummary() {
  if (Date.now() - askedAt < askEvery[seconds] - 500) return;
  askedAt = Date.now();
  const asked = seconds;
  try {
    const summary = await get(`/api/operacion/resumen?segundos=${asked}`);
    if (asked !== seconds) return; // the person chose another period meanwhile
    byId("freshness").textContent = t("panel.at", { clock: clock(Date.now()) });
    showFigures(summary);
    showEstados(summary.estados);
  } catch (e) {
    byId("freshness").textContent = t("panel.no-news", { problem: e.message });
  }
}

async function refreshQueues() {
  try {
    latestQueues = await get(`/api/operacion/colas?minutos=${minutes}`);
    deadLetters = latestQueues.ahora.filter((q) => isDeadLetters(q.tema)).reduce((n, q) => n + q.pendientes, 0);
    showQueues(latestQueues);
  } catch {
    deadLetters = null; // the figure says that nobody knows
  }
}

function chooseRange(chosen) {
  seconds = chosen;
  askedAt = 0;
  for (const button of byId("ranges").children) button.setAttribute("aria-pressed", String(Number(button.dataset.seconds) === seconds));
  history.replaceState(null, "", seconds === 900 ? location.pathname : `?segundos=${seconds}`);
}

function showFigures(r) {
  const busy = Object.entries(r.estados).reduce((n, [estado, compras]) => n + (isBusy(estado) ? compras : 0), 0);
  const ended = r.confirmadas + r.rechazadas + r.canceladas + r.fallidas;
  const share = (n) => ended ? percents.format(n / ended) : "—";
  replaceIfChanged(byId("figures"),
    figure(t("panel.busy"), number(busy), t("panel.to-approve", { n: r.estados.POR_APROBAR ?? 0 })),
    figure(t("panel.confirmed"), number(r.confirmadas), t("panel.received", { n: r.recibidas })),
    figure(t("panel.until-confirmed"), withUnit(r.p90_ms), r.p90_ms === null ? t("panel.none-confirmed") : t("panel.nine-of-ten", { p50: duration(r.p50_ms), p99: duration(r.p99_ms) })),
    figure(t("panel.failed"), share(r.fallidas), t("panel.of-ended", { n: r.fallidas, total: ended }), r.fallidas ? "bad" : ""),
    figure(t("panel.undone"), share(r.deshechas), t("panel.of-ended", { n: r.deshechas, total: ended })),
    figure(t("panel.dead-letters"), deadLetters === null ? "—" : number(deadLetters), h("a", { href: "/operador/mensajes-muertos" }, t("panel.dead-letters-see")), deadLetters ? "bad" : ""));
}

function withUnit(ms) {
  const [n, ...rest] = durationParts(ms).flat();
  return rest.length ? h("span", {}, n, h("small", {}, ` ${rest.join(" ")}`)) : n;
}

const figure = (term, value, note, tone = "") => h("div", { class: `figure ${tone}` }, h("dt", {}, term), h("dd", {}, value), h("dd", { class: "note" }, note));

// showEstados draws the states in two groups. Each has its own scale: the many purchases at rest must not hide the few that move.
function showEstados(counts) {
  const all = Object.keys(estados);
  drawBars(byId("estados"), counts, all.filter((estado) => !resting.includes(estado)));
  drawBars(byId("resting"), counts, resting);
}

function drawBars(place, counts, list) {
  const highest = Math.max(1, ...list.map((estado) => counts[estado] ?? 0));
  replaceIfChanged(place, ...list.map((estado) => {
    const n = counts[estado] ?? 0, [name, tone] = estados[estado];
    return h("li", { class: tone }, h("a", { href: `/operador/compras?estado=${estado}` }, name), h("strong", {}, number(n)),
      s("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" }, s("rect", { width: n ? Math.max(1, 100 * n / highest) : 0, height: 6 })));
  }));
}

const healthTones = { listo: "good", "no-listo": "warn", "sin-respuesta": "bad" };

async function refreshHealth() {
  const { servicios, trazas, tableros } = await get("/api/operacion/salud");
  replaceIfChanged(byId("health"), ...servicios.map((x) => h("li", { "data-estado": x.estado },
    h("span", { class: `badge ${healthTones[x.estado] ?? "calm"}` }, t(`panel.health-${x.estado}`)), h("strong", {}, x.servicio),
    x.detalle ? h("span", { class: "mono minor muted verbatim" }, x.detalle) : null)));
  const tools = [[trazas, t("panel.traces")], [tableros, t("panel.dashboards")]].filter(([address]) => address);
  byId("tools").hidden = !tools.length;
  replaceIfChanged(byId("tools"), ...tools.map(([address, name]) => h("a", { href: address, rel: "noreferrer" }, name)));
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
  const given = Number(new URLSearchParams(location.search).get("segundos"));
  chooseRange(given in askEvery ? given : 900);
  for (const button of byId("ranges").children) {
    button.addEventListener("click", () => {
      chooseRange(Number(button.dataset.seconds));
      refreshSummary();
    });
  }
  nameOf = await productoNames();
  every(2000, refreshQueues);
  every(1000, refreshSummary);
  every(10000, () => refreshHealth().catch((e) => {
    if (e.status !== 401) replaceIfChanged(byId("health"), h("li", { class: "muted" }, e.message));
  }));
  every(3000, () => refreshWaiting().catch((e) => {
    if (!byId("waiting").querySelector(".entry")) showInstead(e.message);
  }));
}

beginPage().catch(reportError);
