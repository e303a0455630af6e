import { enviar, leer, nuevaClave } from "./api.js";
import { corto, cuantas, fecha, h, porId, tiempo } from "./dom.js";
import { avisar, conBoton, empezar, noSePudo, vacio } from "./marco.js";

async function mirar() {
  const lista = await leer("/api/mensajes-muertos");
  porId("cuantos").textContent = lista.length ? `${cuantas(lista.length, "mensaje que nadie pudo", "mensajes que nadie pudo")} atender.` : "Ninguno: todo se pudo atender.";
  porId("lista").replaceChildren(...lista.map(ficha));
  if (!lista.length) porId("lista").replaceChildren(h("li", {}, vacio("Ninguno", "Aquí aparece, con su motivo, lo que un servicio no pudo atender.")));
}

function ficha(m) {
  return h("li", { class: "muerto tarjeta", "data-id": m.id, "data-registro": m.id_registro },
    h("div", {}, h("h2", {}, m.tipo || "Mensaje sin tipo"),
      h("p", { class: "tenue" }, m.pendiente ? `${m.tema} · sigue en su tema y nadie lo puede leer: se entrega a ${m.origen} una y otra vez · ` : `${m.tema} · lo apartó ${m.origen || "alguien"} tras ${cuantas(m.intentos, "intento", "intentos")} · `, tiempo(m.en, fecha(m.en)),
        m.id_compra ? [" · compra ", h("a", { class: "mono", href: `/operador/compras/${encodeURIComponent(m.id_compra)}`, title: m.id_compra }, `…${corto(m.id_compra)}`)] : null)),
    boton(m),
    h("p", { class: "motivo escrito" }, m.motivo || "No dejó motivo."),
    !m.registro && m.comienzo ? h("details", {}, h("summary", {}, `El comienzo, de ${m.bytes} bytes`), h("pre", { tabindex: "0" }, m.comienzo)) : null,
    m.registro ? h("details", {}, h("summary", {}, "El mensaje"), h("pre", { tabindex: "0" }, JSON.stringify(m.registro, null, 2))) : null);
}

// boton puts a dead letter back, or sets aside what is still on its topic.
function boton(m) {
  const que = m.pendiente ? { verbo: "Apartar", ruta: "apartado", hecho: `Se apartó de ${m.tema}.` }
    : { verbo: "Reponer", ruta: "reposicion", hecho: `${m.tipo} volvió a ${m.tema}.` };
  return h("button", {
    class: "boton", type: "button", "aria-label": `${que.verbo} ${m.tipo || "el mensaje"} ${m.pendiente ? "de" : "en"} ${m.tema}`, "data-reponer": m.id,
    onclick: (e) => conBoton(e.currentTarget, async () => {
      await enviar(`/api/mensajes-muertos/${encodeURIComponent(m.id)}/${que.ruta}`, undefined, { clave: nuevaClave() });
      avisar(que.hecho);
      await mirar();
      porId("refrescar").focus();
    }),
  }, que.verbo);
}

async function empezarPagina() {
  if (!await empezar()) return;
  porId("refrescar").addEventListener("click", (e) => conBoton(e.currentTarget, mirar));
  await mirar();
}

empezarPagina().catch(noSePudo);
