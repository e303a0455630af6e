// Requests of the pages to the public API, and the session of the person.
import { has, language, t } from "./words.js";

// Problem is the error for a response that is not a success. Its message is text for a person. status is the HTTP status, or 0 when
// there was no response. errores has the wrong fields, each with its detail in Spanish. code is the end of the problem's type: "no-encontrado".
class Problem extends Error {
  constructor(status, body) {
    super(inWords(status, body));
    this.status = status;
    this.code = codeOf(body);
    this.errores = body.errores ?? [];
    this.fields = this.errores.map((e) => e.campo);
    this.details = Object.fromEntries(this.errores.map((e) => [e.campo, e.detalle])); // Spanish
  }
}

const codeOf = (body) => (body.type ?? "").split(":").at(-1); // urn:entregas:problema:no-encontrado

// inWords returns the text of a problem for a person. The API tells it in Spanish. In another language the page tells what the code
// means, and adds the Spanish text where it says more: what is wrong with the request, or with the state of a purchase.
function inWords(status, body) {
  const details = (body.errores ?? []).map((e) => `${e.campo}: ${e.detalle}`);
  const spanish = [body.detail || body.title || t("problem.status", { status: String(status) }), ...details].join(" ");
  const code = codeOf(body);
  if (language === "es" || !has(`problem.${code}`)) return spanish;
  return ["invalido", "conflicto", "cuota", "demasiado"].includes(code) ? t("problem.with-detail", { text: t(`problem.${code}`), detail: spanish }) : t(`problem.${code}`);
}

// textOf returns the text of a problem inside an answer, for a person.
export const textOf = (problem) => inWords(problem.status, problem);

let known; // promise of the session {usuario, roles, csrf}, or of null

// session resolves to the session, or to null when nobody is signed in.
export function session() {
  known ??= request("GET", "/sesion").then((s) => (s.usuario ? s : null)).catch((e) => {
    if (e.status === 401 || e.status === 404) return null;
    known = undefined;
    throw e;
  });
  return known;
}

// get resolves to the JSON at path.
export const get = (path, options) => request("GET", path, undefined, options);

// post sends body to path. key is the Idempotency-Key: the server does the work once for each key.
export const post = (path, body, options) => write("POST", path, body, options);

// put stores what is at path, patch changes it, and remove deletes it. A second one changes nothing, so they need no key.
export const put = (path, body) => write("PUT", path, body);
export const patch = (path, body) => write("PATCH", path, body);
export const remove = (path) => write("DELETE", path);

async function write(method, path, body, { key } = {}) {
  const before = await session();
  const as = (s) => request(method, path, body, { headers: { ...(s && { "X-CSRF-Token": s.csrf }), ...(key && { "Idempotency-Key": key }) } });
  try {
    return await as(before);
  } catch (e) {
    if (e.status !== 403) throw e;
    const now = await newerSession(before);
    if (!now) throw e;
    return as(now);
  }
}

// newerSession resolves to the current session when the same person signed in again in another tab: the new session has another CSRF
// token. It resolves to null when the session is still the session before. It throws when another person signed in, because this page
// shows the data of the first person.
async function newerSession(before) {
  known = undefined;
  const now = await session();
  if (!now || now.csrf === before?.csrf) return null;
  if (before && now.usuario !== before.usuario) throw new Problem(403, { detail: t("problem.other-person", { usuario: now.usuario }) });
  return now;
}

// download saves the CSV file at path. The browser gives it the name that the server says, or else name.
export async function download(path, name) {
  const { response, file } = await request("GET", path, undefined, { headers: { Accept: "text/csv" }, asFile: true });
  const given = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = given ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000); // the browser reads the file after the click
}

// request resolves to the JSON of a response, or with asFile to the response and its body as a file.
async function request(method, path, body, { headers = {}, signal, asFile = false } = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers }, signal, credentials: "same-origin" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let r, text, file;
  try {
    r = await fetch(path, options);
    if (asFile && r.ok) file = await r.blob(); // it fails where the server ends a file early
    else text = await r.text();
  } catch (e) {
    if (e.name === "AbortError") throw e;
    throw new Problem(0, { detail: t("problem.offline") });
  }
  if (file) return { response: r, file };
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    data = null;
  }
  if (r.status === 401 && path !== "/sesion") {
    known = undefined;
    // A 401 of another path is no proof that the session ended: the store of the sessions may have failed for a moment. Only /sesion
    // decides.
    if (await session().catch(() => true)) throw new Problem(503, { detail: t("problem.session-unchecked") });
    dispatchEvent(new Event("session-ended")); // frame.js tells the person: the text of the API about tokens is not for a person
    throw new Problem(401, { detail: t("problem.session-ended") });
  }
  if (!r.ok) throw new Problem(r.status, data ?? {});
  return data;
}

// newKey returns a random Idempotency-Key.
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

const NAMES_KEY = "product-names";
const namesAgain = 3000; // ms after which the names are read again that could not be read

// productoNames resolves to a function that returns the name of a product by its id. The browser keeps the names: when they cannot be
// read, the function returns those of before, and the names of now once they can be. For an unknown product it returns the id.
export async function productoNames() {
  const names = new Map();
  const read = async () => {
    for (const p of await get("/api/productos")) names.set(p.id, p.nombre);
  };
  try {
    await read();
    keep(NAMES_KEY, Array.from(names));
  } catch {
    for (const [id, name] of kept(NAMES_KEY)) names.set(id, name);
    setTimeout(() => read().catch(() => {}), namesAgain);
  }
  return (id) => names.get(id) ?? t("unit.product", { id });
}

function keep(key, value) {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // without local storage the names last as long as the page
  }
}

function kept(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? [];
  } catch {
    return [];
  }
}

// query returns the values as a query string, without the empty ones: "?a=1&b=2".
export function query(values) {
  const q = new URLSearchParams(Object.entries(values).filter(([, v]) => v !== "" && v !== undefined && v !== null));
  return q.size ? `?${q}` : "";
}
