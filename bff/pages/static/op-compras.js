// The purchases of all customers: search, sort, file. The address has the search, so that it can be shared, and so that the browser's way
// back leads to it.
import { download, get, newKey, post } from "./api.js";
import { badge, byId, compraName, date, duration, estados, h, isBusy, number, replaceIfChanged, time, units } from "./dom.js";
import { ask as confirm, begin, every, notify, reportError, showFailure, withButton } from "./frame.js";
import { amount } from "./money.js";
import { t } from "./words.js";

const pageSize = 50, largestPage = 100;
const names = ["texto", "id_producto", "id_usuario", "domicilio", "desde", "hasta", "orden"]; // the parameters of the address, besides estado
const lists = { // several states with one name
  moving: Object.keys(estados).filter(isBusy),
  attention: ["POR_APROBAR", "FALLIDA"],
  ended: ["DESPACHADA", "RECHAZADA", "CANCELADA"],
};

let next = ""; // the cursor of the next page
let turn = 0; // counts the searches: the answer to an earlier one is ignored
let since; // the last change that the page has seen
let behind = ""; // the cursor of the changes after it that the page had no time for
const shown = new Map(); // the purchases of the table, by id
const fresh = new Set(); // the ids of those that match and are not in the table

// search returns the search in the address.
function search() {
  const address = new URLSearchParams(location.search), q = new URLSearchParams();
  for (const name of names) if (address.get(name)) q.set(name, address.get(name));
  for (const estado of address.getAll("estado")) if (estado) q.append("estado", estado);
  return q;
}

// ask returns a page of the search. more has further parameters, and null for one to leave out.
function ask(more) {
  const q = search();
  for (const [name, value] of Object.entries(more)) {
    q.delete(name);
    if (value !== null && value !== "") q.set(name, value);
  }
  return get(`/api/compras?${q}`);
}

// load shows the search from its beginning, or its next page. It shows at least rows purchases where there are so many.
async function load({ fromStart = true, rows = pageSize } = {}) {
  const mine = fromStart ? ++turn : turn;
  if (fromStart) byId("table").setAttribute("aria-busy", "true");
  const found = [];
  let page, counted, after = fromStart ? "" : next;
  try {
    if (fromStart) since = (await get("/api/compras?orden=-actualizada_en&limite=1")).compras[0]?.actualizada_en ?? new Date(0).toISOString();
    do {
      page = await ask({ limite: Math.min(rows - found.length, largestPage), despues: after, contar: fromStart && !counted });
      if (mine !== turn) return;
      counted ??= page;
      found.push(...page.compras);
      after = page.siguiente ?? "";
    } while (after && found.length < rows);
  } catch (e) {
    if (mine !== turn || e.status !== 400) throw e;
    showNothing(e.message); // a search by hand in the address: the person can correct it in the form
    return;
  }
  next = after;
  byId("more").hidden = !next;
  if (fromStart) {
    shown.clear();
    fresh.clear();
    behind = "";
    byId("rows").replaceChildren();
    showCount(counted);
  }
  const added = found.filter((c) => !shown.has(c.id)).map(add);
  showFresh();
  if (!shown.size) showNothing(t("op-compras.none"));
  byId("table").removeAttribute("aria-busy");
  if (!fromStart) added[0]?.querySelector("a").focus();
}

function add(c) {
  const row = h("tr", { "data-id": c.id }, ...cells(c));
  shown.set(c.id, { compra: c, row });
  fresh.delete(c.id);
  byId("rows").append(row);
  return row;
}

function cells(c) {
  return [
    h("th", { scope: "row" }, h("a", { class: "mono", href: `/operador/compras/${c.id}`, title: c.id }, compraName(c))),
    h("td", {}, badge(c.estado)), h("td", { class: "verbatim" }, c.id_usuario), h("td", { class: "num" }, number(units(c.productos))), h("td", { class: "num" }, c.total ? amount(c.total, c.moneda) : "—"),
    h("td", {}, c.domicilio ? t("unit.home") : t("unit.shop")), h("td", {}, time(c.creada_en, date(c.creada_en))), h("td", {}, time(c.actualizada_en, date(c.actualizada_en))),
    h("td", { class: "num" }, duration(new Date(c.actualizada_en) - new Date(c.creada_en))),
  ];
}

