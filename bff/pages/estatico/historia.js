// A purchase's history as a line of steps: what happened, and what is still to come.
import { leer } from "./api.js";
import { duracion, estados, h, numero, s, tiempo } from "./dom.js";
import { byRollback, byState, entering } from "./saga.js";

const dibujos = {
  hecho: "m3 8.5 3.2 3.2L13 5",
  deshecho: "M4 4v4h4M4.4 8A5 5 0 1 1 6 11.6",
  malo: "m4.5 4.5 7 7m0-7-7 7",
  cancelado: "m4.5 4.5 7 7m0-7-7 7",
};

const titulos = {
  RECIBIDA: "Recibida",
  ...byState((paso) => paso.title),
  POR_APROBAR: "Espera aprobación",
  Aprobacion: "Aprobada",
  CONFIRMADA: "Confirmada",
  DESPACHADA: "En camino",
  COMPENSANDO: "Deshaciendo lo hecho",
  RECHAZADA: "Rechazada",
  CANCELADA: "Cancelada",
  FALLIDA: "Necesita a una persona",
  ...byRollback((paso) => paso.undone),
};

// caminoEntero are the states of a purchase that goes well, after RECIBIDA.
const caminoEntero = [...entering.map((paso) => paso.state), "CONFIRMADA", "DESPACHADA"];

// titulosAhora tell what is being done until a state is entered.
const titulosAhora = { [caminoEntero[0]]: "La recibimos: empieza en un momento" };
entering.forEach((paso, i) => { titulosAhora[caminoEntero[i + 1]] = paso.doing; });

const tonos = { COMPENSANDO: "deshecho", ...byRollback(() => "deshecho"), RECHAZADA: "malo", CANCELADA: "cancelado", FALLIDA: "malo" };

export const titulo = (paso) => titulos[paso] ?? estados[paso]?.[0] ?? paso;
const tono = (paso) => tonos[paso] ?? "hecho";

// porVenir are the steps that a purchase in this state still has before it.
function porVenir(c) {
  switch (c.estado) {
    case "RECIBIDA":
      return caminoEntero;
    case "POR_APROBAR":
      return ["CONFIRMADA", "DESPACHADA"];
    case "COMPENSANDO":
      return [];
    default: {
      const i = caminoEntero.indexOf(c.estado);
      return i < 0 ? [] : caminoEntero.slice(i + 1);
    }
  }
}

// pintarPasos brings the list up to date and gives the steps that were not there before. With futuro it also shows what
// is to come.
export function pintarPasos(lista, c, { futuro = true } = {}) {
  const antes = Number(lista.dataset.numero ?? 0);
  const nuevos = c.historia.filter((x) => x.numero > antes);
  for (const li of lista.querySelectorAll(".ahora, .futuro")) li.remove();
  const inicio = new Date(c.creada_en);
  for (const hecho of nuevos) {
    const contado = c.historia.some((x) => x.numero < hecho.numero && x.detalle === hecho.detalle); // a reason stands once
    lista.append(h("li", { class: `paso ${tono(hecho.paso)}${antes ? " nuevo" : ""}`, "data-paso": hecho.paso },
      punto(tono(hecho.paso)), h("h3", {}, titulo(hecho.paso)), momento(hecho, inicio), hecho.detalle && !contado && h("p", { class: "escrito" }, hecho.detalle)));
  }
  lista.dataset.numero = c.historia.at(-1)?.numero ?? 0;
  for (const li of lista.querySelectorAll("[data-paso=POR_APROBAR]")) li.classList.toggle("espera", c.estado === "POR_APROBAR"); // it is not done while it lasts
  if (futuro) {
    const camino = porVenir(c);
    if (c.estado === "COMPENSANDO") lista.append(pendiente("ahora", "Deshaciendo…"));
    const espera = c.estado === "CONFIRMADA" || c.estado === "POR_APROBAR"; // for a person
    camino.forEach((paso, i) => lista.append(i === 0 && !espera ? pendiente("ahora", titulosAhora[paso]) : pendiente("futuro", titulo(paso))));
  }
  return nuevos;
}

