// A purchase's saga as a sequence diagram: commands, replies and states, each at its time.
import { duration, estados, h, s, time } from "./dom.js";
import { owner, participants, refusals, rollbacks } from "./saga.js";
import { locale, t } from "./words.js";

const services = ["gestor-compra", ...participants];

// named returns the name of an actor: the customer has one in the language of the page, a service has its own.
const named = (actor) => (actor === "cliente" ? t("sequence.client") : actor);

// senders maps the messages that gestor-compra gets without a command of its own to their senders.
const senders = { CrearCompra: "cliente", CancelarCompra: "cliente", OrdenDespachada: "ordenes" };

const ms = (instant) => new Date(instant).getTime();

// events returns commands, replies and states in the order of their times. orden is the order, or null when it was not dispatched.
function events(c, mensajes, orden) {
  const list = [...mensajes.flatMap(messageEvents), ...historyEvents(c, mensajes, orden)];
  if (orden?.estado === "DESPACHADA") list.push({ at: ms(orden.actualizada_en), from: "ordenes", to: "gestor-compra", text: "OrdenDespachada", tone: "reply" });
  list.sort((a, b) => a.at - b.at);
  // One transaction stores a state and the next command, at the same time. The list has the state before the command.
  for (let i = 1; i < list.length; i++) {
    if (list[i].isState && list[i - 1].isCommand && list[i].at - list[i - 1].at < 5) [list[i - 1], list[i]] = [list[i], list[i - 1]];
  }
  return list;
}

// messageEvents returns a command, its reply, and the replies that came too late.
function messageEvents(m) {
  const list = [];
  const participant = owner(m.comando) ?? participants.at(-1); // a purchase of another release may have a command that this table does not have
  const tone = rollbacks.includes(m.comando) ? "rollback" : "";
  list.push({ at: ms(m.preguntada_en), from: "gestor-compra", to: participant, text: m.comando, tone, isCommand: true });
  if (m.respuesta && m.respondida_en) {
    list.push({
      at: ms(m.respondida_en), from: participant, to: "gestor-compra", text: m.respuesta,
      tone: refusals.includes(m.respuesta) ? "reply refusal" : `reply ${tone}`, took: ms(m.respondida_en) - ms(m.preguntada_en), command: m.comando,
    });
  }
  if (m.abandonada_en) list.push({ at: ms(m.abandonada_en), isState: true, text: t("sequence.no-reply", { comando: m.comando }), tone: "warn" });
  for (const late of m.tardias ?? []) list.push({ at: ms(late.en), from: participant, to: "gestor-compra", text: t("sequence.late", { tipo: late.tipo }), tone: "reply" });
  return list;
}

// historyEvents returns the states of the purchase, and the messages that created, cancelled or dispatched it.
function historyEvents(c, mensajes, orden) {
  const list = [];
  const firstRollback = Math.min(...mensajes.filter((m) => rollbacks.includes(m.comando)).map((m) => ms(m.preguntada_en)));
  const arrived = new Set(orden ? ["OrdenDespachada"] : []);
  for (const x of c.historia) {
    const at = ms(x.en);
    const sender = senders[x.tipo];
    if (sender && !arrived.has(x.tipo)) {
      // A cancellation after CONFIRMADA is in the history only when ordenes has agreed. The customer asked earlier, before the first
      // rollback.
      const asked = x.tipo === "CancelarCompra" ? Math.min(at, firstRollback) : at;
      list.push({ at: asked - 0.5, from: sender, to: "gestor-compra", text: x.tipo, tone: sender === "ordenes" ? "reply" : "" });
    }
    arrived.add(x.tipo);
    if (x.paso === "COMPENSANDO" && x.tipo === "AprobacionNegada") list.push({ at: at - 0.4, isState: true, text: t("sequence.refused"), tone: "bad" });
    if (x.paso === "Aprobacion") list.push({ at, isState: true, text: t("sequence.approved"), tone: "good" }); // a decision, drawn like a state
    if (estados[x.paso]) list.push({ at, isState: true, text: estados[x.paso][0], tone: estados[x.paso][1] });
  }
  return list;
}

const rowHeight = 38, headHeight = 44;

// narrow is the media query for a phone. A phone has no room for the lane of the customer: the messages of the customer begin at the
// left edge.
export const narrow = "(max-width: 40rem)";

// layouts have the distance between two lanes, which has room for a label, and the smallest scale at which the diagram is drawn
// before it scrolls.
const layouts = {
  wide: { distance: 222, margin: 84, halfBox: 62, scale: 0.66, actors: ["cliente", ...services] },
  narrow: { distance: 190, margin: 82, halfBox: 58, scale: 1, actors: services },
};
let layout = layouts.wide;

// x returns the horizontal position of the lane of an actor. For an actor without a lane it returns the margin.
const x = (actor) => {
  const { distance, margin, halfBox, actors } = layout;
  const i = actors.indexOf(actor);
  return i < 0 ? margin : margin + halfBox + i * distance;
};