function showNothing(text) {
  byId("rows").replaceChildren(h("tr", {}, h("td", { colspan: "9", class: "muted" }, text)));
  byId("table").removeAttribute("aria-busy");
  byId("more").hidden = true;
  if (text !== t("op-compras.none")) byId("count").textContent = text;
}

function showCount({ cuantas, hay_mas: more }) {
  byId("count").textContent = more ? t("op-compras.count-more", { n: cuantas }) : cuantas ? t("op-compras.count", { n: cuantas }) : t("op-compras.none");
}

// refresh shows what changed since the page last asked. A row changes in its place. What is new waits until the person asks for it: a list
// must not move while it is read.
async function refresh() {
  const mine = turn;
  if (since === undefined) return;
  let after = behind;
  for (let pages = 0; pages < 3; pages++) {
    const page = await ask({ estado: null, cambiada_desde: overlapped(since), orden: "actualizada_en", limite: largestPage, despues: after });
    if (mine !== turn) return;
    for (const c of page.compras) {
      note(c);
      since = c.actualizada_en;
    }
    after = page.siguiente ?? "";
    if (!after) break;
  }
  behind = after;
  showFresh();
}

// overlapped returns the instant two seconds before at: a change may be visible a moment after a later one.
const overlapped = (at) => new Date(Math.max(new Date(at) - 2000, Date.UTC(2000, 0, 2))).toISOString();

function note(c) {
  const old = shown.get(c.id);
  if (old) {
    if (c.actualizada_en <= old.compra.actualizada_en) return;
    old.compra = c;
    cells(c).forEach((cell, i) => i && replaceIfChanged(old.row.cells[i], ...cell.childNodes)); // the link stays, and keeps the focus
    old.row.classList.remove("changed");
    requestAnimationFrame(() => old.row.classList.add("changed"));
    return;
  }
  const chosen = search().getAll("estado");
  if ((!chosen.length || chosen.includes(c.estado)) && isAmongShown(c)) fresh.add(c.id);
  else fresh.delete(c.id);
}

// isAmongShown reports whether the place of c is before the last purchase that is shown. On the last page every place is.
function isAmongShown(c) {
  const last = [...shown.values()].at(-1)?.compra;
  if (!next || !last) return true;
  const orden = search().get("orden") || "-creada_en", field = orden.replace("-", "");
  const [mine, its] = [c, last].map((x) => ({ unidades: units(x.productos), total: x.total ?? 0 })[field] ?? x[field]);
  return orden.startsWith("-") ? mine > its : mine < its;
}

function showFresh() {
  const n = fresh.size, button = byId("fresh");
  if (n) button.textContent = t("op-compras.fresh", { n });
  button.hidden = !n;
}

