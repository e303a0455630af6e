// What the pages of the stock share: the low mark, and the restock with its question.
import { newKey, post } from "./api.js";
import { h } from "./dom.js";
import { ask, notify } from "./frame.js";
import { t } from "./words.js";

export const productPath = (id) => `/api/productos/${encodeURIComponent(id)}`;

export const isLow = (line) => line.existencias <= line.umbral;

// lowMark returns the mark of a product whose stock is low, or null.
export function lowMark(line) {
  if (!isLow(line)) return null;
  return line.existencias === 0 ? h("span", { class: "badge bad" }, t("stock.none")) : h("span", { class: "badge warn" }, t("stock.low"));
}

// keys returns the Idempotency-Keys of a form. of returns the same key while the request is the same, so that another
// try does nothing twice. done forgets the key.
export function keys() {
  let last = "", key = "";
  return {
    of(request) {
      if (request !== last) [last, key] = [request, newKey()];
      return key;
    },
    done() { last = ""; },
  };
}

// restock asks, adds n units of the product of line to the shelf, and resolves to true; or to false when the person goes back.
export async function restock(line, n, own) {
  const answer = await ask({
    title: t("stock.ask-restock", { n, producto: line.nombre }), text: t("stock.ask-restock-text", { n: line.existencias + n }), action: t("stock.restock"), ready: true,
  });
  if (!answer) return false;
  const p = await post(`${productPath(line.id_producto)}/reposicion`, { cantidad: n }, { key: own.of(`${line.id_producto} ${n}`) });
  own.done();
  notify(t("stock.now", { producto: p.nombre, n: p.cantidad }));
  return true;
}
