// The wishes of a customer to be told that a product is back.
import { get, newKey, post, remove, session } from "./api.js";
import * as cart from "./cart.js";
import { byId, h } from "./dom.js";
import { every, notify, reportError, signIn, withButton } from "./frame.js";
import { t } from "./words.js";

const often = 5000, seldom = 60000; // ms between two looks whether a wish is fulfilled: while the shop has enough for an open one, and otherwise
const LATER_KEY = "wish-later";
const keptFor = 5 * 60_000; // ms that a wish waits for the sign-in
const wishes = new Map(); // by id of the product: the wish, open or fulfilled
const draws = new WeakMap(); // by element of wishBox: the function that draws it
let enough = false; // the shop has enough for a wish that is still open
let nameOf = (id) => id;

const path = (id) => `/api/productos/${encodeURIComponent(id)}/avisame`;
const openWish = (id) => (wishes.get(id)?.avisado_en ? undefined : wishes.get(id));

// wishBox returns an element with a button that asks to be told once there are cantidad units of a product. While the person waits for as
// many, it says so, and the button takes the wish back. cantidad is a function of the open wish, if there is one.
export function wishBox(id, cantidad) {
  const state = h("span", { class: "wish-state" });
  const button = h("button", { class: "button", type: "button" });
  const waits = () => openWish(id)?.cantidad === cantidad(openWish(id));
  button.addEventListener("click", () => withButton(button, async () => {
    if (waits()) {
      await remove(path(id));
      wishes.delete(id);
      notify(t("wish.withdrawn", { producto: nameOf(id) }));
    } else if (await session()) {
      await wish(id, cantidad(openWish(id)));
    } else {
      later({ id, cantidad: cantidad() });
      signIn();
    }
    draw();
  }));
  const box = h("div", { class: "wish", "data-wish": id, hidden: true }, state, button);
  draws.set(box, () => {
    const [said, text] = waits() ? [t("wish.waiting"), t("wish.withdraw")] : ["", t("wish.ask")];
    if (state.textContent !== said) state.textContent = said;
    if (button.textContent === text) return;
    button.textContent = text;
    button.className = said ? "link" : "button";
    button.setAttribute("aria-label", said ? t("wish.withdraw-label", { producto: nameOf(id) }) : t("wish.ask-label", { producto: nameOf(id) }));
  });
  return box;
}

async function wish(id, cantidad) {
  wishes.set(id, await post(path(id), { cantidad }, { key: newKey() }));
  notify(t("wish.made", { producto: nameOf(id), n: cantidad }));
}

// showWish shows the box inside element where there is too little of its product. Where there is not, a wish may be fulfilled by now.
export function showWish(element, tooLittle) {
  const box = element.querySelector("[data-wish]");
  box.hidden = !tooLittle;
  draws.get(box)();
  if (!tooLittle && openWish(box.dataset.wish)) enough = true;
}

function draw() {
  for (const box of document.querySelectorAll("[data-wish]")) draws.get(box)();
  const back = Array.from(wishes.values()).filter((w) => w.avisado_en);
  const shown = back.map((w) => w.id_producto + w.avisado_en).join();
  if (byId("back").dataset.shown === shown) return;
  byId("back").dataset.shown = shown;
  byId("back").replaceChildren(...(back.length ? [h("div", { class: "callout good" }, h("h2", {}, t("wish.back")),
    h("ul", {}, back.map(line)),
    h("button", { class: "button small", type: "button", onclick: (e) => withButton(e.currentTarget, () => seen(back)) }, t("wish.seen")))] : []));
}

// line returns the line of a product that is back, with a button that puts as many units into the cart as the person waited for.
function line({ id_producto: id, nombre, cantidad }) {
  const name = nombre || nameOf(id);
  return h("li", {}, h("span", {}, name), h("button", {
    class: "link", type: "button", "aria-label": t("shop.add-label", { producto: name }),
    onclick: () => {
      cart.put(id, Math.max(cantidad, cart.cantidadOf(id)));
      notify(t("shop.added", { producto: name, n: cart.cantidadOf(id) }));
    },
  }, t("shop.add")));
}

// seen removes the fulfilled wishes, so that no page tells of them again.
async function seen(back) {
  try {
    for (const w of back) {
      await remove(`${path(w.id_producto)}?avisado_en=${encodeURIComponent(w.avisado_en)}`); // not a newer wish of another page
      if (wishes.get(w.id_producto)?.avisado_en === w.avisado_en) wishes.delete(w.id_producto);
    }
  } finally {
    draw();
  }
}

// later keeps a wish in this tab while the person signs in.
function later(wanted) {
  try {
    sessionStorage.setItem(LATER_KEY, JSON.stringify({ ...wanted, at: Date.now() }));
  } catch {
    // without storage the person presses the button again
  }
}

// takeLater returns the wish that later kept, once, and only while that sign-in may last: later, another person may use this tab.
function takeLater() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(LATER_KEY));
    sessionStorage.removeItem(LATER_KEY);
    return kept && Date.now() - kept.at < keptFor ? kept : null;
  } catch {
    return null;
  }
}

// beginWishes shows the wishes of the person who signed in, and looks whether one is fulfilled. names returns the name of a product. It makes the
// wish that the person asked for before signing in.
export async function beginWishes(signedIn, names) {
  nameOf = names;
  if (!(await signedIn)) return;
  const wanted = takeLater();
  if (wanted) await wish(wanted.id, wanted.cantidad).catch(reportError);
  let last = -seldom;
  every(often, async () => {
    if (!enough && performance.now() - last < seldom) return;
    const before = new Map(wishes);
    let list;
    try {
      list = await get("/api/avisos/existencias");
    } catch {
      return; // the next look tries again; buying does not depend on it
    }
    if (wishes.size !== before.size || Array.from(before).some(([id, w]) => wishes.get(id) !== w)) return; // the person changed a wish meanwhile
    last = performance.now();
    enough = false;
    wishes.clear();
    for (const w of list) wishes.set(w.id_producto, w);
    draw();
  });
}
