import { get, productoNames, query } from "./api.js";
import { badge, byId, date, describeLines, fillEstados, h, replaceIfChanged, time } from "./dom.js";
import { amount } from "./money.js";
import { begin, emptyState, every, reportError, showFailure, withButton } from "./frame.js";
import { mailBox } from "./correo.js";
import { t, tellMotivo } from "./words.js";

const pageSize = 20;
const largestPage = 100; // as many are refreshed, the newest
let next = "";
let who, nameOf;

async function load(fromStart) {
  const estado = byId("estado").value;
  const page = await get(`/api/usuarios/${encodeURIComponent(who.usuario)}/compras` +
    query({ estado, limite: pageSize, despues: fromStart ? "" : next }));
  next = page.siguiente ?? "";
  byId("more").hidden = !next;
  const list = byId("list");
  if (fromStart) list.replaceChildren();
  const added = page.compras.map(entry);
  list.append(...added);
  if (!list.children.length) {
    list.replaceChildren(h("li", {}, estado
      ? emptyState(t("compras.none-so"), t("compras.none-so-text"))
      : emptyState(t("compras.none"), t("compras.none-text"), h("a", { class: "button primary", href: "/" }, t("frame.to-shop")))));
  }
  byId("count").textContent = t("compras.count", { n: list.querySelectorAll(".entry").length });
  if (!fromStart) added[0]?.querySelector("a").focus();
}

// refresh shows the newest purchases as they are now. What has not changed stays, with the focus.
async function refresh() {
  const list = byId("list");
  const shown = list.querySelectorAll(".entry").length;
  const estado = byId("estado").value;
  const page = await get(`/api/usuarios/${encodeURIComponent(who.usuario)}/compras${query({ estado, limite: Math.min(Math.max(shown, pageSize), largestPage) })}`);
  if (estado !== byId("estado").value || shown !== list.querySelectorAll(".entry").length) return; // the person asked for others meanwhile
  const ids = new Set(page.compras.map((c) => c.id));
  if (!page.compras.length) {
    if (shown) await load(true);
    return;
  }
  const older = Array.from(list.querySelectorAll(".entry")).slice(largestPage).filter((e) => !ids.has(e.dataset.id));
  replaceIfChanged(list, ...page.compras.map(entry), ...older.map((e) => e.cloneNode(true)));
  if (older.length) return; // the list goes on after the older ones
  next = page.siguiente ?? "";
  byId("more").hidden = !next;
}

function entry(c) {
  return h("li", { class: "entry", "data-id": c.id },
    h("h2", {}, h("a", { href: `/compras/${c.id}` }, describeLines(c.productos, nameOf))),
    badge(c.estado),
    h("p", { class: "muted" }, time(c.creada_en, date(c.creada_en)), c.domicilio ? t("compras.home") : "", c.total ? ` · ${amount(c.total, c.moneda)}` : ""), c.motivo ? h("p", { class: "muted verbatim" }, tellMotivo(c)) : null);
}

async function beginPage() {
  fillEstados(byId("estado"), new URLSearchParams(location.search).get("estado") ?? "");
  who = await begin();
  if (!who) return;
  nameOf = await productoNames();
  byId("estado").addEventListener("change", () => {
    history.replaceState(null, "", `/compras${query({ estado: byId("estado").value })}`);
    load(true).catch(reportError);
  });
  byId("more").addEventListener("click", (e) => withButton(e.currentTarget, () => load(false)));
  await load(true);
  mailBox(who.usuario).catch(() => {}); // the list is there without it
  setTimeout(() => every(5000, () => refresh().catch(() => {})), 5000); // the page is fresh now; a failure shows at the next act
}

beginPage().catch(showFailure);
