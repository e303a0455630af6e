// One product of the stock: its books, its ledger, and what an operator changes in them.
import { get, post, query } from "./api.js";
import { byId, date, h, number, shortId, time } from "./dom.js";
import { ask, begin, every, notify, reportError, showFailure, withButton } from "./frame.js";
import { priceBox } from "./precios.js";
import { keys, lowMark, productPath, restock } from "./stock.js";
import { t } from "./words.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const pageSize = 50;
const kinds = ["INICIAL", "REPOSICION", "CORRECCION", "RESERVA", "LIBERACION", "DESPACHO"];
let line, next = "", newest = 0;

const kindName = (tipo) => t(`movimiento.${tipo}`);

async function load({ more = false } = {}) {
  const page = await get(`${productPath(id)}/movimientos${query({ tipo: byId("tipo").value, limite: pageSize, despues: more ? next : "" })}`);
  line = page.producto;
  drawBooks();
  if (!more) byId("rows").replaceChildren();
  const rows = page.movimientos.map(row);
  byId("rows").append(...rows);
  if (!byId("rows").children.length) byId("rows").append(h("tr", {}, h("td", { colspan: "6", class: "muted" }, t("existencia.no-movements"))));
  if (!more) newest = page.movimientos[0]?.numero ?? 0;
  next = page.siguiente ?? "";
  byId("more").hidden = !next;
  if (more) rows[0]?.querySelector("th").scrollIntoView({ block: "nearest" });
}

// look brings what is new to the top. It does not move what the person reads below.
async function look() {
  const page = await get(`${productPath(id)}/movimientos${query({ tipo: byId("tipo").value, limite: pageSize })}`);
  line = page.producto;
  drawBooks();
  const fresh = page.movimientos.filter((m) => m.numero > newest);
  if (!fresh.length) return;
  if (fresh.length === page.movimientos.length) { // more than one page is new: what is shown would have a gap
    await load();
    return;
  }
  newest = fresh[0].numero;
  byId("rows").prepend(...fresh.map(row));
}

function drawBooks() {
  if (byId("name").textContent !== line.nombre) byId("name").textContent = line.nombre;
  byId("id").textContent = line.id_producto;
  document.title = `${line.nombre} · Entregas de los Alpes`;
  const marks = [lowMark(line), line.diferencia ? h("span", { class: "badge bad" }, t("existencia.unbalanced", { n: line.diferencia })) : h("span", { class: "badge good" }, t("existencia.balanced"))].filter(Boolean);
  if (byId("marks").textContent !== marks.map((m) => m.textContent).join("")) byId("marks").replaceChildren(...marks);
  const figure = (name, n) => h("div", { class: "figure" }, h("dt", {}, name), h("dd", {}, number(n)));
  byId("figures").replaceChildren(figure(t("existencia.shelf"), line.existencias), figure(t("existencia.reserved"), line.reservado), figure(t("existencia.dispatched"), line.despachado),
    figure(t("existencia.came-in"), line.inicial + line.repuesto + line.corregido));
  if (document.activeElement !== byId("threshold-n")) byId("threshold-n").value = line.umbral;
}

function row(m) {
  return h("tr", { "data-numero": m.numero, "data-tipo": m.tipo },
    h("th", { scope: "row" }, time(m.en, date(m.en))), h("td", {}, kindName(m.tipo)),
    h("td", { class: m.cantidad < 0 ? "num out" : "num" }, m.cantidad > 0 ? `+${number(m.cantidad)}` : number(m.cantidad)), h("td", { class: "num" }, number(m.existencias)),
    h("td", { class: "verbatim" }, m.sujeto || t("existencia.system")),
    h("td", { class: "why" }, m.motivo ? h("span", { class: "verbatim" }, m.motivo) : null, m.id_compra ? h("a", { href: `/operador/compras/${m.id_compra}`, title: m.id_compra }, t("existencia.compra", { id: shortId(m.id_compra) })) : null));
}

// onSubmit runs the action for the form, and reads the product again when the action did something.
function onSubmit(form, action) {
  byId(form).addEventListener("submit", (e) => {
    e.preventDefault();
    withButton(e.submitter, async () => {
      if (await action() === false) return;
      await look();
    });
  });
}

function forms() {
  const restocks = keys(), corrections = keys();
  onSubmit("restock", async () => {
    if (!await restock(line, byId("restock-n").valueAsNumber, restocks)) return false;
    byId("restock").reset();
    return true;
  });
  onSubmit("correct", async () => {
    const cantidad = byId("correct-n").valueAsNumber, motivo = byId("correct-why").value.trim();
    const answer = await ask({
      title: t("existencia.ask-correct", { n: cantidad > 0 ? `+${number(cantidad)}` : number(cantidad), producto: line.nombre }),
      text: t("existencia.ask-correct-text", { n: line.existencias + cantidad }), action: t("existencia.correct"), tone: cantidad < 0 ? "danger" : "primary",
    });
    if (!answer) return false;
    const p = await post(`${productPath(id)}/correccion`, { cantidad, motivo }, { key: corrections.of(`${cantidad} ${motivo}`) });
    corrections.done();
    byId("correct").reset();
    notify(t("stock.now", { producto: p.nombre, n: p.cantidad }));
    return true;
  });
  onSubmit("threshold", async () => {
    const changed = await post(`${productPath(id)}/umbral`, { umbral: byId("threshold-n").valueAsNumber });
    notify(t("existencia.threshold-now", { n: changed.umbral }));
  });
}

async function beginPage() {
  if (!await begin()) return;
  byId("tipo").replaceChildren(h("option", { value: "" }, t("existencia.all-kinds")), ...kinds.map((tipo) => h("option", { value: tipo }, kindName(tipo))));
  byId("tipo").addEventListener("change", () => load().catch(reportError));
  byId("more").addEventListener("click", (e) => withButton(e.currentTarget, () => load({ more: true })));
  forms();
  await load();
  byId("prices").append(...priceBox(line));
  byId("prices").hidden = false;
  every(5000, () => look().catch(reportError));
}

beginPage().catch(showFailure);
