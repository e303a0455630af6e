import { leer, nombres } from "./api.js";
import { corto, estados, fecha, h, numero, porId, sello, tiempo } from "./dom.js";
import { pintarPasos, porque, seguir } from "./historia.js";
import { acciones } from "./operacion.js";
import { dibujar, estrecha } from "./secuencia.js";
import { empezar, enfocar, fallo, noSePudo, vacio } from "./marco.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const ruta = `/api/compras/${encodeURIComponent(id)}`;
let nombre, deQuien, ultima, otraVez, numeroVisto = -1, estadoVisto;

async function mostrar(c) {
  numeroVisto = c.historia.at(-1)?.numero ?? 0;
  porId("compra").hidden = false;
  porId("compra").dataset.estado = c.estado;
  porId("titulo").replaceChildren("Compra ", h("span", { class: "mono" }, `…${corto(c.id)}`));
  if (estadoVisto !== c.estado) {
    estadoVisto = c.estado;
    porId("estado").replaceChildren(sello(c.estado));
    document.title = `${estados[c.estado]?.[0] ?? c.estado} · …${corto(c.id)} · Entregas de los Alpes`;
    const conFoco = porId("acciones").contains(document.activeElement);
    porId("acciones").replaceChildren(...acciones(c, mirar));
    if (conFoco) enfocar(null); // never on the next action: a second Enter would do it
  }
  deQuien = `De ${c.id_usuario}, ${c.domicilio ? "a domicilio" : "en tienda"}.`;
  porId("resumen").textContent = deQuien;
  const razon = porque(c, nombre);
  porId("porque").replaceChildren(...(razon ? [razon] : []));
  pintarPasos(porId("pasos"), c, { futuro: false });
  porId("lineas").replaceChildren(...c.productos.map((l) => h("li", {}, h("span", {}, nombre(l.id_producto)), h("span", { class: "num" }, `× ${numero(l.cantidad)}`))));
  const dato = (que, valor) => h("div", {}, h("dt", {}, que), h("dd", {}, valor));
  porId("datos").replaceChildren(dato("Usuario", h("a", { href: `/operador/compras?id_usuario=${encodeURIComponent(c.id_usuario)}`, class: "escrito" }, c.id_usuario)),
    dato("Creada", tiempo(c.creada_en, fecha(c.creada_en))), dato("Cambió", tiempo(c.actualizada_en, fecha(c.actualizada_en))),
    dato("Compra", h("span", { class: "mono" }, c.id)), c.id_orden ? dato("Orden", h("span", { class: "mono" }, c.id_orden)) : "");
  await mostrarSaga(c);
}

// The messages are gestor-compra's: while it does not answer, the rest of the page is shown all the same.
async function mostrarSaga(c) {
  clearTimeout(otraVez);
  try {
    const [{ mensajes }, orden] = await Promise.all([leer(`${ruta}/mensajes`), c.estado === "DESPACHADA" && c.id_orden ? leer(`/api/ordenes/${encodeURIComponent(c.id_orden)}`).catch(() => null) : null]);
    if ((c.historia.at(-1)?.numero ?? 0) < numeroVisto) return;
    ultima = { c, mensajes, orden };
    dibujarSaga();
  } catch (e) {
    if (e.estado === undefined || e.estado === 401) throw e;
    if (!ultima) porId("secuencia").replaceChildren(h("p", { class: "tenue", role: "status" }, `${e.message} Se vuelve a preguntar sola.`));
    otraVez = setTimeout(() => mostrarSaga(c).catch(fallo), 5000);
  }
}

function dibujarSaga() {
  porId("tabla-saga").replaceChildren(dibujar(porId("secuencia"), ultima.c, ultima.mensajes, ultima.orden));
}

async function mirar() {
  await mostrar(await leer(ruta));
}

async function empezarPagina() {
  if (!await empezar()) return;
  nombre = await nombres();
  try {
    await mirar();
  } catch (e) {
    if (e.estado !== 404 && e.estado !== 400) throw e;
    porId("contenido").replaceChildren(vacio("No hay una compra así", e.message, h("a", { class: "boton", href: "/operador/compras" }, "Ver las compras"), "h1"));
    return;
  }
  seguir(id, (c) => {
    if ((c.historia.at(-1)?.numero ?? 0) > numeroVisto) mostrar(c).catch(fallo);
  }, (caido) => {
    porId("resumen").textContent = caido ? "Se perdió la conexión. La recuperamos sola." : deQuien;
  });
  matchMedia(estrecha).addEventListener("change", () => ultima && dibujarSaga());
}

empezarPagina().catch(noSePudo);
