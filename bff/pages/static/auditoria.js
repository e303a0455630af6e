// What persons did: who, what, when and why. The address has the filters, so that it can be shared: /operador/auditoria?id=<purchase> is
// the audit of one purchase.
import { download, get, query } from "./api.js";
import { byId, date, estados, h, shortId, time } from "./dom.js";
import { begin, showFailure, withButton } from "./frame.js";
import { amount } from "./money.js";
import { has, t } from "./words.js";

const pageSize = 50;
let next = "";

// kinds maps each kind of act to its name for a person.
const kinds = {
  aprobacion: t("auditoria.aprobacion"), rechazo: t("auditoria.rechazo"), cancelacion: t("auditoria.cancelacion"), reintento: t("auditoria.reintento"),
  despacho: t("auditoria.despacho"), reposicion: t("auditoria.reposicion"), correccion: t("auditoria.correccion"), precio: t("auditoria.precio"),
  umbral: t("auditoria.umbral"), importacion: t("auditoria.importacion"),
  mensaje_devuelto: t("auditoria.mensaje_devuelto"), mensaje_apartado: t("auditoria.mensaje_apartado"), mensaje_descartado: t("auditoria.mensaje_descartado"),
  borrado: t("auditoria.borrado"), aviso: t("auditoria.aviso"),
};

const filters = () => Object.fromEntries(Array.from(new FormData(byId("filters")), ([k, v]) => [k, v.trim()]));

async function load(fromStart) {
  const page = await get(`/api/auditoria${query({ ...filters(), limite: pageSize, despues: fromStart ? "" : next })}`);
  next = page.siguiente ?? "";
  byId("more").hidden = !next;
  const rows = page.actos.map(row);
  if (fromStart) byId("rows").replaceChildren();
  byId("rows").append(...rows);
  const n = byId("rows").querySelectorAll("[data-id]").length;
  if (!n) byId("rows").replaceChildren(h("tr", {}, h("td", { colspan: "5", class: "muted" }, t("auditoria.none"))));
  byId("count").textContent = !n ? t("auditoria.none") : next ? t("auditoria.count-more", { n }) : t("auditoria.count", { n });
  if (!fromStart) rows[0]?.querySelector("th").focus();
}

function row(a) {
  return h("tr", { "data-id": a.id },
    h("th", { scope: "row", tabindex: "-1" }, time(a.en, date(a.en))),
    h("td", { class: "verbatim" }, a.sujeto || t("auditoria.nobody"), a.rol === "cliente" ? h("span", { class: "muted" }, ` ${t("auditoria.cliente")}`) : null),
    h("td", {}, kinds[a.tipo] ?? a.tipo), h("td", {}, object(a)),
    h("td", { class: "verbatim wraps" }, [a.motivo, detail(a)].filter(Boolean).join("\n")));
}

// detail returns what was done, in the language of the page. The API tells it in Spanish, and an act of before only so.
function detail(a) {
  const key = `acts.${a.texto}`;
  if (!a.texto || !has(key)) return a.detalle;
  return t(`acts.${a.texto}`, Object.fromEntries(a.valores.map((v) => [v.nombre, v.moneda ? amount(v.numero, v.moneda) : v.nombre === "estado" ? estados[v.texto]?.[0] ?? v.texto : v.numero ?? v.texto])));
}

// object returns what the act was about, with a link to its page where there is one.
function object(a) {
  if (a.id_compra) return h("a", { class: "mono", href: `/operador/compras/${encodeURIComponent(a.id_compra)}`, title: a.id_compra }, t("auditoria.compra", { id: shortId(a.id_compra) }));
  return h("span", { class: "mono", title: a.objeto }, a.objeto.length > 24 ? `…${shortId(a.objeto)}` : a.objeto);
}

async function beginPage() {
  const q = new URLSearchParams(location.search);
  byId("tipo").replaceChildren(h("option", { value: "" }, t("auditoria.all")), ...Object.entries(kinds).map(([value, name]) => h("option", { value }, name)));
  for (const field of byId("filters").querySelectorAll("input, select")) field.value = q.get(field.name) ?? "";
  if (!await begin()) return;
  byId("filters").addEventListener("submit", (e) => {
    e.preventDefault();
    history.replaceState(null, "", `/operador/auditoria${query(filters())}`);
    withButton(e.submitter, () => load(true));
  });
  byId("more").addEventListener("click", (e) => withButton(e.currentTarget, () => load(false)));
  byId("download").addEventListener("click", (e) => withButton(e.currentTarget, () => download(`/api/auditoria${query(filters())}`, "auditoria.csv")));
  await load(true);
}

beginPage().catch(showFailure);
