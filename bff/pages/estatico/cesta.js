// The basket: kept in the browser until it is bought, one for all its tabs.
const LLAVE = "cesta", LLAVE_DOMICILIO = "cesta-domicilio";

function leer() {
  try {
    const guardada = JSON.parse(localStorage.getItem(LLAVE)) ?? [];
    return new Map(guardada.filter(([id, n]) => typeof id === "string" && Number.isInteger(n) && n > 0));
  } catch {
    return new Map();
  }
}

let lineas = leer();
const oyentes = [];

// alCambiar calls hacer after each change.
export const alCambiar = (hacer) => oyentes.push(hacer);

export const cantidadDe = (id) => lineas.get(id) ?? 0;
export const enLineas = () => Array.from(lineas, ([id_producto, cantidad]) => ({ id_producto, cantidad }));
export const total = () => Array.from(lineas.values()).reduce((a, b) => a + b, 0);
export const domicilio = () => guardado(LLAVE_DOMICILIO) === "true";

// poner leaves so many of a product in the basket, none at 0.
export function poner(id, cantidad) {
  if (cantidad > 0) lineas.set(id, Math.min(cantidad, 1000000));
  else lineas.delete(id);
  guardar(LLAVE, JSON.stringify(Array.from(lineas)));
}

// ponerDomicilio keeps whether it goes to the door: it has to outlast signing in on the way to buying.
export const ponerDomicilio = (si) => guardar(LLAVE_DOMICILIO, String(si));

export function vaciar() {
  for (const id of Array.from(lineas.keys())) poner(id, 0);
  ponerDomicilio(false);
}

function guardado(llave) {
  try {
    return localStorage.getItem(llave);
  } catch {
    return null;
  }
}

function guardar(llave, valor) {
  try {
    localStorage.setItem(llave, valor);
  } catch {
    // a browser that keeps nothing has a basket all the same, for as long as the page is open
  }
  oyentes.forEach((hacer) => hacer());
}

// Another tab changed it, or bought it; a page that the browser kept was not told.
const releer = () => {
  lineas = leer();
  oyentes.forEach((hacer) => hacer());
};
addEventListener("storage", (e) => {
  if (e.key === null || e.key.startsWith(LLAVE)) releer();
});
addEventListener("pageshow", (e) => {
  if (e.persisted) releer();
});
