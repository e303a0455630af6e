// The actions of an operator on a purchase, for the list and for the page of the purchase.
import { newKey, post } from "./api.js";
import { badge, count, date, describeLines, h, isBusy, isCancelable, shortId, time, units } from "./dom.js";
import { ask, notify, withButton } from "./frame.js";

// actions returns a button for each action that the purchase allows now. onDone runs after each action.
export function actions(c, onDone) {
  const path = `/api/compras/${encodeURIComponent(c.id)}`;
  const of = `de ${c.id_usuario}, …${shortId(c.id)}`;
  const button = (text, tone, action) => h("button", {
    type: "button", class: `button small ${tone}`, "data-action": text, "aria-label": `${text} la compra ${of}`,
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
      button("Aprobar", "primary", async () => {
        await post(`${path}/aprobacion`, { aprobada: true }, { key: newKey() });
        notify("Aprobada.");
      }),
      button("Rechazar", "danger", () => askFirst(
        { title: "¿Rechazar la compra?", text: "Lo reservado vuelve a la bodega.", action: "Rechazar", tone: "danger", reasonLabel: "Motivo, para el cliente" },
        async (motivo) => {
          await post(`${path}/aprobacion`, { aprobada: false, motivo }, { key: newKey() });
          notify("Rechazada.");
        })));
  }
  if (c.estado === "CONFIRMADA" && c.id_orden) {
    list.push(button("Despachar", "primary", async () => {
      await post(`/api/ordenes/${encodeURIComponent(c.id_orden)}/despacho`, undefined, { key: newKey() });
      notify("La orden salió de la bodega.");
    }));
  }
  if (c.estado === "FALLIDA" || isBusy(c.estado) && Date.now() - Date.parse(c.actualizada_en) > 60_000) {
    list.push(button("Reintentar", "primary", async () => {
      await post(`${path}/reintento`, undefined, { key: newKey() });
      notify("Se vuelve a intentar.");
    }));
  }
  if (isCancelable(c.estado)) {
    list.push(button("Cancelar", "danger", () => askFirst(
      { title: "¿Cancelar la compra?", text: "Se deshace lo que ya se hizo.", action: "Cancelar la compra", tone: "danger", reasonLabel: "Motivo, para el cliente" },
      async (motivo) => {
        await post(`${path}/cancelacion`, { motivo }, { key: newKey() });
        notify("Cancelación pedida.");
      })));
  }
  return list;
}

// listEntry returns a purchase as an entry of an operator's list, with its actions.
export function listEntry(c, nameOf, onDone) {
  return h("li", { class: "entry" },
    h("h3", {}, h("a", { href: `/operador/compras/${c.id}` }, describeLines(c.productos, nameOf))),
    h("div", { class: "actions" }, actions(c, onDone)),
    h("p", { class: "muted" }, badge(c.estado), " ", h("span", { class: "verbatim" }, c.id_usuario), ` · ${count(units(c.productos), "unidad", "unidades")} · `, time(c.creada_en, date(c.creada_en))));
}
