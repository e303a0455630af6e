// The actions of an operator on a purchase, for the list and for the page of the purchase.
import { newKey, post } from "./api.js";
import { badge, date, describeLines, h, isBusy, isCancelable, compraName, time, units } from "./dom.js";
import { ask, notify, withButton } from "./frame.js";
import { t } from "./words.js";

// actions returns a button for each action that the purchase allows now. onDone runs after each action.
export function actions(c, onDone) {
  const path = `/api/compras/${encodeURIComponent(c.id)}`;
  const of = t("actions.of", { usuario: c.id_usuario, id: compraName(c) });
  const button = (name, text, tone, action) => h("button", {
    type: "button", class: `button small ${tone}`, "data-action": name, "aria-label": t("actions.label", { action: text, of }),
    onclick: (e) => withButton(e.currentTarget, async () => {
      if (await action() !== false) await onDone();
    }),
  }, text);
  const askFirst = async (question, action) => {
    const answer = await ask(question);
    return answer ? action(answer.motivo) : false;
  };
  const list = [];
  if (c.estado === "POR_APROBAR") {
    list.push(
      button("aprobar", t("actions.approve"), "primary", async () => {
        await post(`${path}/aprobacion`, { aprobada: true }, { key: newKey() });
        notify(t("actions.approved"));
      }),
      button("rechazar", t("actions.reject"), "danger", () => askFirst(
        { title: t("actions.reject-title"), text: t("actions.reject-text"), action: t("actions.reject"), tone: "danger", reasonLabel: t("actions.reason") },
        async (motivo) => {
          await post(`${path}/aprobacion`, { aprobada: false, motivo }, { key: newKey() });
          notify(t("actions.rejected"));
        })));
  }
  if (c.estado === "CONFIRMADA" && c.id_orden) {
    list.push(button("despachar", t("actions.dispatch"), "primary", async () => {
      await post(`/api/ordenes/${encodeURIComponent(c.id_orden)}/despacho`, undefined, { key: newKey() });
      notify(t("actions.dispatched"));
    }));
  }
  if (c.estado === "FALLIDA" || isBusy(c.estado) && Date.now() - Date.parse(c.actualizada_en) > 60_000) {
    list.push(button("reintentar", t("actions.retry"), "primary", async () => {
      await post(`${path}/reintento`, undefined, { key: newKey() });
      notify(t("actions.retried"));
    }));
  }
  if (isCancelable(c.estado)) {
    list.push(button("cancelar", t("actions.cancel"), "danger", () => askFirst(
      { title: t("actions.cancel-title"), text: t("actions.cancel-text"), action: t("actions.cancel-confirm"), tone: "danger", reasonLabel: t("actions.reason") },
      async (motivo) => {
        await post(`${path}/cancelacion`, { motivo }, { key: newKey() });
        notify(t("actions.cancelled"));
      })));
  }
  return list;
}

// listEntry returns a purchase as an entry of an operator's list, with its actions.
export function listEntry(c, nameOf, onDone) {
  return h("li", { class: "entry" },
    h("h3", {}, h("a", { href: `/operador/compras/${c.id}` }, describeLines(c.productos, nameOf))),
    h("div", { class: "actions" }, actions(c, onDone)),
    h("p", { class: "muted" }, badge(c.estado), " ", h("span", { class: "verbatim" }, c.id_usuario), ` · ${t("unit.unidades", { n: units(c.productos) })} · `, time(c.creada_en, date(c.creada_en))));
}
