import { get, newKey, post, productoNames } from "./api.js";
import { badge, byId, compraName, date, estados, h, isCancelable, time } from "./dom.js";
import { buyAgain } from "./cart.js";
import { tiendas, whereTo } from "./delivery.js";
import { follow } from "./follow.js";
import { ask, begin, emptyState, focusOn, notify, showFailure, withButton } from "./frame.js";
import { lines } from "./money.js";
import { drawSteps, reasonBox, stepTitle, summary } from "./timeline.js";
import { t, tell } from "./words.js";

const id = decodeURIComponent(location.pathname.split("/").at(-1));
const path = `/api/compras/${encodeURIComponent(id)}`;
const pageTitle = document.title;
let nameOf, shops, shownEstado, domicilio, direccion;
let cancelling = false; // the cancellation was accepted, and waits for the end of the current step

const inWords = (estado) => (cancelling && isCancelable(estado) ? t("compra.cancelling") : summary(estado, domicilio));

function show(c) {
  domicilio = c.domicilio;
  direccion = c.direccion ?? direccion; // only the answer to a read has it
  const added = drawSteps(byId("timeline"), c);
  byId("compra").hidden = false;
  byId("compra").dataset.estado = c.estado;
  if (shownEstado !== c.estado) {
    byId("estado").replaceChildren(badge(c.estado));
    byId("summary").textContent = inWords(c.estado);
    document.title = `${estados[c.estado]?.[0] ?? c.estado} · ${compraName(c)} · ${pageTitle}`; // a person who looks at another tab sees the state in the title
  }
  if (shownEstado && added.length) byId("announcer").append(...added.map((x) => h("span", {}, `${stepTitle(x.paso, c)}. ${tell(x)} `)));
  shownEstado = c.estado;
  const reason = reasonBox(c, nameOf);
  byId("reason").replaceChildren(...(reason ? [reason] : []));
  byId("lines").replaceChildren(...lines(c, nameOf));
  byId("facts").replaceChildren(
    fact(t("compra.delivery"), whereTo(c, direccion, shops)),
    fact(t("compra.created"), time(c.creada_en, date(c.creada_en))),
    c.codigo ? fact(t("compra.id"), h("span", { class: "mono" }, compraName(c))) : "");
  showBuyAgain(c);
  const hadFocus = document.activeElement === byId("cancelar");
  byId("cancelar").hidden = cancelling || !isCancelable(c.estado);
  if (hadFocus) focusOn(byId("cancelar"));
}

// showBuyAgain offers what a purchase that did not succeed asked for, as far as there is any of it.
function showBuyAgain(c) {
  const left = new Map((c.faltantes ?? []).map((f) => [f.id_producto, f.disponible]));
  const lineas = c.productos.map((l) => ({ id: l.id_producto, solicitada: l.cantidad, cantidad: Math.min(l.cantidad, left.get(l.id_producto) ?? l.cantidad) }));
  byId("buy-again").hidden = !["RECHAZADA", "CANCELADA"].includes(c.estado) || lineas.every((l) => l.cantidad === 0);
  byId("buy-again").textContent = left.size ? t("compra.buy-again") : t("compra.buy-again-all");
  byId("buy-again").onclick = () => {
    buyAgain(lineas);
    location.assign("/#cart-title");
  };
}

const fact = (term, value) => h("div", {}, h("dt", {}, term), h("dd", {}, value));

async function cancelar(button) {
  const answer = await ask({
    title: t("compra.cancel-title"), text: t("compra.cancel-text"),
    action: t("compra.cancel"), tone: "danger", reasonLabel: t("compra.cancel-reason"),
  });
  if (!answer) return;
  await withButton(button, async () => {
    await post(`${path}/cancelacion`, { motivo: answer.motivo }, { key: newKey() });
    cancelling = true;
    if (!isCancelable(shownEstado)) return; // the page already shows the result of the cancellation
    button.hidden = true;
    byId("summary").textContent = inWords(shownEstado);
    notify(t("compra.cancel-asked"));
  });
}

async function beginPage() {
  if (!await begin()) return;
  [nameOf, shops] = await Promise.all([productoNames(), tiendas()]);
  let c;
  try {
    show(c = await get(path));
  } catch (e) {
    if (![400, 404, 422].includes(e.status)) throw e;
    document.title = `${t("compra.unknown")} · Entregas de los Alpes`;
    byId("content").replaceChildren(emptyState(t("compra.unknown"), t("compra.unknown-text"),
      h("a", { class: "button", href: "/compras" }, t("compras.title")), "h1"));
    return;
  }
  byId("cancelar").addEventListener("click", (e) => cancelar(e.currentTarget));
  follow(c, (now) => {
    if ((now.historia.at(-1)?.numero ?? 0) >= Number(byId("timeline").dataset.last)) show(now);
  }, (lost) => {
    const text = lost ? t("frame.connection-lost") : inWords(shownEstado);
    if (lost && byId("summary").textContent !== text) byId("announcer").append(h("span", {}, `${text} `));
    byId("summary").textContent = text;
  });
}

beginPage().catch(showFailure);