// rightOfTimes returns the leftmost centre of a text of width 2 * half that does not cover the times at the margin.
const rightOfTimes = (half) => layout.margin - 2 + half;

const seconds = new Intl.NumberFormat(locale, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
const elapsed = (ms) => `+${ms < 1000 || ms >= 60_000 ? duration(ms) : `${seconds.format(ms / 1000)} s`}`;

const widthOfTime = 7; // of a character of a time, in the units of the diagram

// draw draws the events into place and returns them as a table. orden is the order, or null when it was not dispatched.
export function draw(place, c, mensajes, orden) {
  const list = events(c, mensajes, orden);
  const start = ms(c.creada_en);
  layout = matchMedia(narrow).matches ? { ...layouts.narrow, isNarrow: true } : { ...layouts.wide };
  layout.margin = Math.max(layout.margin, ...list.map((e) => 16 + widthOfTime * elapsed(Math.max(0, e.at - start)).length)); // long times need more room
  const { margin, halfBox, scale, actors } = layout;
  const width = x(actors.at(-1)) + halfBox + 4;
  const height = headHeight + list.length * rowHeight + 24;
  const y = (i) => headHeight + 26 + i * rowHeight;
  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": t("sequence.said", { n: list.length }) });
  svg.style.minWidth = `${Math.round(scale * width)}px`;
  for (const actor of actors) {
    svg.append(s("line", { class: "lifeline", x1: x(actor), x2: x(actor), y1: headHeight - 8, y2: height - 6 }),
      s("rect", { class: "box", x: x(actor) - halfBox, y: 4, width: 2 * halfBox, height: 30, rx: 9 }),
      s("text", { class: "actor", x: x(actor), y: 24, "text-anchor": "middle" }, named(actor)));
  }
  list.forEach((e, i) => {
    if (!e.command) return;
    const asked = list.findIndex((o) => o.isCommand && o.text === e.command);
    if (asked >= 0) svg.append(s("rect", { class: "work", x: x(e.from) - 5, y: y(asked), width: 10, height: Math.max(4, y(i) - y(asked)), rx: 3 }));
  });
  list.forEach((e, i) => svg.append(s("text", { class: "time", x: margin - 10, y: y(i) + 4, "text-anchor": "end" }, elapsed(Math.max(0, e.at - start))), e.isState ? note(e, y(i)) : arrow(e, y(i))));
  place.replaceChildren(svg);
  return table(list, start);
}

function note(e, y) {
  const half = e.text.length * 3.7 + 14;
  const middle = Math.max(x("gestor-compra"), rightOfTimes(half));
  return s("g", { class: `note ${e.tone}` },
    s("rect", { x: middle - half, y: y - 12, width: 2 * half, height: 24, rx: 12 }),
    s("text", { x: middle, y: y + 4, "text-anchor": "middle" }, e.text));
}

function arrow(e, y) {
  const direction = x(e.to) > x(e.from) ? 1 : -1;
  const edge = (actor) => (actor === "gestor-compra" || actor === "cliente" ? 0 : 5);
  const x1 = x(e.from) + direction * edge(e.from), x2 = x(e.to) - direction * edge(e.to);
  const text = e.took === undefined || layout.isNarrow ? e.text : `${e.text} · ${duration(e.took)}`;
  // Every arrow begins or ends at the lane of gestor-compra, or crosses it. The label is in the first space beside that lane.
  const fromLeft = e.from === "cliente";
  const half = text.length * 3 + 4;
  const middle = fromLeft ? Math.max((x1 + x2) / 2, rightOfTimes(half)) : Math.max((x("gestor-compra") + x(services[1])) / 2, x("gestor-compra") + half + 6);
  return s("g", { class: e.tone },
    s("line", { class: "arrow", x1, x2: x2 - direction * 8, y1: y, y2: y }),
    s("path", { class: "arrowhead", d: `M${x2} ${y}l${-direction * 9} -4.5v9Z` }),
    s("text", { class: "label", x: middle, y: y - 6, "text-anchor": "middle" }, text));
}

function table(list, start) {
  return h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": t("sequence.events") }, h("table", { class: "table" },
    h("thead", {}, h("tr", {}, [t("sequence.when"), t("sequence.since"), t("sequence.from"), t("sequence.to"), t("sequence.what"), t("sequence.took")].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, list.map((e) => h("tr", {}, h("td", {}, time(e.at)), h("td", {}, elapsed(Math.max(0, e.at - start))),
      h("td", {}, named(e.from ?? "gestor-compra")), h("td", {}, named(e.to ?? "")), h("th", { scope: "row" }, e.isState ? t("sequence.estado", { estado: e.text }) : e.text), h("td", {}, e.took === undefined ? "" : duration(e.took)))))));
}
