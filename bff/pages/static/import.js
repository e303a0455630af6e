// The import of stock by a CSV file: first a trial that shows what each line would do, then the import.
import { post } from "./api.js";
import { byId, h, number } from "./dom.js";
import { ask, notify, withButton } from "./frame.js";
import { keys } from "./stock.js";
import { t } from "./words.js";

const path = "/api/productos/importacion";
const maxBytes = 1_000_000; // the API takes a little more, with the rest of the request
const shown = 500; // lines of the trial that are shown

// read resolves to the text of a file. A spreadsheet may write it in the character set of Windows.
async function read(file) {
  const bytes = await file.arrayBuffer();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}

// importer makes the form of the page work. onDone runs after an import.
export function importer(onDone) {
  const own = keys();
  const show = (...children) => byId("import-result").replaceChildren(...children);

  const carryOut = async (csv, trial) => {
    const answer = await ask({ title: t("import.ask", { n: trial.lineas }), text: t("import.ask-text"), action: t("import.do") });
    if (!answer) return;
    const done = await post(path, { csv }, { key: own.of(csv) });
    own.done();
    byId("import-form").reset();
    show(h("p", {}, t("import.done", { n: done.lineas })));
    notify(t("import.done", { n: done.lineas }));
    await onDone();
  };

  const attempt = async (action) => {
    try {
      await action();
    } catch (e) {
      if (!e.errores?.length) throw e;
      show(refusals(e.errores));
    }
  };

  byId("file").addEventListener("change", () => show());
  byId("import-form").addEventListener("submit", (e) => {
    e.preventDefault();
    withButton(e.submitter, () => attempt(async () => {
      const [file] = byId("file").files;
      if (file.size > maxBytes) {
        show(h("p", { class: "callout bad" }, t("import.too-large")));
        return;
      }
      const csv = await read(file);
      const trial = await post(path, { csv, ensayo: true });
      show(h("p", {}, t("import.trial", { n: trial.lineas, units: trial.unidades, created: trial.nuevos, thresholds: trial.umbrales })), preview(trial.efectos),
        trial.lineas > shown ? h("p", { class: "muted" }, t("import.not-shown", { n: trial.lineas - shown })) : "",
        h("button", { class: "button primary", type: "button", id: "import-do", onclick: (e) => withButton(e.currentTarget, () => attempt(() => carryOut(csv, trial))) }, t("import.do")));
    }));
  });
}

// preview returns a table with what each line would do.
function preview(effects) {
  const change = (before, after) => before === after ? number(after) : t("import.change", { before, after });
  return h("div", { class: "table-wrap preview", tabindex: "0", role: "region", "aria-label": t("import.preview") },
    h("table", { class: "table" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "num" }, t("import.line")), h("th", { scope: "col" }, t("import.product")), h("th", { scope: "col", class: "num" }, t("import.comes-in")),
        h("th", { scope: "col", class: "num" }, t("import.stock")), h("th", { scope: "col", class: "num" }, t("import.threshold")))),
      h("tbody", {}, effects.slice(0, shown).map((f) => h("tr", {},
        h("td", { class: "num" }, number(f.linea)), h("th", { scope: "row" }, f.id_producto, f.nuevo ? [" ", h("span", { class: "badge busy" }, t("import.new")), " ", h("span", { class: "name" }, f.nombre)] : null),
        h("td", { class: "num" }, number(f.cantidad)), h("td", { class: "num" }, change(f.existencias, f.quedan)), h("td", { class: "num" }, change(f.umbral_antes, f.umbral)))))));
}

// refusals returns what is wrong with a file, line by line. The API names a field linea[7].cantidad.
function refusals(list) {
  const where = (field) => {
    const [, line, column] = field.match(/^linea\[(\d+)\]\.?(.*)$/) ?? [];
    if (!line) return "";
    return column ? t("import.at-column", { line, column }) : t("import.at", { line });
  };
  return h("div", { class: "callout bad" }, h("h2", {}, t("import.refused")), h("ul", {}, list.map((e) => h("li", {}, where(e.campo), e.detalle))));
}
