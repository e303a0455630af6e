import { leer, nombres } from "./api.js";
import { corto, fecha, h, numero, porId, sello, tiempo } from "./dom.js";
import { pintarPasos, porque, seguir } from "./historia.js";
import { acciones } from "./operacion.js";
import { dibujar } from "./secuencia.js";
import { empezar, fallo, vacio } from "./marco.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const ruta = `/api/compras/${encodeURIComponent(id)}`;
let nombre, numeroVisto = -1, estadoVisto;

async function mostrar(c) {
  numeroVisto = c.historia.at(-1)?.numero ?? 0;
  porId("compra").hidden = false;
  porId("compra").dataset.estado = c.estado;
  porId("titulo").replaceChildren("Compra ", h("span", { class: "mono" }, `…${corto(c.id)}`));
  if (estadoVisto !== c.estado) {
    estadoVisto = c.estado;
    porId("estado").replaceChildren(sello(c.estado));
    porId("acciones").replaceChildren(...acciones(c, mirar));
  }
  porId("resumen").textContent = `De ${c.id_usuario}, ${c.domicilio ? "a domicilio" : "en tienda"}.`;
  const razon = porque(c, nombre);
  porId("porque").replaceChildren(...(razon ? [razon] : []));
  pintarPasos(porId("pasos"), c, { futuro: false });
  porId("lineas").replaceChildren(...c.productos.map((l) => h("li", {}, h("span", {}, nombre(l.id_producto)), h("span", { class: "num" }, `× ${numero(l.cantidad)}`))));
  const dato = (que, valor) => h("div", {}, h("dt", {}, que), h("dd", {}, valor));
  porId("datos").replaceChildren(dato("Usuario", h("a", { href: `/operador/compras?id_usuario=${encodeURIComponent(c.id_usuario)}` }, c.id_usuario)),
    dato("Creada", tiempo(c.creada_en, fecha(c.creada_en))), dato("Cambió", tiempo(c.actualizada_en, fecha(c.actualizada_en))),
    dato("Compra", h("span", { class: "mono" }, c.id)), c.id_orden ? dato("Orden", h("span", { class: "mono" }, c.id_orden)) : "");
  await mostrarSaga(c);
}

async function mostrarSaga(c) {
  const { mensajes } = await leer(`${ruta}/mensajes`);
  if ((c.historia.at(-1)?.numero ?? 0) < numeroVisto) return;
  porId("tabla-saga").replaceChildren(dibujar(porId("secuencia"), c, mensajes));
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
  }, () => {});
}

empezarPagina().catch(fallo);