function pendiente(clase, texto) {
  return h("li", { class: `paso ${clase}` }, h("span", { class: "punto", "aria-hidden": "true" }), h("h3", {}, texto), h("span", { class: "oculto" }, clase === "ahora" ? "en curso" : "pendiente"));
}

function punto(clase) {
  return h("span", { class: "punto", "aria-hidden": "true" }, s("svg", { viewBox: "0 0 16 16" }, s("path", { d: dibujos[clase] })));
}

function momento(hecho, inicio) {
  const t = tiempo(hecho.en);
  const despues = new Date(hecho.en) - inicio;
  if (despues > 0) t.append(h("span", { class: "despues" }, ` · +${duracion(despues)}`));
  return t;
}

const resumenes = {
  RECIBIDA: "La recibimos. Empezamos en un momento.",
  ...byState((paso) => paso.summary),
  POR_APROBAR: "Es una compra grande: una persona la revisa antes de confirmarla.",
  CONFIRMADA: "Está confirmada. La despachamos pronto.",
  DESPACHADA: "Va en camino.",
  COMPENSANDO: "Estamos deshaciendo lo que ya se había hecho.",
  RECHAZADA: "No se pudo hacer. No le quedó nada apartado.",
  CANCELADA: "Quedó cancelada. No le quedó nada apartado.",
  FALLIDA: "Algo no se pudo deshacer. Una persona lo está resolviendo.",
};
export const resumen = (estado) => resumenes[estado] ?? "";

// porque tells why a purchase did not go on, and what was missing; null where there is nothing to tell.
export function porque(c, nombre) {
  if (!c.motivo && !c.faltantes?.length) return null;
  const clase = { CANCELADA: "calma", COMPENSANDO: "ojo" }[c.estado] ?? "mal";
  return h("div", { class: `recuadro ${clase}` }, h("h2", {}, "Por qué"), c.motivo && h("p", { class: "escrito" }, c.motivo),
    c.faltantes?.length ? h("ul", {}, c.faltantes.map((f) => h("li", {}, h("strong", {}, nombre(f.id_producto)), `: pidió ${numero(f.solicitada)}, hay ${numero(f.disponible)}.`))) : null);
}

// seguir calls alCambiar with the purchase at each change, until it can change no more. alCaer(true) says that the
// connection is lost and being made again, alCaer(false) that it is there. A browser comes back by itself, with the
// number of the last change, where the connection was cut; where the server answered an error it gives up, and this begins again.
// It says why by asking for the purchase itself: a session that ended stops it.
export function seguir(id, alCambiar, alCaer) {
  let fuente, otraVez, terminada = false, espera = 1000;
  const terminar = () => {
    terminada = true;
    clearTimeout(otraVez);
    fuente.close();
  };
  const preguntar = () => leer(`/api/compras/${encodeURIComponent(id)}`).then(alCambiar).catch((e) => {
    if (e.estado !== 401) return;
    terminar();
    alCaer(false);
  });
  const abrir = () => {
    if (terminada) return;
    fuente = new EventSource(`/api/compras/${encodeURIComponent(id)}/eventos`);
    fuente.addEventListener("estado", (e) => {
      const c = JSON.parse(e.data);
      alCambiar(c);
      if (["DESPACHADA", "RECHAZADA", "CANCELADA"].includes(c.estado) && c.historia.at(-1)?.paso === c.estado) terminar();
    });
    fuente.addEventListener("open", () => {
      espera = 1000;
      alCaer(false);
    });
    fuente.addEventListener("error", () => {
      if (terminada) return;
      alCaer(true);
      if (fuente.readyState !== EventSource.CLOSED) return;
      clearTimeout(otraVez);
      otraVez = setTimeout(abrir, espera);
      espera = Math.min(2 * espera, 15000);
      preguntar();
    });
  };
  abrir();
  addEventListener("pagehide", () => {
    clearTimeout(otraVez);
    fuente.close();
  });
  addEventListener("pageshow", (e) => { // back to a page that the browser had kept
    if (e.persisted) abrir();
  });
}
