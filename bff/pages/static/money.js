// Amounts of money. An amount is a whole number of minor units of its currency, as in the API.
import { h, number } from "./dom.js";
import { locale, t } from "./words.js";

// monedas maps each currency to the number of its decimal digits: the table of package contracts.
export const monedas = JSON.parse(document.getElementById("monedas").textContent);
const formats = new Map();

// amount returns n minor units as text: "$ 32.000" or "USD 2,50". It formats a decimal text, because n / 100 is not exact for large n.
export function amount(n, moneda) {
  const digits = monedas[moneda] ?? 0;
  if (!formats.has(moneda)) {
    formats.set(moneda, new Intl.NumberFormat(locale, {
      style: "currency", currency: moneda, minimumFractionDigits: digits, maximumFractionDigits: digits, trailingZeroDisplay: "stripIfInteger",
    }));
  }
  return formats.get(moneda).format(decimalText(n, digits));
}

// decimalText returns n minor units as a decimal number, with a point: "32000.00".
export function decimalText(n, digits) {
  const text = String(n).padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

// minorUnits returns the minor units of a decimal number that a person wrote, with a point or a comma and without any other separator.
// It returns null for another text, also for one with more digits than the currency has.
export function minorUnits(text, moneda) {
  const digits = monedas[moneda];
  const [, whole, fraction = ""] = /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim()) ?? [];
  if (whole === undefined || fraction.length > digits) return null;
  return Number(whole + fraction.padEnd(digits, "0"));
}

// sumOf returns what lines cost at the prices of priceOf, {precio, moneda} by product: {moneda, total}. It returns null where a line has no
// price, or the lines have two currencies; total is null where it is more than a purchase may cost.
export function sumOf(lineas, priceOf) {
  let total = 0, moneda;
  for (const { id_producto, cantidad } of lineas) {
    const p = priceOf(id_producto);
    if (!p?.precio || moneda && p.moneda !== moneda) return null;
    moneda = p.moneda;
    total += p.precio * cantidad;
    if (!Number.isSafeInteger(total)) return { moneda, total: null };
  }
  return moneda ? { moneda, total } : null;
}

// lines returns the list entries of a purchase: each line with its price where the purchase has one, and its total.
export function lines(c, nameOf) {
  const prices = new Map(c.precios?.map((p) => [p.id_producto, p.precio]));
  const entries = c.productos.map((l) => h("li", {},
    h("span", {}, nameOf(l.id_producto), prices.has(l.id_producto) ? h("small", { class: "muted each" }, t("money.each", { precio: amount(prices.get(l.id_producto), c.moneda) })) : null),
    h("span", { class: "num" }, `× ${number(l.cantidad)}`)));
  if (c.total) entries.push(h("li", { class: "sum" }, h("span", {}, t("money.total")), h("strong", { class: "num", id: "total" }, amount(c.total, c.moneda))));
  return entries;
}
