import { get, productoNames } from "./api.js";
import { actions } from "./actions.js";
import { badge, byId, compraName, date, estados, h, time } from "./dom.js";
import { tiendas, whereTo } from "./delivery.js";
import { follow } from "./follow.js";
import { begin, emptyState, focusOn, reportError, showFailure } from "./frame.js";
import { lines } from "./money.js";
import { draw, narrow } from "./sequence.js";
import { drawSteps, reasonBox } from "./timeline.js";
import { t } from "./words.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const path = `/api/compras/${encodeURIComponent(id)}`;
let nameOf, shops, direccion, ownerText, latest, retry, shownNumero = -1, shownEstado, traceAddress;

const lastNumero = (c) => c.historia.at(-1)?.numero ?? 0;

// show draws the purchase. A response of refresh may be older than a change that came by the stream meanwhile: show ignores it.
async function show(c) {
  if (lastNumero(c) < shownNumero) return;
  shownNumero = lastNumero(c);
  direccion = c.direccion ?? direccion; // only the answer to a read has it
  byId("compra").hidden = false;
  byId("compra").dataset.estado = c.estado;
  byId("title").replaceChildren(t("op-compra.compra"), " ", h("span", { class: "mono" }, compraName(c)));
  if (shownEstado !== c.estado) {
    shownEstado = c.estado;
    byId("estado").replaceChildren(badge(c.estado));
    document.title = `${estados[c.estado]?.[0] ?? c.estado} · ${compraName(c)} · Entregas de los Alpes`;
    const hadFocus = byId("actions").contains(document.activeElement);
    byId("actions").replaceChildren(...actions(c, refresh));
    if (hadFocus) focusOn(null); // the page gets the focus, not the next button: a second Enter would press it
  }
  ownerText = c.domicilio ? t("op-compra.owner-home", { usuario: c.id_usuario }) : t("op-compra.owner-shop", { usuario: c.id_usuario });
  byId("summary").textContent = ownerText;
  const reason = reasonBox(c, nameOf);
  byId("reason").replaceChildren(...(reason ? [reason] : []));
  drawSteps(byId("timeline"), c, { customer: false });
  byId("lines").replaceChildren(...lines(c, nameOf));
  const fact = (term, value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));
  byId("facts").replaceChildren(fact(t("op-compra.usuario"), h("a", { href: `/operador/compras?id_usuario=${encodeURIComponent(c.id_usuario)}`, class: "verbatim" }, c.id_usuario)),
    fact(t("compra.delivery"), whereTo(c, direccion, shops)),
    fact(t("op-compra.created"), time(c.creada_en, date(c.creada_en))), fact(t("op-compra.changed"), time(c.actualizada_en, date(c.actualizada_en))),
    fact(t("op-compra.audit"), h("a", { href: `/operador/auditoria?id=${encodeURIComponent(c.id)}` }, t("op-compra.audit-link"))),
    fact(t("op-compra.compra"), h("span", { class: "mono" }, c.id)), c.id_orden ? fact(t("op-compra.order"), h("span", { class: "mono" }, c.id_orden)) : "",
    c.traza ? fact(t("op-compra.trace"), traceLink(c.traza)) : "");
  await showSaga(c);
}

// traceLink shows the id of a trace, as a link where a tool for traces is set.
const traceLink = (traza) => (traceAddress
  ? h("a", { class: "mono", href: traceAddress.replace("{traza}", traza), rel: "noreferrer" }, traza) : h("span", { class: "mono" }, traza));

// showSaga reads the messages of the purchase from gestor-compra and draws them. While gestor-compra does not answer, the page shows
// everything else, and showSaga asks again.
async function showSaga(c) {
  clearTimeout(retry);
  try {
    const [{ mensajes }, orden] = await Promise.all([get(`${path}/mensajes`), c.estado === "DESPACHADA" && c.id_orden ? get(`/api/ordenes/${encodeURIComponent(c.id_orden)}`).catch(() => null) : null]);
    if (lastNumero(c) < shownNumero) return;
    latest = { c, mensajes, orden };
    drawSaga();
  } catch (e) {
    if (e.status === undefined || e.status === 401) throw e;
    if (!latest) byId("sequence").replaceChildren(h("p", { class: "muted", role: "status" }, t("op-compra.asked-again", { problem: e.message })));
    retry = setTimeout(() => showSaga(c).catch(reportError), 5000);
  }
}

function drawSaga() {
  byId("saga-table").replaceChildren(draw(byId("sequence"), latest.c, latest.mensajes, latest.orden));
}

async function refresh() {
  const c = await get(path);
  await show(c);
  return c;
}

async function beginPage() {
  if (!await begin()) return;
  [nameOf, shops, { traza: traceAddress } = {}] = await Promise.all([productoNames(), tiendas(), get("/api/operacion/salud").catch(() => undefined)]);
  let first;
  try {
    first = await refresh();
  } catch (e) {
    if (![400, 404, 422].includes(e.status)) throw e;
    document.title = `${t("op-compra.unknown")} · Entregas de los Alpes`;
    byId("content").replaceChildren(emptyState(t("op-compra.unknown"), e.message, h("a", { class: "button", href: "/operador/compras" }, t("op-compra.see-all")), "h1"));
    return;
  }
  follow(first, (c) => {
    if (lastNumero(c) > shownNumero) show(c).catch(reportError);
  }, (lost) => {
    byId("summary").textContent = lost ? t("frame.connection-lost") : ownerText;
  });
  matchMedia(narrow).addEventListener("change", () => latest && drawSaga());
}

beginPage().catch(showFailure);
