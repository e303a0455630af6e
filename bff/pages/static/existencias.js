import { get, newKey, post, productoNames } from "./api.js";
import { byId, h, number } from "./dom.js";
import { begin, every, notify, reportError, withButton } from "./frame.js";
import { t } from "./words.js";

const columns = ["existencias", "reservado", "despachado", "inicial", "repuesto", "diferencia"];
let nameOf;

async function refresh() {
  const accounts = await get("/api/operacion/balance");
  for (const c of accounts) {
    const row = byId(`row-${c.id_producto}`) ?? addRow(c);
    for (const column of columns) setCell(row.querySelector(`[data-column=${column}]`), c[column], column);
  }
  const total = (column) => accounts.reduce((n, c) => n + c[column], 0);
  byId("total").replaceChildren(h("tr", {}, h("th", { scope: "row" }, t("existencias.total")), withForm(columns.map((column) => {
    const cell = h("td", { class: "num" });
    setCell(cell, total(column), column);
    return cell;
  }), "")));
  const unbalanced = accounts.filter((c) => c.diferencia !== 0);
  const badge = h("span", { class: `badge ${unbalanced.length ? "bad" : "good"}` }, unbalanced.length ? t("existencias.unbalanced", { productos: unbalanced.map((c) => nameOf(c.id_producto)).join(", ") }) : t("existencias.balanced"));
  if (byId("balance").textContent !== badge.textContent) byId("balance").replaceChildren(badge);
}

// withForm returns the columns of a product with the form for restocking as the second column, after the stock: a narrow screen shows
// only the first columns.
const withForm = ([existencias, ...rest], form) => [existencias, h("td", {}, form), ...rest];

function setCell(cell, n, column) {
  const text = number(n);
  if (cell.textContent !== text) cell.textContent = text;
  if (column === "diferencia") cell.classList.toggle("bad", n !== 0);
}

function addRow(c) {
  const title = nameOf(c.id_producto);
  const field = h("input", { type: "number", min: "1", max: "1000000", required: true, placeholder: "0", inputmode: "numeric", "aria-label": t("existencias.how-much", { producto: title }) });
  let key = newKey();
  field.addEventListener("input", () => { key = newKey(); });
  const form = h("form", {
    class: "reponer", onsubmit: (e) => {
      e.preventDefault();
      withButton(e.submitter, async () => {
        const p = await post(`/api/productos/${encodeURIComponent(c.id_producto)}/reposicion`, { cantidad: Number(field.value) }, { key });
        notify(t("existencias.now", { producto: p.nombre, n: p.cantidad }));
        field.value = "";
        key = newKey();
        await refresh();
      });
    },
  }, field, h("button", { class: "button small", "aria-label": t("existencias.restock-label", { producto: title }) }, t("existencias.restock")));
  const row = h("tr", { id: `row-${c.id_producto}` }, h("th", { scope: "row" }, title), withForm(columns.map((column) => h("td", { class: "num", "data-column": column })), form));
  byId("rows").append(row);
  return row;
}

async function beginPage() {
  if (!await begin()) return;
  nameOf = await productoNames();
  await every(3000, () => refresh().catch((e) => {
    byId("balance").replaceChildren(h("span", { class: "badge warn" }, t("existencias.no-news"))); // the books on the page may be out of date
    reportError(e);
  }));
}

beginPage().catch(reportError);
