import { enviar, leer, nombres, nuevaClave } from "./api.js";
import { cancelable, corto, estados, fecha, h, numero, porId, sello, tiempo } from "./dom.js";
import { pintarPasos, porque, resumen, seguir, titulo } from "./historia.js";
import { avisar, conBoton, empezar, enfocar, noSePudo, preguntar, vacio } from "./marco.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const tituloDeLaPagina = document.title;
let nombre, estadoVisto, pedida = false; // a cancellation that was accepted: the step that is going on ends first

const enPalabras = (estado) => (pedida && cancelable(estado) ? "Pidió cancelarla: se deshace en cuanto termine lo que está en curso." : resumen(estado));

function mostrar(c) {
  const nuevos = pintarPasos(porId("pasos"), c);
  porId("compra").hidden = false;
  porId("compra").dataset.estado = c.estado;
  if (estadoVisto !== c.estado) {
    porId("estado").replaceChildren(sello(c.estado));
    porId("resumen").textContent = enPalabras(c.estado);
    document.title = `${estados[c.estado]?.[0] ?? c.estado} · ${tituloDeLaPagina}`; // told also while another tab is looked at
  }
  if (estadoVisto && nuevos.length) porId("narrador").append(...nuevos.map((x) => h("span", {}, `${titulo(x.paso)}. ${x.detalle} `)));
  estadoVisto = c.estado;
  const razon = porque(c, nombre);
  porId("porque").replaceChildren(...(razon ? [razon] : []));
  porId("lineas").replaceChildren(...c.productos.map((l) => h("li", {}, h("span", {}, nombre(l.id_producto)), h("span", { class: "num" }, `× ${numero(l.cantidad)}`))));
  porId("datos").replaceChildren(
    dato("Entrega", c.domicilio ? "A domicilio" : "En tienda"),
    dato("Creada", tiempo(c.creada_en, fecha(c.creada_en))),
    c.id_orden ? dato("Orden", h("span", { class: "mono", title: c.id_orden }, `…${corto(c.id_orden)}`)) : "",
    dato("Compra", h("span", { class: "mono", title: c.id }, `…${corto(c.id)}`)));
  const conFoco = document.activeElement === porId("cancelar");
  porId("cancelar").hidden = pedida || !cancelable(c.estado);
  if (conFoco) enfocar(porId("cancelar"));
}

const dato = (que, valor) => h("div", {}, h("dt", {}, que), h("dd", {}, valor));

async function cancelar(boton) {
  const respuesta = await preguntar({
    titulo: "¿Cancelar la compra?", texto: "Se deshace lo que ya se hizo: los productos vuelven a la bodega.",
    accion: "Cancelar la compra", clase: "peligro", motivo: "Motivo (si quiere)",
  });
  if (!respuesta) return;
  await conBoton(boton, async () => {
    await enviar(`/api/compras/${encodeURIComponent(id)}/cancelacion`, { motivo: respuesta.motivo }, { clave: nuevaClave() });
    pedida = true;
    if (!cancelable(estadoVisto)) return; // it was told already what became of it
    boton.hidden = true;
    porId("resumen").textContent = enPalabras(estadoVisto);
    avisar("Cancelación pedida.");
  });
}

async function empezarPagina() {
  if (!await empezar()) return;
  nombre = await nombres();
  try {
    mostrar(await leer(`/api/compras/${encodeURIComponent(id)}`));
  } catch (e) {
    if (e.estado !== 404 && e.estado !== 400) throw e;
    porId("contenido").replaceChildren(vacio("No encontramos esa compra", "Puede que sea de otra persona, o que la dirección esté incompleta.",
      h("a", { class: "boton", href: "/compras" }, "Mis compras"), "h1"));
    return;
  }
  porId("cancelar").addEventListener("click", (e) => cancelar(e.currentTarget));
  // The stream begins at the first change: what is on the page already changes nothing.
  let visto = Number(porId("pasos").dataset.numero);
  seguir(id, (c) => {
    const n = c.historia.at(-1)?.numero ?? 0;
    if (n < visto) return;
    visto = n;
    mostrar(c);
  }, (caido) => {
    const texto = caido ? "Se perdió la conexión. La recuperamos sola." : enPalabras(estadoVisto);
    if (caido && porId("resumen").textContent !== texto) porId("narrador").append(h("span", {}, `${texto} `));
    porId("resumen").textContent = texto;
  });
}

empezarPagina().catch(noSePudo);
