// A purchase's saga as a sequence diagram: who asked whom for what, when, and what was answered.
import { duracion, estados, h, s, tiempo } from "./dom.js";
import { owner, participants, refusals, rollbacks } from "./saga.js";

const servicios = ["gestor-compra", ...participants];
const deAfuera = { CrearCompra: "cliente", CancelarCompra: "cliente", OrdenDespachada: "ordenes" };

// sucesos puts commands, replies and changes of state in the order in which they were.
export function sucesos(c, mensajes, orden) {
  const lista = [];
  const ms = (t) => new Date(t).getTime();
  for (const m of mensajes) {
    const otro = owner(m.comando) ?? participants.at(-1); // of a release with other steps
    const clase = rollbacks.includes(m.comando) ? "vuelta" : "";
    lista.push({ t: ms(m.preguntada_en), de: "gestor-compra", a: otro, texto: m.comando, clase, comando: true });
    if (m.respuesta && m.respondida_en) {
      lista.push({ t: ms(m.respondida_en), de: otro, a: "gestor-compra", texto: m.respuesta, clase: refusals.includes(m.respuesta) ? "respuesta negativa" : `respuesta ${clase}`, tardo: ms(m.respondida_en) - ms(m.preguntada_en), de_comando: m.comando });
    }
    if (m.abandonada_en) lista.push({ t: ms(m.abandonada_en), estado: true, texto: `${m.comando}: sin respuesta`, clase: "ojo" });
    for (const x of m.tardias ?? []) lista.push({ t: ms(x.en), de: otro, a: "gestor-compra", texto: `${x.tipo} (tarde)`, clase: "respuesta" });
  }
  if (orden?.estado === "DESPACHADA") lista.push({ t: ms(orden.actualizada_en), de: "ordenes", a: "gestor-compra", texto: "OrdenDespachada", clase: "respuesta" });
  const vuelta = Math.min(...mensajes.filter((m) => rollbacks.includes(m.comando)).map((m) => ms(m.preguntada_en)));
  const llegados = new Set(orden ? ["OrdenDespachada"] : []);
  for (const x of c.historia) {
    const t = ms(x.en);
    // A cancellation after CONFIRMADA is written down only once ordenes agreed: it was asked for before.
    const llego = x.tipo === "CancelarCompra" ? Math.min(t, vuelta) : t;
    if (deAfuera[x.tipo] && !llegados.has(x.tipo)) lista.push({ t: llego - 0.5, de: deAfuera[x.tipo], a: "gestor-compra", texto: x.tipo, clase: deAfuera[x.tipo] === "ordenes" ? "respuesta" : "" });
    llegados.add(x.tipo);
    if (x.paso === "COMPENSANDO" && x.tipo === "AprobacionNegada") lista.push({ t: t - 0.4, estado: true, texto: "No aprobada", clase: "mal" });
    if (x.paso === "Aprobacion") lista.push({ t, estado: true, texto: "Aprobada", clase: "bien" }); // a decision, not a state
    if (estados[x.paso]) lista.push({ t, estado: true, texto: estados[x.paso][0], clase: estados[x.paso][1] });
  }
  lista.sort((a, b) => a.t - b.t);
  // A state and the question that comes with it are one transaction: told in that order.
  for (let i = 1; i < lista.length; i++) {
    if (lista[i].estado && lista[i - 1].comando && lista[i].t - lista[i - 1].t < 5) [lista[i - 1], lista[i]] = [lista[i], lista[i - 1]];
  }
  return lista;
}

const fila = 38, cabeza = 44;

