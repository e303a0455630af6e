// What a warehouse prints about a choice of orders: the list of what to fetch, and a label for each parcel. print.css lays them out.
import { h, number, units } from "./dom.js";
import { amount } from "./money.js";
import { locale, t } from "./words.js";

const labelLines = 8; // a label has room for these

const now = () => new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(new Date());

// where returns the lines that say where an order goes.
function where(o, shops) {
  if (o.direccion) return [o.direccion.destinatario, o.direccion.calle, o.direccion.ciudad, o.direccion.telefono];
  if (o.domicilio) return [o.id_usuario, t("paper.no-address")];
  const shop = shops.get(o.tienda);
  return shop ? [o.id_usuario, shop.nombre, shop.direccion, shop.ciudad] : [o.id_usuario, o.tienda || t("paper.no-shop")];
}

const whereTo = (o, shops) => h("address", {}, where(o, shops).map((x, i) => h("div", { class: i ? "verbatim" : "verbatim recipient" }, x)));
const kind = (o) => o.domicilio ? t("unit.home") : t("unit.shop");

// sum returns the quantity of each product over the orders, the largest first: [id, quantity, number of orders].
export function sum(orders) {
  const by = new Map();
  for (const o of orders) {
    for (const l of o.productos) {
      const [n, k] = by.get(l.id_producto) ?? [0, 0];
      by.set(l.id_producto, [n + l.cantidad, k + 1]);
    }
  }
  return Array.from(by, ([id, [n, k]]) => [id, n, k]).sort((x, y) => y[1] - x[1]);
}

// worth returns what orders cost, as text: a sum for each currency, and how many orders have no price where others have one. The sums are
// BigInts, because many totals together may be more than a number can hold. It returns "" where no order has a price.
export function worth(orders) {
  const by = new Map();
  for (const o of orders) if (o.total) by.set(o.moneda, (by.get(o.moneda) ?? 0n) + BigInt(o.total));
  const without = orders.filter((o) => !o.total).length;
  if (!by.size) return "";
  return [...Array.from(by, ([moneda, total]) => amount(total, moneda)), without ? t("paper.without-price", { n: without }) : ""].filter(Boolean).join(" + ");
}

// pickingList returns the elements of the list: first the sum per product, then each order.
export function pickingList(orders, { nameOf, shops, orderName }) {
  const check = () => h("td", { class: "tick", "aria-hidden": "true" });
  const products = sum(orders), value = worth(orders);
  return [
    h("h1", {}, t("paper.picking")),
    h("p", {}, t("paper.picking-text", { n: orders.length, units: number(products.reduce((n, p) => n + p[1], 0)), when: now() })),
    value ? h("p", { class: "worth" }, t("paper.worth", { total: value })) : null,
    h("table", {}, h("thead", {}, h("tr", {}, h("th", {}), h("th", { scope: "col" }, t("paper.product")), h("th", { scope: "col", class: "num" }, t("paper.units")), h("th", { scope: "col", class: "num" }, t("paper.orders")))),
      h("tbody", {}, products.map(([id, n, k]) => h("tr", { "data-product": id }, check(), h("th", { scope: "row" }, nameOf(id)), h("td", { class: "num" }, number(n)), h("td", { class: "num" }, number(k)))))),
    h("h2", {}, t("paper.by-order")),
    ...orders.map((o) => h("section", { class: "order" },
      h("h3", {}, h("span", { class: "mono" }, orderName(o)), ` · ${kind(o)}`), whereTo(o, shops),
      h("table", {}, h("tbody", {}, o.productos.map((l) => h("tr", {}, check(), h("th", { scope: "row" }, nameOf(l.id_producto)), h("td", { class: "num" }, number(l.cantidad))))),
        o.total ? h("tfoot", {}, h("tr", {}, h("td", {}), h("th", { scope: "row" }, t("money.total")), h("td", { class: "num worth" }, amount(o.total, o.moneda)))) : null))),
  ].filter(Boolean);
}

// labels returns a label for each order.
export function labels(orders, { nameOf, shops, orderName }) {
  return orders.map((o) => {
    const rest = o.productos.slice(labelLines);
    return h("section", { class: "label" },
      h("h2", {}, h("span", { class: "mono" }, orderName(o)), h("span", { class: "kind" }, kind(o))),
      whereTo(o, shops),
      h("ul", {}, o.productos.slice(0, labelLines).map((l) => h("li", {}, t("unit.line", { n: l.cantidad, producto: nameOf(l.id_producto) }))),
        rest.length ? h("li", {}, t("paper.more-lines", { n: rest.length, units: units(rest) })) : null),
      o.total ? h("p", { class: "worth" }, t("paper.worth", { total: amount(o.total, o.moneda) })) : null);
  });
}
