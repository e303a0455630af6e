import { get, newKey, post } from "./api.js";
import { byId, count, date, h, shortId, time } from "./dom.js";
import { begin, emptyState, notify, showFailure, withButton } from "./frame.js";

async function refresh() {
  const list = await get("/api/mensajes-muertos");
  byId("count").textContent = list.length ? `${count(list.length, "mensaje que nadie pudo", "mensajes que nadie pudo")} atender.` : "Ninguno: todo se pudo atender.";
  byId("list").replaceChildren(...list.map(entry));
  if (!list.length) byId("list").replaceChildren(h("li", {}, emptyState("Ninguno", "Aquí aparece, con su motivo, lo que un servicio no pudo atender.")));
}

function entry(m) {
  return h("li", { class: "dead-letter card", "data-id": m.id, "data-record": m.id_registro },
    h("div", {}, h("h2", {}, m.tipo || "Mensaje sin tipo"),
      h("p", { class: "muted" }, m.pendiente ? `${m.tema} · sigue en su tema y nadie lo puede leer: se entrega a ${m.origen} una y otra vez · ` : `${m.tema} · lo apartó ${m.origen || "alguien"} tras ${count(m.intentos, "intento", "intentos")} · `, time(m.en, date(m.en)),
        m.id_compra ? [" · compra ", h("a", { class: "mono", href: `/operador/compras/${encodeURIComponent(m.id_compra)}`, title: m.id_compra }, `…${shortId(m.id_compra)}`)] : null)),
    actionButton(m),
    h("p", { class: "motivo verbatim" }, m.motivo || "No dejó motivo."),
    !m.registro && m.comienzo ? h("details", {}, h("summary", {}, `El comienzo, de ${m.bytes} bytes`), h("pre", { tabindex: "0" }, m.comienzo)) : null,
    m.registro ? h("details", {}, h("summary", {}, "El mensaje"), h("pre", { tabindex: "0" }, JSON.stringify(m.registro, null, 2))) : null);
}

// actionButton returns a button that puts a dead letter back on its topic, or sets aside a message that is still on its topic.
function actionButton(m) {
  const action = m.pendiente ? { verb: "Apartar", path: "apartado", done: `Se apartó de ${m.tema}.` }
    : { verb: "Reponer", path: "reposicion", done: `${m.tipo} volvió a ${m.tema}.` };
  return h("button", {
    class: "button", type: "button", "aria-label": `${action.verb} ${m.tipo || "el mensaje"} ${m.pendiente ? "de" : "en"} ${m.tema}`, "data-action": action.verb,
    onclick: (e) => withButton(e.currentTarget, async () => {
      await post(`/api/mensajes-muertos/${encodeURIComponent(m.id)}/${action.path}`, undefined, { key: newKey() });
      notify(action.done);
      await refresh();
      byId("refresh").focus();
    }),
  }, action.verb);
}

async function beginPage() {
  if (!await begin()) return;
  byId("refresh").addEventListener("click", (e) => withButton(e.currentTarget, refresh));
  await refresh();
}

beginPage().catch(showFailure);