// A phone has no room for the customer's lane: what the customer asks for comes in from the left.
export const estrecha = "(max-width: 40rem)";
const formas = {
  ancha: { ancho: Math.max(1000, 100 + 150 * (servicios.length + 1)), margen: 84, mediaCaja: 62, actores: ["cliente", ...servicios] },
  estrecha: { ancho: Math.max(676, 100 + 140 * servicios.length), margen: 82, mediaCaja: 58, actores: servicios },
};
let forma = formas.ancha;
const x = (actor) => {
  const { ancho, margen, mediaCaja, actores } = forma;
  const i = actores.indexOf(actor);
  return i < 0 ? margen : margen + mediaCaja + i * ((ancho - margen - 2 * mediaCaja - 4) / (actores.length - 1));
};
const desde = (ms) => `+${ms < 1000 ? duracion(ms) : `${segundos.format(ms / 1000)} s`}`;
const segundos = new Intl.NumberFormat("es-CO", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

// dibujar draws what happened into sitio, and gives it as a table. orden is the order where it was dispatched.
export function dibujar(sitio, c, mensajes, orden) {
  forma = matchMedia(estrecha).matches ? formas.estrecha : formas.ancha;
  const { ancho, margen, mediaCaja, actores } = forma;
  const lista = sucesos(c, mensajes, orden);
  const alto = cabeza + lista.length * fila + 24;
  const y = (i) => cabeza + 26 + i * fila;
  const inicio = new Date(c.creada_en).getTime();
  const svg = s("svg", { viewBox: `0 0 ${ancho} ${alto}`, role: "img", "aria-label": `La saga de la compra: ${lista.length} sucesos. La tabla de abajo los cuenta.` });
  for (const actor of actores) {
    svg.append(s("line", { class: "vida", x1: x(actor), x2: x(actor), y1: cabeza - 8, y2: alto - 6 }),
      s("rect", { class: "caja", x: x(actor) - mediaCaja, y: 4, width: 2 * mediaCaja, height: 30, rx: 9 }),
      s("text", { class: "actor", x: x(actor), y: 24, "text-anchor": "middle" }, actor));
  }
  lista.forEach((e, i) => {
    if (!e.de_comando) return;
    const pregunta = lista.findIndex((o) => o.comando && o.texto === e.de_comando);
    if (pregunta >= 0) svg.append(s("rect", { class: "trabajo", x: x(e.de) - 5, y: y(pregunta), width: 10, height: Math.max(4, y(i) - y(pregunta)), rx: 3 }));
  });
  lista.forEach((e, i) => svg.append(s("text", { class: "hora", x: margen - 10, y: y(i) + 4, "text-anchor": "end" }, desde(Math.max(0, e.t - inicio))), e.estado ? nota(e, y(i)) : flecha(e, y(i))));
  sitio.replaceChildren(svg);
  return tabla(lista, inicio);
}

function nota(e, y) {
  const medio = e.texto.length * 3.7 + 14;
  return s("g", { class: `nota ${e.clase}` },
    s("rect", { x: x("gestor-compra") - medio, y: y - 12, width: 2 * medio, height: 24, rx: 12 }),
    s("text", { x: x("gestor-compra"), y: y + 4, "text-anchor": "middle" }, e.texto));
}

function flecha(e, y) {
  const sentido = x(e.a) > x(e.de) ? 1 : -1;
  const borde = (actor) => (actor === "gestor-compra" || actor === "cliente" ? 0 : 5);
  const x1 = x(e.de) + sentido * borde(e.de), x2 = x(e.a) - sentido * borde(e.a);
  const texto = e.tardo === undefined || forma === formas.estrecha ? e.texto : `${e.texto} · ${duracion(e.tardo)}`;
  // The label stands in the first space beside gestor-compra, which every arrow crosses.
  const deIzquierda = e.de === "cliente";
  const centro = deIzquierda ? (x1 + x2) / 2 : x("gestor-compra") + (x(servicios[1]) - x("gestor-compra")) / 2;
  const medio = Math.min(texto.length * 3.3 + 4, 140);
  const corrido = Math.max(centro, x("gestor-compra") + medio + 6);
  return s("g", { class: e.clase },
    s("line", { class: "flecha", x1, x2: x2 - sentido * 8, y1: y, y2: y }),
    s("path", { class: "punta", d: `M${x2} ${y}l${-sentido * 9} -4.5v9Z` }),
    s("text", { class: "letrero", x: deIzquierda ? Math.max(centro, medio) : corrido, y: y - 6, "text-anchor": "middle" }, texto));
}

function tabla(lista, inicio) {
  const que = (e) => (e.estado ? `Estado: ${e.texto}` : e.texto);
  return h("div", { class: "con-tabla", tabindex: "0", role: "region", "aria-label": "Sucesos de la saga" }, h("table", { class: "tabla" },
    h("thead", {}, h("tr", {}, ["Cuándo", "Desde que se creó", "De", "A", "Qué", "Tardó"].map((t) => h("th", { scope: "col" }, t)))),
    h("tbody", {}, lista.map((e) => h("tr", {}, h("td", {}, tiempo(e.t)), h("td", {}, desde(Math.max(0, e.t - inicio))),
      h("td", {}, e.de ?? "gestor-compra"), h("td", {}, e.a ?? ""), h("th", { scope: "row" }, que(e)), h("td", {}, e.tardo === undefined ? "" : duracion(e.tardo)))))));
}
