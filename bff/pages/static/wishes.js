// The wishes of a customer to be told that a product is back.
import { get, post, newKey, remove, session } from "./api.js";
import { byId, h } from "./dom.js";
import { every, notify, signIn, withButton } from "./frame.js";
import { t } from "./words.js";

const seldom = 60000; // ms between two looks whether a wish is fulfilled
const wishes = new Map(); // by id of the product: the wish, open or fulfilled
let names = (id) => id;

const open = (id) => wishes.get(id)?.avisado_en === undefined ? wishes.get(id) : undefined;

// wishButton returns a button that asks to be told once there are cantidad() units of a product, or takes that back.
export function wishButton(id, cantidad, nameOf) {
  const button = h("button", { class: "button small", type: "button", "data-wish": id, hidden: true });
  button.addEventListener("click", () => withButton(button, async () => {
    if (!(await session())) {
      signIn();
      return;
    }
    const n = cantidad();
    if (open(id)?.cantidad === n) {
      await remove(`/api/productos/${encodeURIComponent(id)}/avisame`);
      wishes.delete(id);
      notify(t("wish.withdrawn", { producto: nameOf(id) }));
    } else {
      wishes.set(id, await post(`/api/productos/${encodeURIComponent(id)}/avisame`, { cantidad: n }, { key: newKey() }));
      notify(t("wish.made", { producto: nameOf(id), n }));
    }
    draw();
  }));
  button.wanted = cantidad;
  names = nameOf;
  return button;
}

// showWish shows the button inside element where there is too little of its product.
export function showWish(element, tooLittle) {
  const button = element.querySelector("[data-wish]");
  button.hidden = !tooLittle;
  drawButton(button);
}

function drawButton(button) {
  const id = button.dataset.wish;
  const waits = open(id)?.cantidad === button.wanted();
  const text = waits ? t("wish.waiting") : t("wish.ask");
  if (button.textContent !== text) button.textContent = text;
  button.setAttribute("aria-label", waits ? t("wish.waiting-label", { producto: names(id) }) : t("wish.ask-label", { producto: names(id) }));
  button.setAttribute("aria-pressed", String(waits));
}

function draw() {
  for (const button of document.querySelectorAll("[data-wish]")) drawButton(button);
  const back = Array.from(wishes.values()).filter((w) => w.avisado_en);
  const shown = back.map((w) => w.id_producto + w.avisado_en).join();
  if (byId("back").dataset.shown === shown) return;
  byId("back").dataset.shown = shown;
  byId("back").replaceChildren(...(back.length ? [h("div", { class: "callout calm" }, h("h2", {}, t("wish.back")),
    h("ul", {}, back.map((w) => h("li", {}, w.nombre || names(w.id_producto)))),
    h("button", { class: "button small", type: "button", onclick: (e) => withButton(e.currentTarget, () => seen(back)) }, t("wish.seen")))] : []));
}

// seen removes the fulfilled wishes, so that no page tells of them again.
async function seen(back) {
  for (const w of back) {
    await remove(`/api/productos/${encodeURIComponent(w.id_producto)}/avisame`);
    wishes.delete(w.id_producto);
  }
  draw();
}

// follow shows the wishes of the person, once signed in, and looks seldom whether one is fulfilled.
export async function follow(signedIn, nameOf) {
  if (!(await signedIn)) return;
  names = nameOf;
  every(seldom, async () => {
    let list;
    try {
      list = await get("/api/avisos/existencias");
    } catch {
      return; // the next look tries again; buying does not depend on it
    }
    wishes.clear();
    for (const w of list) wishes.set(w.id_producto, w);
    draw();
  });
}
