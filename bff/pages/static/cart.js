// The cart. The local storage of the browser keeps the cart, so all tabs show the same cart.
export const maxCantidad = 1_000_000; // contracts.MaxCantidad

const KEY = "cart", CHANGES_KEY = "buy-again", DOMICILIO_KEY = "cart-domicilio";

function load() {
  try {
    const lines = JSON.parse(localStorage.getItem(KEY)) ?? [];
    return new Map(lines.filter(([id, n]) => typeof id === "string" && Number.isInteger(n) && n > 0));
  } catch {
    return new Map();
  }
}

let lines = load();
const listeners = [];

// onChange registers a function that runs after each change of the cart, also after a change in another tab.
export const onChange = (listener) => listeners.push(listener);

export const cantidadOf = (id) => lines.get(id) ?? 0;
export const asLineas = () => Array.from(lines, ([id_producto, cantidad]) => ({ id_producto, cantidad }));
export const total = () => Array.from(lines.values()).reduce((a, b) => a + b, 0);
export const domicilio = () => stored(DOMICILIO_KEY) === "true";

// put sets the quantity of a product; 0 removes it.
export function put(id, cantidad) {
  if (cantidad > 0) lines.set(id, Math.min(cantidad, maxCantidad));
  else lines.delete(id);
  store(KEY, JSON.stringify(Array.from(lines)));
}

// putDomicilio stores whether the purchase is delivered at home. The choice must survive the sign-in.
export const putDomicilio = (chosen) => store(DOMICILIO_KEY, String(chosen));

export function clear() {
  for (const id of Array.from(lines.keys())) put(id, 0);
  putDomicilio(false);
}

// buyAgain puts the lines into the cart, and keeps what differs from what the person asked for: [{id, solicitada, cantidad}].
export function buyAgain(lineas) {
  for (const { id, cantidad } of lineas) put(id, cantidad);
  store(CHANGES_KEY, JSON.stringify(lineas.filter((l) => l.cantidad !== l.solicitada)));
}

// takeChanges returns what buyAgain kept, once.
export function takeChanges() {
  const kept = stored(CHANGES_KEY);
  if (kept !== null) store(CHANGES_KEY, "[]");
  try {
    return JSON.parse(kept) ?? [];
  } catch {
    return [];
  }
}

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // without local storage the cart lives as long as the page
  }
  listeners.forEach((listener) => listener());
}

function reload() {
  lines = load();
  listeners.forEach((listener) => listener());
}

// Another tab changed the cart, or bought its content and emptied it.
addEventListener("storage", (e) => {
  if (e.key === null || e.key.startsWith(KEY)) reload();
});
// The browser shows this page again from its back/forward cache. The page got no events while it was in the cache.
addEventListener("pageshow", (e) => {
  if (e.persisted) reload();
});
