// What an operator does with a purchase, wherever it is shown.
import { enviar, nuevaClave } from "./api.js";
import { cancelable, corto, enMarcha, fecha, h, resumenDeLineas, sello, tiempo, unidades, cuantas } from "./dom.js";
import { avisar, conBoton, preguntar } from "./marco.js";

// acciones gives the buttons for what may be done with the purchase now. alTerminar is called after each.
export function acciones(c, alTerminar) {
  const ruta = `/api/compras/${encodeURIComponent(c.id)}`;
  const de = `de ${c.id_usuario}, …${corto(c.id)}`;
  const boton = (texto, clase, hacer) => h("button", {
    type: "button", class: `boton chico ${clase}`, "data-accion": texto, "aria-label": `${texto} la compra ${de}`,
    onclick: (e) => conBoton(e.currentTarget, async () => {
      if (await hacer() !== false) await alTerminar();
    }),
  }, texto);
  const conMotivo = async (pregunta, hacer) => {
    const r = await preguntar(pregunta);
    return r ? hacer(r.motivo) : false;
  };
  const lista = [];
  if (c.estado === "POR_APROBAR") {
    lista.push(
      boton("Aprobar", "principal", async () => {
        await enviar(`${ruta}/aprobacion`, { aprobada: true }, { clave: nuevaClave() });
        avisar("Aprobada.");
      }),
      boton("Rechazar", "peligro", () => conMotivo(
        { titulo: "¿Rechazar la compra?", texto: "Lo reservado vuelve a la bodega.", accion: "Rechazar", clase: "peligro", motivo: "Motivo, para el cliente" },
        async (motivo) => {
          await enviar(`${ruta}/aprobacion`, { aprobada: false, motivo }, { clave: nuevaClave() });
          avisar("Rechazada.");
        })));
  }
  if (c.estado === "CONFIRMADA" && c.id_orden) {
    lista.push(boton("Despachar", "principal", async () => {
      await enviar(`/api/ordenes/${encodeURIComponent(c.id_orden)}/despacho`, undefined, { clave: nuevaClave() });
      avisar("La orden salió de la bodega.");
    }));
  }
  if (c.estado === "FALLIDA" || enMarcha(c.estado) && Date.now() - Date.parse(c.actualizada_en) > 60_000) {
    lista.push(boton("Reintentar", "principal", async () => {
      await enviar(`${ruta}/reintento`, undefined, { clave: nuevaClave() });
      avisar("Se vuelve a intentar.");
    }));
  }
  if (cancelable(c.estado)) {
    lista.push(boton("Cancelar", "peligro", () => conMotivo(
      { titulo: "¿Cancelar la compra?", texto: "Se deshace lo que ya se hizo.", accion: "Cancelar la compra", clase: "peligro", motivo: "Motivo, para el cliente" },
      async (motivo) => {
        await enviar(`${ruta}/cancelacion`, { motivo }, { clave: nuevaClave() });
        avisar("Cancelación pedida.");
      })));
  }
  return lista;
}

// fichaDeOperador is a purchase in a list, with what may be done about it.
export function fichaDeOperador(c, nombre, alTerminar) {
  return h("li", { class: "ficha" },
    h("h3", {}, h("a", { href: `/operador/compras/${c.id}` }, resumenDeLineas(c.productos, nombre))),
    h("div", { class: "acciones" }, acciones(c, alTerminar)),
    h("p", { class: "tenue" }, sello(c.estado), " ", h("span", { class: "escrito" }, c.id_usuario), ` · ${cuantas(unidades(c.productos), "unidad", "unidades")} · `, tiempo(c.creada_en, fecha(c.creada_en))));
}
