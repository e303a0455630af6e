// The basket: kept in the browser until it is bought.
const LLAVE = "cesta";

function leer() {
  try {
    const guardada = JSON.parse(localStorage.getItem(LLAVE)) ?? [];
    return new Map(guardada.filter(([id, n]) => typeof id === "string" && Number.isInteger(n) && n > 0));
  } catch {
    return new Map();
  }
}

const lineas = leer();
const oyentes = [];

// alCambiar calls hacer after each change.
export const alCambiar = (hacer) => oyentes.push(hacer);

export const cantidadDe = (id) => lineas.get(id) ?? 0;
export const enLineas = () => Array.from(lineas, ([id_producto, cantidad]) => ({ id_producto, cantidad }));
export const total = () => Array.from(lineas.values()).reduce((a, b) => a + b, 0);

// poner leaves so many of a product in the basket, none at 0.
export function poner(id, cantidad) {
  if (cantidad > 0) lineas.set(id, Math.min(cantidad, 1000000));
  else lineas.delete(id);
  localStorage.setItem(LLAVE, JSON.stringify(Array.from(lineas)));
  oyentes.forEach((hacer) => hacer(id));
}

export function vaciar() {
  for (const id of Array.from(lineas.keys())) poner(id, 0);
}
