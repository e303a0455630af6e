import { get, newKey, post } from "./api.js";
import { byId, date, h, shortId, time } from "./dom.js";
import { begin, emptyState, notify, showFailure, withButton } from "./frame.js";
import { t } from "./words.js";

async function refresh() {
  const list = await get("/api/mensajes-muertos");
  byId("count").textContent = list.length ? t("dead-letters.count", { n: list.length }) : t("dead-letters.none");
  byId("list").replaceChildren(...list.map(entry));
  if (!list.length) byId("list").replaceChildren(h("li", {}, emptyState(t("dead-letters.none-title"), t("dead-letters.none-text"))));
}

function entry(m) {
  return h("li", { class: "dead-letter card", "data-id": m.id, "data-record": m.id_registro },
    h("div", {}, h("h2", {}, m.tipo || t("dead-letters.no-type")),
      h("p", { class: "muted" }, m.pendiente ? t("dead-letters.stays", { tema: m.tema, origen: m.origen }) : t("dead-letters.set-aside-by", { tema: m.tema, origen: m.origen || t("dead-letters.someone"), n: m.intentos }), time(m.en, date(m.en)),
        m.id_compra ? [t("dead-letters.compra"), h("a", { class: "mono", href: `/operador/compras/${encodeURIComponent(m.id_compra)}`, title: m.id_compra }, `…${shortId(m.id_compra)}`)] : null)),
    actionButton(m),
    h("p", { class: "motivo verbatim" }, m.motivo || t("dead-letters.no-reason")),
    !m.registro && m.comienzo ? h("details", {}, h("summary", {}, t("dead-letters.beginning", { n: m.bytes })), h("pre", { tabindex: "0" }, m.comienzo)) : null,
    m.registro ? h("details", {}, h("summary", {}, t("dead-letters.message")), h("pre", { tabindex: "0" }, JSON.stringify(m.registro, null, 2))) : null);
}

// actionButton returns a button that puts a dead letter back on its topic, or sets aside a message that is still on its topic.
function actionButton(m) {
  const values = { tipo: m.tipo || t("dead-letters.no-type"), tema: m.tema };
  const action = m.pendiente
    ? { verb: t("dead-letters.set-aside"), path: "apartado", label: t("dead-letters.set-aside-label", values), done: t("dead-letters.set-aside-done", values) }
    : { verb: t("dead-letters.put-back"), path: "devolucion", label: t("dead-letters.put-back-label", values), done: t("dead-letters.put-back-done", values) };
  return h("button", {
    class: "button", type: "button", "aria-label": action.label, "data-action": action.path,
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