// fill writes the search of the address into the form and the table's head.
function fill() {
  const q = search();
  for (const field of byId("filters").querySelectorAll("input, select")) if (field.id !== "estado") choose(field, q.get(field.name) ?? "");
  choose(byId("estado"), q.getAll("estado").join());
  const orden = q.get("orden") || "-creada_en";
  for (const head of document.querySelectorAll("th[data-by]")) {
    if (orden.replace("-", "") === head.dataset.by) head.setAttribute("aria-sort", orden.startsWith("-") ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
  byId("erase").hidden = !q.get("id_usuario");
  byId("erased").textContent = "";
  byId("clear").hidden = ![...q.keys()].some((name) => name !== "orden");
}

// choose sets the value of a field. A list gets an entry for a value that it does not have.
function choose(field, value) {
  if (field.tagName === "SELECT" && ![...field.options].some((o) => o.value === value)) field.append(h("option", { value }, value.split(",").map((x) => estados[x]?.[0] ?? x).join(", ")));
  field.value = value;
}

function fillLists(productos) {
  byId("estado").replaceChildren(h("option", { value: "" }, t("unit.all")),
    h("optgroup", { label: t("op-compras.several") }, Object.entries(lists).map(([name, list]) => h("option", { value: list.join() }, t(`op-compras.list-${name}`)))),
    h("optgroup", { label: t("op-compras.one") }, Object.entries(estados).map(([value, [name]]) => h("option", { value }, name))));
  byId("id_producto").append(...productos.map((p) => h("option", { value: p.id }, p.nombre)));
}

// goTo makes q the search of the address, as a step of the browser's history.
function goTo(q) {
  keepPlace();
  history.pushState(null, "", q.size ? `?${q}` : location.pathname);
  fill();
  return load();
}

function submitted() {
  const q = new URLSearchParams();
  for (const [name, value] of new FormData(byId("filters"))) {
    if (name === "estado") for (const estado of value.split(",").filter(Boolean)) q.append(name, estado);
    else if (value.trim()) q.set(name, value.trim());
  }
  const orden = search().get("orden");
  if (orden) q.set("orden", orden);
  return q;
}

function sortBy(field) {
  const q = search();
  q.set("orden", (q.get("orden") || "-creada_en") === `-${field}` ? field : `-${field}`);
  return goTo(q);
}

// keepPlace keeps in the browser's history how much of the list is shown, and where the person was.
function keepPlace() {
  history.replaceState({ rows: shown.size, scroll: scrollY, focus: document.activeElement?.closest("[data-id]")?.dataset.id }, "");
}

// takePlace shows the search of the address, as the person left it.
async function takePlace() {
  const { rows = pageSize, scroll = 0, focus } = history.state ?? {};
  fill();
  await load({ rows: Math.max(rows, pageSize) });
  scrollTo(0, scroll);
  if (focus) shown.get(focus)?.row.querySelector("a").focus({ preventScroll: true });
}

async function saveFile() {
  notify(t("op-compras.preparing"));
  await download(`/api/compras?${search()}`, "compras.csv");
}

// erase erases the personal data of the customer whose purchases the page shows (docs/adr/erased-personal-data.md).
async function erase() {
  const usuario = search().get("id_usuario");
  const answer = await confirm({ title: t("op-compras.erase-title", { usuario }), text: t("op-compras.erase-text"), action: t("op-compras.erase-action"), tone: "danger" });
  if (!answer) return;
  const erased = await post(`/api/usuarios/${encodeURIComponent(usuario)}/borrado`, undefined, { key: newKey() });
  const told = [erased.compras + erased.ordenes ? t("op-compras.erased", { n: number(erased.compras), ordenes: number(erased.ordenes) }) : t("op-compras.erased-none")];
  if (erased.abiertas) told.push(t("op-compras.erased-open", { n: erased.abiertas }));
  if (erased.quedan) told.push(t("op-compras.erased-left", { n: erased.quedan }));
  byId("erased").textContent = told.join(" ");
}

async function beginPage() {
  if (!await begin()) return;
  history.scrollRestoration = "manual";
  fillLists(await get("/api/productos").catch(() => [])); // the search works without the names of the products
  byId("filters").addEventListener("submit", (e) => {
    e.preventDefault();
    withButton(e.submitter, () => goTo(submitted()));
  });
  byId("clear").addEventListener("click", () => {
    byId("texto").focus();
    goTo(new URLSearchParams()).catch(reportError);
  });
  for (const head of document.querySelectorAll("th[data-by]")) head.firstChild.addEventListener("click", () => sortBy(head.dataset.by).catch(reportError));
  byId("more").addEventListener("click", (e) => withButton(e.currentTarget, () => load({ fromStart: false })));
  byId("fresh").addEventListener("click", (e) => withButton(e.currentTarget, async () => {
    await load();
    scrollTo(0, 0);
    byId("rows").querySelector("a")?.focus({ preventScroll: true });
  }));
  byId("download").addEventListener("click", (e) => withButton(e.currentTarget, saveFile));
  byId("erase").addEventListener("click", (e) => withButton(e.currentTarget, erase));
  addEventListener("popstate", () => takePlace().catch(reportError));
  addEventListener("pagehide", keepPlace);
  await takePlace();
  every(3000, () => refresh().catch((e) => {
    if (e.status === 400) since = undefined; // the search itself is wrong, and the page says so
  }));
}

beginPage().catch(showFailure);
