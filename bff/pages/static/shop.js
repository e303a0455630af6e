import { get, newKey, post, query, session } from "./api.js";
import * as cart from "./cart.js";
import { byId, h, number } from "./dom.js";
import { beginDelivery, bought, delivery, keepDraft, showDelivery, showWrong } from "./delivery.js";
import { amount, sumOf } from "./money.js";
import { begin, emptyState, every, notify, signIn, withButton } from "./frame.js";
import { peak } from "./peak.js";
import { beginWishes, showWish, wishBox } from "./wishes.js";
import { t } from "./words.js";

const freshText = byId("freshness").textContent;
const few = 20; // a product with at most this many units in stock shows the number of units
const signedIn = begin({ open: true });
const shown = new Map(); // by id of the product: the elements whose content changes
const names = new Map(), stock = new Map(), prices = new Map();

async function refresh() {
  const buscar = byId("query").value.trim();
  let list;
  try {
    list = await get(`/api/productos${query({ buscar })}`);
    const known = new Set(list.map((p) => p.id));
    if (buscar && cart.asLineas().some((l) => !known.has(l.id_producto))) learn(await get("/api/productos")); // the cart has products that the search does not show
  } catch (e) {
    const wrong = e.details?.buscar;
    byId("query").toggleAttribute("aria-invalid", wrong !== undefined);
    if (wrong !== undefined) showInstead(t("shop.search-wrong"), t("shop.search-wrong-text", { detail: wrong }));
    else if (shown.size) byId("freshness").textContent = t("shop.stale", { problem: e.message });
    else showInstead(t("shop.unreadable"), e.message);
    return;
  }
  if (buscar !== byId("query").value.trim()) return; // the person went on typing
  byId("query").removeAttribute("aria-invalid");
  if (byId("freshness").textContent !== freshText) byId("freshness").textContent = freshText;
  learn(list);
  show(list, buscar);
  drawCart();
}

function learn(list) {
  for (const p of list) {
    names.set(p.id, p.nombre);
    stock.set(p.id, p.cantidad);
    prices.set(p.id, p);
  }
}

const nameOf = (id) => names.get(id) ?? t("unit.product", { id });

// showChanges tells which quantities of a refused purchase went into the cart, where they are not those that the person asked for.
function showChanges() {
  const changes = cart.takeChanges();
  if (!changes.length) return;
  byId("cart-changes").replaceChildren(h("div", { class: "callout" }, h("h3", {}, t("cart.again-title")),
    h("ul", {}, changes.map(({ id, solicitada, cantidad }) => h("li", {}, cantidad
      ? t("cart.again-less", { producto: nameOf(id), solicitada, n: cantidad }) : t("cart.again-none", { producto: nameOf(id) }))))));
  byId("cart-title").focus();
}

function show(list, buscar) {
  const ids = list.map((p) => p.id).join();
  if (byId("productos").dataset.shown !== ids) {
    shown.clear();
    byId("productos").replaceChildren(...list.map(card));
    if (!list.length) showInstead(t("shop.no-match"), t("shop.no-match-text"));
    byId("productos").dataset.shown = ids;
    byId("count").textContent = buscar ? t("shop.found", { n: list.length }) : "";
  }
  for (const p of list) showExistencias(p);
}

// showInstead shows a text in place of the products.
function showInstead(title, text) {
  delete byId("productos").dataset.shown; // so the next answer differs from the shown content and is drawn
  byId("productos").replaceChildren(h("li", { class: "no-match" }, emptyState(title, text)));
}

function card(p) {
  const parts = { existencias: h("p", { class: "existencias" }), price: h("p", { class: "price" }) };
  shown.set(p.id, parts);
  const [name, size] = p.nombre.split(/, (.*)/s); // "Arroz, 5 kg"
  return h("li", { class: "producto" }, peak(p.id),
    h("div", { class: "producto-body" }, h("h2", {}, size ? `${name}, ` : name, size && h("small", {}, size)), parts.price, parts.existencias,
      h("button", {
        class: "button", type: "button", "data-add": p.id, "aria-label": t("shop.add-label", { producto: p.nombre }),
        onclick: () => {
          cart.put(p.id, cart.cantidadOf(p.id) + 1);
          notify(t("shop.added", { producto: p.nombre, n: cart.cantidadOf(p.id) }));
        },
      }, t("shop.add")), wishBox(p.id, (wish) => wish?.cantidad ?? 1)));
}

function showExistencias(p) {
  const { existencias, price } = shown.get(p.id);
  const cost = p.precio ? amount(p.precio, p.moneda) : t("shop.no-price");
  if (price.textContent !== cost) price.textContent = cost;
  const text = p.cantidad === 0 ? t("shop.none") : p.cantidad <= few ? t("shop.few", { n: p.cantidad }) : t("shop.stock", { n: p.cantidad });
  if (existencias.textContent !== text) existencias.textContent = text;
  existencias.className = `existencias${p.cantidad === 0 ? " none" : p.cantidad <= few ? " few" : ""}`;
  const add = existencias.parentElement.querySelector("[data-add]");
  add.hidden = add.disabled = p.cantidad === 0; // the person can ask to be told instead
  showWish(existencias.parentElement, p.cantidad === 0);
}

