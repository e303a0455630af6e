// The price of a product: the form with which an operator changes it, and what it was.
import { get, newKey, post, query } from "./api.js";
import { date, h, time } from "./dom.js";
import { ask, notify, reportError, withButton } from "./frame.js";
import { amount, minorUnits, monedas } from "./money.js";
import { t } from "./words.js";

const pageSize = 20;

// priceBox returns the content of a section about the price of the product {id_producto, nombre}. It calls onDone after a change.
export function priceBox(product, onDone = () => {}) {
  const path = `/api/productos/${encodeURIComponent(product.id_producto)}`;
  const now = h("p", { class: "price-now", role: "status" }), rows = h("tbody");
  const field = h("input", { id: "price-n", type: "text", inputmode: "decimal", required: true, maxlength: "20", autocomplete: "off" });
  const moneda = h("select", { id: "price-currency" }, ...Object.keys(monedas).sort().map((code) => h("option", { value: code, selected: code === "COP" }, code)));
  const motivo = h("input", { id: "price-why", type: "text", maxlength: "500", autocomplete: "off" });
  const more = h("button", { class: "button", type: "button", hidden: true, onclick: (e) => withButton(e.currentTarget, () => load(true)) }, t("unit.more"));
  let next = "", key = newKey(), present;

  async function load(further = false) {
    const page = await get(`${path}/precios${query({ limite: pageSize, despues: further ? next : "" })}`);
    next = page.siguiente ?? "";
    more.hidden = !next;
    const entries = page.precios.map((p) => h("tr", {}, h("th", { scope: "row" }, time(p.desde, date(p.desde))), h("td", { class: "num" }, amount(p.precio, p.moneda)),
      h("td", { class: "verbatim" }, p.sujeto ?? t("precios.system")), h("td", { class: "verbatim" }, p.motivo ?? "")));
    if (further) {
      rows.append(...entries);
      return;
    }
    [present] = page.precios;
    rows.replaceChildren(...(entries.length ? entries : [h("tr", {}, h("td", { colspan: "4", class: "muted" }, t("precios.none")))]));
    now.textContent = present ? t("precios.now", { precio: amount(present.precio, present.moneda) }) : t("precios.none");
  }

  // check says what is wrong with the price that the person wrote, and returns its minor units.
  function check() {
    const n = minorUnits(field.value, moneda.value);
    field.setCustomValidity(n === null || n < 1 || n > 1e10 ? t("precios.wrong", { digitos: monedas[moneda.value] }) : "");
    return n;
  }
  for (const e of [field, moneda, motivo]) {
    e.addEventListener("input", () => {
      key = newKey();
      check();
    });
  }

  const form = h("form", {
    class: "card price-form", onsubmit: (e) => {
      e.preventDefault();
      const precio = check();
      if (!form.reportValidity()) return;
      withButton(e.submitter, async () => {
        const text = amount(precio, moneda.value);
        const answer = await ask({
          title: t("precios.ask", { producto: product.nombre, precio: text }), text: present ? t("precios.ask-text", { precio: amount(present.precio, present.moneda) }) : t("precios.ask-first"),
          action: t("precios.change"),
        });
        if (!answer) return;
        await post(`${path}/precio`, { precio, moneda: moneda.value, motivo: motivo.value.trim() }, { key });
        key = newKey();
        form.reset();
        notify(t("precios.changed", { producto: product.nombre, precio: text }));
        await load();
        onDone();
      });
    },
  },
  h("h2", {}, t("precios.title")), now,
  h("div", { class: "field" }, h("label", { for: "price-n" }, t("precios.new")), field),
  h("div", { class: "field" }, h("label", { for: "price-currency" }, t("precios.currency")), moneda),
  h("div", { class: "field" }, h("label", { for: "price-why" }, t("precios.why")), motivo),
  h("button", { class: "button primary", type: "submit" }, t("precios.change")));

  load().catch(reportError);
  return [form, h("div", { class: "table-wrap card", tabindex: "0", role: "region", "aria-label": t("precios.history") },
    h("table", { class: "table" }, h("thead", {}, h("tr", {}, ...[t("precios.since"), t("precios.price"), t("precios.who"), t("precios.reason")].map((x, i) => h("th", { scope: "col", class: i === 1 ? "num" : null }, x)))), rows)),
  h("p", { class: "center" }, more)];
}
