import { get, query } from "./api.js";
import { byId, h, number } from "./dom.js";
import { begin, every, reportError, withButton } from "./frame.js";
import { importer } from "./import.js";
import { isLow, keys, lowMark, restock } from "./stock.js";
import { t } from "./words.js";

const columns = ["existencias", "umbral", "reservado", "despachado", "inicial", "repuesto", "corregido", "diferencia"];
const summed = columns.filter((column) => column !== "umbral");
const answerSize = 1000; // lines of one answer of the API
const pageSize = 100; // rows that are shown at first, and more at each press

const rows = new Map(); // id to {row, line}
let shown = pageSize, asked = "";

const filters = () => ({ buscar: byId("buscar").value.trim(), bajas: byId("bajas").checked ? "true" : "" });

async function load() {
  const all = [];
  for (let after = ""; ; after = all.at(-1).id_producto) {
    const page = await get(`/api/operacion/balance${query({ ...filters(), despues: after })}`);
    all.push(...page);
    if (page.length < answerSize) return all;
  }
}

async function refresh() {
  const request = query(filters());
  const lines = await load();
  if (request !== query(filters())) return; // the person has asked for something else meanwhile
  if (request !== asked) {
    asked = request;
    shown = pageSize;
    rows.clear();
    byId("rows").replaceChildren();
  }
  draw(lines);
}

function draw(lines) {
  const visible = lines.slice(0, shown);
  const ids = new Set(visible.map((line) => line.id_producto));
  for (const [id, { row }] of rows) {
    if (ids.has(id) || row.contains(document.activeElement)) continue; // a row is not taken away from under the person's hands
    row.remove();
    rows.delete(id);
  }
  for (const line of visible) {
    const known = rows.get(line.id_producto) ?? addRow(line);
    known.line = line;
    for (const column of columns) setCell(known.row.querySelector(`[data-column=${column}]`), line[column], column);
    setMark(known.row.querySelector(".mark"), line);
  }
  byId("more").hidden = lines.length <= shown;
  byId("total").replaceChildren(h("tr", {}, h("th", { scope: "row" }, t("existencias.total")), cells((column) => {
    const cell = h("td", { class: "num" });
    if (summed.includes(column)) setCell(cell, lines.reduce((n, line) => n + line[column], 0), column);
    return cell;
  }, "")));
  const low = lines.filter(isLow).length;
  setText(byId("count"), lines.length ? t("existencias.count", { n: lines.length, low }) : t("existencias.nothing"));
  const unbalanced = lines.filter((line) => line.diferencia !== 0).map((line) => line.nombre);
  const badge = h("span", { class: `badge ${unbalanced.length ? "bad" : "good"}` }, unbalanced.length ? t("existencias.unbalanced", { productos: unbalanced.slice(0, 5).join(", ") }) : t("existencias.balanced"));
  if (byId("balance").textContent !== badge.textContent) byId("balance").replaceChildren(badge);
}

// cells returns the cells of a row, with the form as the second one, after the stock: a narrow screen shows only the first columns.
function cells(cell, form) {
  const [first, ...rest] = columns.map(cell);
  return [first, h("td", {}, form), ...rest];
}

function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

function setCell(cell, n, column) {
  setText(cell, number(n));
  if (column === "diferencia") cell.classList.toggle("bad", n !== 0);
}

function setMark(place, line) {
  const mark = lowMark(line);
  if (place.textContent !== (mark?.textContent ?? "")) place.replaceChildren(...[mark].filter(Boolean));
}

function addRow(line) {
  const own = keys();
  const field = h("input", { type: "number", min: "1", max: "1000000", step: "1", required: true, placeholder: "0", inputmode: "numeric", "aria-label": t("existencias.how-much", { producto: line.nombre }) });
  const known = { line };
  const form = h("form", {
    class: "reponer", onsubmit: (e) => {
      e.preventDefault();
      withButton(e.submitter, async () => {
        if (!await restock(known.line, Number(field.value), own)) return;
        field.value = "";
        await refresh();
      });
    },
  }, field, h("button", { class: "button small", "aria-label": t("existencias.restock-label", { producto: line.nombre }) }, t("existencias.restock")));
  known.row = h("tr", { id: `row-${line.id_producto}` },
    h("th", { scope: "row" }, h("a", { href: `/operador/existencias/${encodeURIComponent(line.id_producto)}` }, line.nombre), " ", h("span", { class: "mark" })),
    cells((column) => h("td", { class: "num", "data-column": column }), form));
  byId("rows").append(known.row);
  rows.set(line.id_producto, known);
  return known;
}

async function beginPage() {
  const q = new URLSearchParams(location.search);
  byId("buscar").value = q.get("buscar") ?? "";
  byId("bajas").checked = q.get("bajas") === "true";
  if (!await begin()) return;
  const look = () => {
    history.replaceState(null, "", `/operador/existencias${query(filters())}`);
    return refresh();
  };
  byId("filters").addEventListener("submit", (e) => {
    e.preventDefault();
    withButton(e.submitter, look);
  });
  byId("bajas").addEventListener("change", () => look().catch(reportError));
  byId("more").addEventListener("click", (e) => withButton(e.currentTarget, async () => {
    const first = shown;
    shown += pageSize;
    await refresh();
    byId("rows").rows[first]?.querySelector("a").focus();
  }));
  importer(refresh);
  await every(5000, () => refresh().catch((e) => {
    byId("balance").replaceChildren(h("span", { class: "badge warn" }, t("existencias.no-news"))); // the books on the page may be out of date
    reportError(e);
  }));
}

beginPage().catch(reportError);
