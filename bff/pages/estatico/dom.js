// Making elements, and saying things in Spanish.

import { byState } from "./saga.js";

const SVG = "http://www.w3.org/2000/svg";

// h makes an element: attributes (a property where it is a function or boolean), then children; text needs no escaping.
export function h(nombre, atributos = {}, ...hijos) {
  return armar(document.createElement(nombre), atributos, hijos);
}

// s is h for SVG.
export function s(nombre, atributos = {}, ...hijos) {
  return armar(document.createElementNS(SVG, nombre), atributos, hijos);
}

function armar(e, atributos, hijos) {
  for (const [clave, valor] of Object.entries(atributos)) {
    if (valor === undefined || valor === null || valor === false) continue;
    if (typeof valor === "function") e.addEventListener(clave.slice(2), valor);
    else if (valor === true) e.setAttribute(clave, "");
    else e.setAttribute(clave, valor);
  }
  e.append(...hijos.flat().filter((x) => x !== null && x !== undefined && x !== false));
  return e;
}

// renovar puts hijos in place of what is in sitio, where that is not the same already: what is asked for every other second
// must not take away the focus, nor be read out again.
export function renovar(sitio, ...hijos) {
  if (hijos.length === sitio.childNodes.length && hijos.every((x, i) => x.isEqualNode(sitio.childNodes[i]))) return;
  const enfocables = () => Array.from(sitio.querySelectorAll("a, button, [tabindex]"));
  const i = enfocables().indexOf(document.activeElement);
  sitio.replaceChildren(...hijos);
  if (i >= 0) enfocables()[i]?.focus({ preventScroll: true });
}

export const porId = (id) => document.getElementById(id);

const enteros = new Intl.NumberFormat("es-CO");
const decimales = new Intl.NumberFormat("es-CO", { maximumFractionDigits: 1, minimumFractionDigits: 1 });
export const numero = (n) => enteros.format(n);
export const decimal = (n) => decimales.format(n);
export const cuantas = (n, una, varias) => `${numero(n)} ${n === 1 ? una : varias}`;

const horas = new Intl.DateTimeFormat("es-CO", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const fechas = new Intl.DateTimeFormat("es-CO", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const completas = new Intl.DateTimeFormat("es-CO", { dateStyle: "long", timeStyle: "medium" });
export const hora = (t) => horas.format(new Date(t));
export const fecha = (t) => fechas.format(new Date(t));

// tiempo is a <time> that tells the instant in full to who asks.
export function tiempo(t, texto = hora(t)) {
  return h("time", { datetime: new Date(t).toISOString(), title: completas.format(new Date(t)) }, texto);
}

// durationParts returns the numbers of ms milliseconds with their units, as a person would say them: [["1", "min"], ["30", "s"]].
export function durationParts(ms) {
  if (ms === null || ms === undefined || Number.isNaN(ms)) return [["—"]];
  if (ms < 999.5) return [[`${Math.round(ms)}`, "ms"]];
  if (ms < 59950) return [[decimal(ms / 1000), "s"]];
  const segundos = Math.round(ms / 1000);
  if (segundos >= 3600) return [[decimal(segundos / 3600), "h"]];
  const minutos = [[`${Math.floor(segundos / 60)}`, "min"]];
  return segundos % 60 ? [...minutos, [`${segundos % 60}`, "s"]] : minutos;
}

// duracion says milliseconds as a person would.
export const duracion = (ms) => durationParts(ms).flat().join(" ");

export const corto = (id) => id.slice(-8);

// estados: the name of each for a person, and its tone.
export const estados = {
  RECIBIDA: ["Recibida", "marcha"],
  ...byState((paso) => [paso.name, "marcha"]),
  POR_APROBAR: ["Por aprobar", "ojo"],
  CONFIRMADA: ["Confirmada", "bien"],
  DESPACHADA: ["Despachada", "bien"],
  COMPENSANDO: ["Deshaciéndose", "ojo"],
  RECHAZADA: ["Rechazada", "mal"],
  CANCELADA: ["Cancelada", "calma"],
  FALLIDA: ["Fallida", "mal"],
};

export const enMarcha = (e) => estados[e]?.[1] === "marcha" || e === "COMPENSANDO";
export const cancelable = (e) => enMarcha(e) && e !== "COMPENSANDO" || e === "POR_APROBAR" || e === "CONFIRMADA";

// sello is a state as a badge.
export function sello(estado) {
  const [nombre, tono] = estados[estado] ?? [estado, "calma"];
  return h("span", { class: `sello ${tono}${enMarcha(estado) ? " vivo" : ""}` }, nombre);
}

// opcionesDeEstado fills a select with the states.
export function opcionesDeEstado(select, elegido = "") {
  select.replaceChildren(h("option", { value: "" }, "Todas"),
    ...Object.entries(estados).map(([valor, [nombre]]) => h("option", { value: valor, selected: valor === elegido }, nombre)));
}

// resumenDeLineas tells what a purchase is of: its first product and how many more there are.
export function resumenDeLineas(productos, nombre) {
  const [primera, ...resto] = productos;
  if (!primera) return "Sin productos";
  return `${numero(primera.cantidad)} × ${nombre(primera.id_producto)}` + (resto.length ? ` y ${cuantas(resto.length, "producto más", "productos más")}` : "");
}

export const unidades = (productos) => productos.reduce((n, l) => n + l.cantidad, 0);
