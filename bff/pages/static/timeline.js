// The history of a purchase as a timeline: the steps that are done, and the steps that are still to come.
import { date, duration, estados, h, s, time } from "./dom.js";
import { byRollback, byState, entering } from "./saga.js";
import { parts, t, tell, tellMotivo } from "./words.js";

// drawings has the SVG path for the dot of a step, by the tone of the step.
const drawings = {
  done: "m3 8.5 3.2 3.2L13 5",
  undone: "M4 4v4h4M4.4 8A5 5 0 1 1 6 11.6",
  failed: "m4.5 4.5 7 7m0-7-7 7",
  cancelled: "m4.5 4.5 7 7m0-7-7 7",
};

const titles = {
  RECIBIDA: t("timeline.RECIBIDA"),
  ...byState((step) => step.title),
  POR_APROBAR: t("timeline.POR_APROBAR"),
  Aprobacion: t("timeline.Aprobacion"),
  CONFIRMADA: t("timeline.CONFIRMADA"),
  DESPACHADA: t("timeline.DESPACHADA"),
  COMPENSANDO: t("timeline.COMPENSANDO"),
  RECHAZADA: t("timeline.RECHAZADA"),
  CANCELADA: t("timeline.CANCELADA"),
  FALLIDA: t("timeline.FALLIDA"),
  Borrado: t("timeline.Borrado"),
  ...byRollback((step) => step.undone),
};

// wholePath are the states of a purchase that succeeds, after RECIBIDA.
const wholePath = [...entering.map((step) => step.state), "CONFIRMADA", "DESPACHADA"];

// titlesNow has, for each state, the title of the work that is done before the purchase enters that state.
const titlesNow = { [wholePath[0]]: t("timeline.beginning") };
entering.forEach((step, i) => { titlesNow[wholePath[i + 1]] = step.doing; });

const tones = { COMPENSANDO: "undone", ...byRollback(() => "undone"), RECHAZADA: "failed", CANCELADA: "cancelled", FALLIDA: "failed" };

// stepTitle returns the title of an entry of the history of c. A purchase that is picked up is not on its way to the customer.
export function stepTitle(paso, c) {
  if (paso === "DESPACHADA" && !c.domicilio) return t("timeline.DESPACHADA-shop");
  return titles[paso] ?? estados[paso]?.[0] ?? paso;
}

const toneOf = (paso) => tones[paso] ?? "done";

// pathAhead returns the states that a purchase in state estado has not entered yet.
function pathAhead(estado) {
  switch (estado) {
    case "RECIBIDA":
      return wholePath;
    case "POR_APROBAR":
      return ["CONFIRMADA", "DESPACHADA"];
    case "COMPENSANDO":
      return [];
    default: {
      const i = wholePath.indexOf(estado);
      return i < 0 ? [] : wholePath.slice(i + 1);
    }
  }
}

// forCustomers are the steps that a customer reads: what happens inside, and how it is undone, says nothing to them.
const forCustomers = ["RECIBIDA", wholePath[0], "POR_APROBAR", "Aprobacion", "CONFIRMADA", "DESPACHADA", "RECHAZADA", "CANCELADA", "FALLIDA"];

