// The public API and the session, for the pages.

// Problema is an answer that is not a success, in words for a person.
export class Problema extends Error {
  constructor(estado, cuerpo) {
    const detalles = (cuerpo.errores ?? []).map((e) => `${e.campo}: ${e.detalle}`);
    super([cuerpo.detail || cuerpo.title || `El servidor respondió ${estado}.`, ...detalles].join(" "));
    this.estado = estado;
  }
}

let laSesion; // promise of {usuario, roles, csrf}, or of null

// sesion gives who is signed in, null when nobody is.
export function sesion() {
  laSesion ??= pedir("GET", "/sesion").then((s) => (s.usuario ? s : null)).catch((e) => {
    if (e.estado === 401 || e.estado === 404) return null;
    laSesion = undefined;
    throw e;
  });
  return laSesion;
}

// leer gives the JSON at ruta.
export const leer = (ruta, opciones) => pedir("GET", ruta, undefined, opciones);

// enviar posts cuerpo. clave is the Idempotency-Key: with the same one, sending again does nothing more.
export async function enviar(ruta, cuerpo, { clave } = {}) {
  const antes = await sesion();
  const como = (s) => pedir("POST", ruta, cuerpo, { cabeceras: { ...(s && { "X-CSRF-Token": s.csrf }), ...(clave && { "Idempotency-Key": clave }) } });
  try {
    return await como(antes);
  } catch (e) {
    if (e.estado !== 403) throw e;
    const ahora = await otraSesion(antes);
    if (!ahora) throw e;
    return como(ahora);
  }
}

// otraSesion gives the session that took the place of antes: who signs in again in another tab has another CSRF token there.
// It throws where that is somebody else, of whom this page shows nothing, and gives null where it is the same session.
async function otraSesion(antes) {
  laSesion = undefined;
  const ahora = await sesion();
  if (!ahora || ahora.csrf === antes?.csrf) return null;
  if (antes && ahora.usuario !== antes.usuario) throw new Problema(403, { detail: `En otra pestaña entró ${ahora.usuario}. Vuelva a cargar la página.` });
  return ahora;
}

async function pedir(metodo, ruta, cuerpo, { cabeceras = {}, senal } = {}) {
  const opciones = { method: metodo, headers: { Accept: "application/json", ...cabeceras }, signal: senal, credentials: "same-origin" };
  if (cuerpo !== undefined) {
    opciones.headers["Content-Type"] = "application/json";
    opciones.body = JSON.stringify(cuerpo);
  }
  let r;
  try {
    r = await fetch(ruta, opciones);
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Problema(0, { detail: "No hay conexión con el servidor. Intente de nuevo." });
  }
  const texto = await r.text();
  let datos = null;
  try {
    datos = texto ? JSON.parse(texto) : null;
  } catch {
    datos = null;
  }
  if (r.status === 401 && ruta !== "/sesion") {
    laSesion = undefined;
    // Only /sesion is believed: the store that holds it may have been away for a moment.
    if (await sesion().catch(() => true)) throw new Problema(503, { detail: "No pudimos comprobar su sesión. Intente de nuevo." });
    dispatchEvent(new Event("sesion-terminada")); // marco.js tells it: what the API says of tokens is not for a person
    throw new Problema(401, { detail: "Su sesión terminó. Entre otra vez para seguir." });
  }
  if (!r.ok) throw new Problema(r.status, datos ?? {});
  return datos;
}

// nuevaClave names one sending.
export function nuevaClave() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

// nombres gives the products' names by id, the id itself where one is not known.
export async function nombres() {
  let lista = [];
  try {
    lista = await leer("/api/productos");
  } catch {
    // names are a help: a page goes on without
  }
  const m = new Map(lista.map((p) => [p.id, p.nombre]));
  return (id) => m.get(id) ?? `Producto ${id}`;
}

// consulta is ?a=b… of what has a value.
export function consulta(valores) {
  const q = new URLSearchParams(Object.entries(valores).filter(([, v]) => v !== "" && v !== undefined && v !== null));
  return q.size ? `?${q}` : "";
}
