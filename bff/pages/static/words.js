// The words of the page in the language of the person. words/*.json has them; the page has those that its scripts use.
const data = JSON.parse(document.getElementById("words").textContent);

export const language = data.language;
export const locale = data.locale;

const plurals = new Intl.PluralRules(locale);
const integers = new Intl.NumberFormat(locale);
export const number = (n) => integers.format(n);

// t returns the text with the key. values has what stands in its places: {n} is values.n. A number is written as the language writes
// numbers. A text with plural forms is chosen by values.n.
//
// The key must be a whole string in double quotes, or a template that begins with the group and a dot. The server finds the keys of a
// page by this form.
export const t = (key, values) => parts(key, values).join("");

// has reports whether there is a text with the key.
export const has = (key) => data.texts[key] !== undefined;

// parts is like t, for a text with elements in its places. It returns an array of strings and elements.
export function parts(key, values = {}) {
  let text = data.texts[key];
  if (text === undefined) {
    console.error("words:", key);
    return [key];
  }
  if (typeof text !== "string") text = text[plurals.select(Number(values.n))] ?? text.other;
  return text.split(/\{(\w+)\}/).map((piece, i) => {
    if (i % 2 === 0) return piece;
    return typeof values[piece] === "number" ? number(values[piece]) : values[piece] ?? "";
  }).filter((piece) => piece !== "");
}

// tell returns the text of an entry of a history. The API tells it in Spanish. For a text of the table of steps there is one in the
// language of the page. Other texts were written by a person, and stay as they are.
export function tell({ tipo, paso, detalle }) {
  if (paso === "POR_APROBAR") return t("timeline.awaits"); // its text has numbers and an instant, which the page shows elsewhere
  const known = data.details[tipo];
  return cancelledWithoutReason(detalle) ?? (known?.spanish === detalle ? known.text : detalle);
}

// tellMotivo returns the reason of a purchase, as tell does: it is the text of an entry of its history, which a list does not have.
export function tellMotivo({ motivo }) {
  return cancelledWithoutReason(motivo) ?? Object.values(data.details).find((x) => x.spanish === motivo)?.text ?? motivo;
}

// cancelledWithoutReason returns who cancelled a purchase for which nobody gave a reason, and undefined for another text. A customer
// reads about themselves.
function cancelledWithoutReason(text) {
  if (text === data.cancelled.operador) return t("timeline.cancelled-operador");
  if (text !== data.cancelled.cliente) return undefined;
  return document.body.dataset.role === "cliente" ? t("timeline.cancelled-you") : t("timeline.cancelled-cliente");
}
