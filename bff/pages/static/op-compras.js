import { get, query } from "./api.js";
import { badge, byId, date, duration, fillEstados, h, number, shortId, time, units } from "./dom.js";
import { begin, showFailure, withButton } from "./frame.js";
import { t } from "./words.js";

const pageSize = 50;
let next = "";

const filters = () => Object.fromEntries(Array.from(new FormData(byId("filters")), ([k, v]) => [k, v.trim()]));

async function load(fromStart) {
  const page = await get(`/api/compras${query({ ...filters(), limite: pageSize, despues: fromStart ? "" : next })}`);
  next = page.siguiente ?? "";
  byId("more").hidden = !next;
  const rows = page.compras.map(row);
  if (fromStart) byId("rows").replaceChildren();
  byId("rows").append(...rows);
  const n = byId("rows").querySelectorAll("[data-id]").length;
  if (!n) byId("rows").replaceChildren(h("tr", {}, h("td", { colspan: "7", class: "muted" }, t("op-compras.none"))));
  byId("count").textContent = !n ? t("op-compras.none") : next ? t("op-compras.count-more", { n }) : t("op-compras.count", { n });
  if (!fromStart) rows[0]?.querySelector("a").focus();
}

function row(c) {
  return h("tr", { "data-id": c.id },
    h("th", { scope: "row" }, h("a", { class: "mono", href: `/operador/compras/${c.id}`, title: c.id }, `…${shortId(c.id)}`)),
    h("td", {}, badge(c.estado)), h("td", { class: "verbatim" }, c.id_usuario), h("td", { class: "num" }, number(units(c.productos))),
    h("td", {}, c.domicilio ? t("unit.home") : t("unit.shop")), h("td", {}, time(c.creada_en, date(c.creada_en))),
    h("td", { class: "num" }, duration(new Date(c.actualizada_en) - new Date(c.creada_en))));
}

async function beginPage() {
  const q = new URLSearchParams(location.search);
  fillEstados(byId("estado"), q.get("estado") ?? "");
  byId("id_usuario").value = q.get("id_usuario") ?? "";
  byId("domicilio").value = q.get("domicilio") ?? "";
  if (!await begin()) return;
  byId("filters").addEventListener("submit", (e) => {
    e.preventDefault();
    history.replaceState(null, "", `/operador/compras${query(filters())}`);
    withButton(e.submitter, () => load(true));
  });
  byId("more").addEventListener("click", (e) => withButton(e.currentTarget, () => load(false)));
  await load(true);
}

beginPage().catch(showFailure);