// drawCart updates the lines of the cart. A line that stays keeps its elements: a person who types a number keeps the focus.
function drawCart() {
  const list = byId("lines");
  const lineas = cart.asLineas();
  for (const li of Array.from(list.children)) if (!cart.cantidadOf(li.dataset.id)) li.remove();
  for (const { id_producto: id, cantidad } of lineas) {
    let li = Array.from(list.children).find((x) => x.dataset.id === id);
    if (!li) list.append(li = cartLine(id));
    updateLine(li, id, cantidad);
  }
  byId("cart-empty").hidden = lineas.length > 0;
  byId("comprar").hidden = lineas.length === 0;
  const tooMuch = lineas.filter((l) => l.cantidad > stock.get(l.id_producto)).length;
  byId("buy").disabled = tooMuch > 0;
  const why = tooMuch ? t("cart.too-much", { n: tooMuch }) : "";
  if (byId("too-much").textContent !== why) byId("too-much").textContent = why;
  byId("domicilio").checked = cart.domicilio();
  showDelivery(cart.domicilio());
  byId("units").textContent = number(cart.total());
  const sum = sumOf(lineas, (id) => prices.get(id));
  byId("sum").textContent = sum?.total ? amount(sum.total, sum.moneda) : "—";
  byId("sum-note").textContent = sum?.total ? t("cart.estimate") : sum ? t("cart.too-dear") : prices.size ? t("cart.no-total") : "";
  byId("threshold").textContent = cart.total() > 100 ? t("cart.large") : "";
  byId("to-cart").hidden = lineas.length === 0;
  byId("to-cart").textContent = t("cart.see-units", { unidades: t("unit.unidades", { n: cart.total() }) });
}

// updateLine sets what changes in a line. The product's name is unknown until the products were read.
function updateLine(li, id, cantidad) {
  const name = nameOf(id);
  const left = stock.get(id);
  li.querySelector(".name").textContent = name;
  const cost = sumOf([{ id_producto: id, cantidad }], (x) => prices.get(x));
  li.querySelector(".each").textContent = cost?.total ? amount(cost.total, cost.moneda) : "";
  li.querySelector(".existencias").textContent = cantidad > left ? (left === 0 ? t("shop.none") : t("cart.only", { n: left })) : "";
  const [less, field, more] = li.querySelector(".stepper").children;
  less.setAttribute("aria-label", t("cart.less", { producto: name }));
  field.setAttribute("aria-label", t("cart.quantity", { producto: name }));
  more.setAttribute("aria-label", t("cart.more", { producto: name }));
  if (field.value !== String(cantidad)) field.value = cantidad;
  showWish(li, cantidad > left);
}

function cartLine(id) {
  const change = (n) => {
    cart.put(id, n);
    if (n > 0) return;
    notify(t("cart.removed", { producto: nameOf(id) }));
    byId("cart-title").focus();
  };
  // typed takes what the person typed. Where the quantity cannot be that, it says which one it is.
  const typed = (field) => {
    const wanted = field.value === "" ? NaN : Number(field.value);
    const n = Number.isNaN(wanted) ? cart.cantidadOf(id) : Math.min(cart.maxCantidad, Math.max(0, Math.floor(wanted)));
    change(n);
    field.value = n;
    if (n > 0 && n !== wanted) notify(t("cart.set", { producto: nameOf(id), n }));
  };
  return h("li", { "data-id": id }, h("span", {}, h("span", { class: "name" }), h("small", { class: "each muted" }), h("small", { class: "existencias few" }),
    wishBox(id, () => cart.cantidadOf(id))),
    h("span", { class: "stepper" },
      h("button", { type: "button", onclick: () => change(cart.cantidadOf(id) - 1) }, "−"),
      h("input", {
        type: "number", min: "0", max: "1000000", inputmode: "numeric",
        onchange: (e) => typed(e.target),
      }),
      h("button", { type: "button", onclick: () => change(cart.cantidadOf(id) + 1) }, "+")));
}

let key = newKey(); // the Idempotency-Key for the present content of the cart: two presses of the button make one purchase
cart.onChange(() => {
  key = newKey();
  drawCart();
});
signedIn.then((s) => beginDelivery(s, () => { key = newKey(); }));
byId("domicilio").addEventListener("change", (e) => cart.putDomicilio(e.currentTarget.checked));

byId("comprar").addEventListener("submit", (e) => {
  e.preventDefault();
  withButton(e.submitter, async () => {
    const s = await session(); // at its start the page may have got no answer about the session
    if (!s) {
      keepDraft();
      signIn();
      return;
    }
    let accepted;
    const domicilio = cart.domicilio();
    try {
      accepted = await post("/api/compras", { id_usuario: s.usuario, productos: cart.asLineas(), ...delivery(domicilio) }, { key });
    } catch (error) {
      if (error.status !== 401) {
        showWrong(error);
        throw error;
      }
      keepDraft();
      signIn(); // the session ended meanwhile; the cart stays
      return;
    }
    bought(s.usuario, domicilio);
    cart.clear();
    location.assign(`/compras/${accepted.id}`);
  }).finally(drawCart); // withButton enables the button, whatever the stock
});

byId("search").addEventListener("submit", (e) => e.preventDefault());
let typing;
byId("query").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(refresh, 180);
});

// On a phone the cart is below the products. The link to the cart hides while the cart is visible.
new IntersectionObserver(([entry]) => byId("to-cart").classList.toggle("reached", entry.isIntersecting), { rootMargin: "0px 0px -96px" })
  .observe(byId("cart"));

drawCart();
every(5000, refresh).then(showChanges);
beginWishes(signedIn, nameOf);
