// Functions that make elements, and that write numbers, times, durations and states in the language of the page.

import { byState } from "./saga.js";
import { locale, number, t } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";

// h returns a new HTML element. A function among the attributes becomes an event listener; true becomes an empty attribute;
// false, null and undefined are left out. Text among the children needs no escaping.
export function h(name, attributes = {}, ...children) {
  return build(document.createElement(name), attributes, children);
}

// s returns a new SVG element. It takes the same arguments as h.
export function s(name, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, name), attributes, children);
}

function build(e, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") e.addEventListener(key.slice(2), value);
    else if (value === true) e.setAttribute(key, "");
    else e.setAttribute(key, value);
  }
  e.append(...children.flat().filter((x) => x !== null && x !== undefined && x !== false));
  return e;
}

// replaceIfChanged replaces the children of place, unless place already has equal children. A page that polls must not take the focus
// away, and a screen reader must not read the same text again.
export function replaceIfChanged(place, ...children) {
  if (children.length === place.childNodes.length && children.every((x, i) => x.isEqualNode(place.childNodes[i]))) return;
  const focusable = () => Array.from(place.querySelectorAll("a, button, [tabindex]"));
  const i = focusable().indexOf(document.activeElement);
  place.replaceChildren(...children);
  if (i >= 0) focusable()[i]?.focus({ preventScroll: true });
}

export const byId = (id) => document.getElementById(id);

export { number };
const decimals = new Intl.NumberFormat(locale, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
export const decimal = (n) => decimals.format(n);

const clocks = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const dates = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const instants = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "medium" });
export const clock = (at) => clocks.format(new Date(at));
export const date = (at) => dates.format(new Date(at));
export const instant = (at) => instants.format(new Date(at));

// time returns a <time> element. Its title has the whole date and time.
export function time(at, text = clock(at)) {
  return h("time", { datetime: new Date(at).toISOString(), title: instants.format(new Date(at)) }, text);
}

// durationParts returns the numbers of ms milliseconds with their units, as a person would say them: [["1", "min"], ["30", "s"]].
export function durationParts(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return [["—"]];
  if (ms < 999.5) return [[`${Math.round(ms)}`, "ms"]];
  if (ms < 59950) return [[decimal(ms / 1000), "s"]];
  const seconds = Math.round(ms / 1000);
  if (seconds >= 3600) return [[decimal(seconds / 3600), "h"]];
  const minutes = [[`${Math.floor(seconds / 60)}`, "min"]];
  return seconds % 60 ? [...minutes, [`${seconds % 60}`, "s"]] : minutes;
}

// duration returns ms milliseconds as text: "1 min 30 s".
export const duration = (ms) => durationParts(ms).flat().join(" ");

export const shortId = (id) => id.slice(-8);

// compraName returns the code of a purchase as people say it, ABCD-EFGH, or the end of its id where it has no code.
export const compraName = (c) => (c.codigo ? `${c.codigo.slice(0, 4)}-${c.codigo.slice(4)}` : `…${shortId(c.id)}`);

// estados maps a state to its name for a person and its tone, which is a CSS class.
export const estados = {
  RECIBIDA: [t("estado.RECIBIDA"), "busy"],
  ...byState((step) => [step.name, "busy"]),
  POR_APROBAR: [t("estado.POR_APROBAR"), "warn"],
  CONFIRMADA: [t("estado.CONFIRMADA"), "good"],
  DESPACHADA: [t("estado.DESPACHADA"), "good"],
  COMPENSANDO: [t("estado.COMPENSANDO"), "warn"],
  RECHAZADA: [t("estado.RECHAZADA"), "bad"],
  CANCELADA: [t("estado.CANCELADA"), "calm"],
  FALLIDA: [t("estado.FALLIDA"), "bad"],
};

export const isBusy = (estado) => estados[estado]?.[1] === "busy" || estado === "COMPENSANDO";
export const isCancelable = (estado) => isBusy(estado) && estado !== "COMPENSANDO" || estado === "POR_APROBAR" || estado === "CONFIRMADA";

// badge returns the state's name in its tone.
export function badge(estado) {
  const [name, tone] = estados[estado] ?? [estado, "calm"];
  return h("span", { class: `badge ${tone}${isBusy(estado) ? " live" : ""}` }, name);
}

// fillEstados adds an option for each state to select, and one option for all states.
export function fillEstados(select, chosen = "") {
  select.replaceChildren(h("option", { value: "" }, t("unit.all")),
    ...Object.entries(estados).map(([value, [name]]) => h("option", { value, selected: value === chosen }, name)));
}

// describeLines returns the first line of a purchase and how many more there are: "2 × Arroz y 1 producto más".
export function describeLines(productos, nameOf) {
  const [first, ...rest] = productos;
  if (!first) return t("unit.no-products");
  const line = t("unit.line", { n: first.cantidad, producto: nameOf(first.id_producto) });
  return rest.length ? t("unit.and-more", { line, n: rest.length }) : line;
}

export const units = (productos) => productos.reduce((n, line) => n + line.cantidad, 0);