// drawSteps updates the list, and returns the entries of the history that it added. For a customer the list has only the steps that
// concern them, to the minute, and also those that are still to come.
export function drawSteps(list, c, { customer = true } = {}) {
  const before = Number(list.dataset.last ?? 0);
  const added = c.historia.filter((x) => x.numero > before && (!customer || forCustomers.includes(x.paso)));
  for (const li of list.querySelectorAll(".now, .ahead")) li.remove();
  const start = new Date(c.creada_en);
  for (const entry of added) {
    const repeated = c.historia.some((x) => x.numero < entry.numero && x.detalle === entry.detalle); // the list shows the same text only once
    const tone = toneOf(entry.paso);
    list.append(h("li", { class: `step ${tone}${before ? " new" : ""}`, "data-step": entry.paso },
      dot(tone), h("h3", {}, stepTitle(entry.paso, c)), customer ? time(entry.en, date(entry.en)) : moment(entry, start), entry.detalle && !repeated && h("p", { class: "verbatim" }, tell(entry)), author(entry)));
  }
  list.dataset.last = c.historia.at(-1)?.numero ?? 0;
  for (const li of list.querySelectorAll("[data-step=POR_APROBAR]")) li.classList.toggle("waiting", c.estado === "POR_APROBAR"); // the approval is not done yet
  if (customer) {
    if (c.estado === "COMPENSANDO") list.append(pending("now", t("timeline.undoing")));
    const waits = c.estado === "CONFIRMADA" || c.estado === "POR_APROBAR"; // the purchase waits for a person
    const now = pathAhead(c.estado)[0];
    const later = pathAhead(c.estado).filter((paso) => paso !== now && forCustomers.includes(paso));
    [now, ...later].filter(Boolean).forEach((paso, i) => list.append(i === 0 && !waits ? pending("now", titlesNow[paso]) : pending("ahead", stepTitle(paso, c))));
  }
  return added;
}

// author returns who is behind an entry. A customer reads only that an operator did something, and not that she herself did the rest. Some
// texts say it already.
function author({ sujeto, rol, tipo }) {
  const who = document.body.dataset.role === "operador" ? { operador: t("timeline.by", { sujeto }), cliente: t("timeline.by-customer", { sujeto }) }[rol]
    : rol === "operador" && !["CompraAprobada", "AprobacionNegada"].includes(tipo) && t("timeline.by-operator");
  return who && h("p", { class: "muted verbatim" }, who);
}

function pending(when, text) {
  return h("li", { class: `step ${when}` }, h("span", { class: "dot", "aria-hidden": "true" }), h("h3", {}, text), h("span", { class: "visually-hidden" }, when === "now" ? t("timeline.now") : t("timeline.ahead")));
}

function dot(tone) {
  return h("span", { class: "dot", "aria-hidden": "true" }, s("svg", { viewBox: "0 0 16 16" }, s("path", { d: drawings[tone] })));
}

function moment(entry, start) {
  const instant = time(entry.en);
  const elapsed = new Date(entry.en) - start;
  if (elapsed > 0) instant.append(h("span", {}, ` · +${duration(elapsed)}`));
  return instant;
}

const summaries = {
  RECIBIDA: t("summary.RECIBIDA"),
  ...byState((step) => step.summary),
  POR_APROBAR: t("summary.POR_APROBAR"),
  CONFIRMADA: t("summary.CONFIRMADA"),
  DESPACHADA: t("summary.DESPACHADA"),
  COMPENSANDO: t("summary.COMPENSANDO"),
  RECHAZADA: t("summary.RECHAZADA"),
  CANCELADA: t("summary.CANCELADA"),
  FALLIDA: t("summary.FALLIDA"),
};

// summary returns a sentence about a purchase in the state estado; domicilio says whether it has home delivery.
export function summary(estado, domicilio) {
  if (!domicilio && estado === "CONFIRMADA") return t("summary.CONFIRMADA-shop");
  if (!domicilio && estado === "DESPACHADA") return t("summary.DESPACHADA-shop");
  return summaries[estado] ?? "";
}

// reasonBox returns a box with the reason why the purchase did not succeed and with the missing products. It returns null when the
// purchase has no reason.
export function reasonBox(c, nameOf) {
  if (!c.motivo && !c.faltantes?.length) return null;
  const tone = { CANCELADA: "calm", COMPENSANDO: "warn" }[c.estado] ?? "bad";
  return h("div", { class: `callout ${tone}` }, h("h2", {}, t("timeline.why")), c.motivo && h("p", { class: "verbatim" }, tellMotivo(c)),
    c.faltantes?.length ? h("ul", {}, c.faltantes.map((f) => h("li", {}, parts("timeline.missing", { producto: h("strong", {}, nameOf(f.id_producto)), solicitada: f.solicitada, disponible: f.disponible })))) : null);
}
