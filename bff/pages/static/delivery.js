// Where a purchase goes: the form of the basket, and its text on the pages of a purchase.
import { get } from "./api.js";
import { byId, h } from "./dom.js";
import { parts, t } from "./words.js";

const SHOP_KEY = "tienda", DRAFT_KEY = "address-draft";
const addressKey = (usuario) => `address/${usuario}`; // a browser may be used by several persons
const fields = () => Array.from(byId("address").querySelectorAll("input[name]"));

let list; // promise of the shops

// tiendas resolves to the shops where a purchase can be picked up. Without an answer it resolves to an empty list.
export function tiendas() {
  list ??= get("/api/tiendas").catch(() => {
    list = undefined;
    return [];
  });
  return list;
}

// beginDelivery fills the form of the basket for the signed-in person, s, or for a visitor where s is null. onChange runs after each
// change of the form.
export async function beginDelivery(s, onChange) {
  restore(read(sessionStorage, DRAFT_KEY) ?? (s && read(localStorage, addressKey(s.usuario))));
  byId("remember").checked = s !== null && read(localStorage, addressKey(s.usuario)) !== null;
  byId("comprar").addEventListener("input", (e) => {
    if (e.target.name !== undefined) validate(e.target);
    onChange();
  });
  const found = await tiendas();
  const chosen = read(localStorage, SHOP_KEY);
  byId("tienda").replaceChildren(...found.map((x) => h("option", { value: x.id, selected: x.id === chosen }, `${x.nombre}, ${x.ciudad}`)));
  byId("tienda").addEventListener("change", () => write(localStorage, SHOP_KEY, byId("tienda").value));
  byId("pick-up").classList.toggle("none", found.length === 0); // without the shops the purchase names none
}

// showDelivery shows the address or the shop. A hidden field is disabled: the browser does not ask for it.
export function showDelivery(domicilio) {
  byId("address").hidden = byId("address").disabled = !domicilio;
  byId("pick-up").hidden = byId("tienda").disabled = domicilio;
}

// delivery returns the fields of the purchase that say where it goes.
export function delivery(domicilio) {
  if (domicilio) return { domicilio, direccion: address() };
  return byId("tienda").value ? { domicilio, tienda: byId("tienda").value } : { domicilio };
}

const address = () => Object.fromEntries(fields().map((x) => [x.name, x.value.trim()]));

// keepDraft keeps the form in this tab while the person signs in.
export const keepDraft = () => write(sessionStorage, DRAFT_KEY, address());

// bought keeps the address in this browser where the person asked for it, and forgets it where not.
export function bought(usuario, domicilio) {
  write(sessionStorage, DRAFT_KEY, null);
  if (domicilio) write(localStorage, addressKey(usuario), byId("remember").checked ? address() : null);
}

// forgetAddress forgets what this browser keeps of a person.
export function forgetAddress(usuario) {
  write(sessionStorage, DRAFT_KEY, null);
  write(localStorage, addressKey(usuario), null);
}

// showWrong marks the fields of the address that the server refused, and focuses the first one.
export function showWrong(error) {
  const wrong = fields().filter((x) => error.fields?.includes(`direccion.${x.name}`));
  for (const x of wrong) x.setAttribute("aria-invalid", "true");
  wrong[0]?.focus();
}

// validate says what the browser does not check by itself: a telephone number has a number of digits.
function validate(field) {
  field.removeAttribute("aria-invalid");
  if (field.name !== "telefono") return;
  const digits = field.value.replaceAll(/\D/g, "").length;
  field.setCustomValidity(field.value && (digits < 7 || digits > 15 || /[^\d +()-]/.test(field.value)) ? t("delivery.telephone-wrong") : "");
}

function restore(kept) {
  if (typeof kept !== "object" || kept === null) return;
  for (const x of fields()) {
    if (typeof kept[x.name] === "string" && !x.value) x.value = kept[x.name];
    validate(x);
  }
}

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch {
    // without storage the person types it again
  }
}

// whereTo returns where the purchase c goes, for a person: an address, a shop or neither. shops are the shops, and direccion is the
// address, which a change of the live stream does not have.
export function whereTo(c, direccion, shops) {
  if (c.domicilio) {
    if (!direccion) return [t("unit.home")];
    return [h("address", {}, h("span", {}, t("unit.home")), [direccion.destinatario, direccion.calle, direccion.ciudad].map((x) => h("span", { class: "verbatim" }, x)),
      h("a", { href: `tel:${direccion.telefono.replaceAll(/[^\d+]/g, "")}` }, direccion.telefono))];
  }
  const shop = shops.find((x) => x.id === c.tienda);
  if (!shop) return [c.tienda ? parts("delivery.at", { tienda: c.tienda }) : t("delivery.pick-up")].flat();
  return [h("address", {}, [t("delivery.at", { tienda: shop.nombre }), shop.direccion, shop.ciudad].map((x) => h("span", {}, x)))];
}
