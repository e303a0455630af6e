import { get, productoNames, query } from "./api.js";
import { badge, byId, date, describeLines, fillEstados, h, time } from "./dom.js";
import { begin, emptyState, reportError, showFailure, withButton } from "./frame.js";
import { t } from "./words.js";

const pageSize = 20;
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

function entry(c) {
  return h("li", { class: "entry" },
    h("h2", {}, h("a", { href: `/compras/${c.id}` }, describeLines(c.productos, nameOf))),
    badge(c.estado),
    h("p", { class: "muted" }, time(c.creada_en, date(c.creada_en)), c.domicilio ? t("compras.home") : ""), c.motivo ? h("p", { class: "muted verbatim" }, c.motivo) : null);
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
}

beginPage().catch(showFailure);
