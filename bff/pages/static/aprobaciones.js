// The queue of the purchases that wait for the approval of an operator.
import { productoNames } from "./api.js";
import { byId, date, describeLines, h, number, shortId, time, units } from "./dom.js";
import { ask, begin, every, notify, showFailure, withButton } from "./frame.js";
import { empty, queue } from "./queue.js";
import { t } from "./words.js";

let nameOf, work;

const compraName = (c) => c.codigo ? `${c.codigo.slice(0, 4)}-${c.codigo.slice(4)}` : `…${shortId(c.id)}`;

const hour = 3_600_000;

// left returns the time until ends in words, and its tone.
function left(ends) {
  const ms = Date.parse(ends) - Date.now();
  if (ms <= 0) return [t("aprobaciones.expired"), "bad"];
  const minutes = Math.max(1, Math.round(ms / 60_000));
  if (minutes < 60) return [t("aprobaciones.left-minutes", { n: minutes }), "bad"];
  return [t("aprobaciones.left-hours", { n: Math.floor(ms / hour) }), ms < 4 * hour ? "warn" : "calm"];
}

function drawLeft() {
  for (const e of document.querySelectorAll("[data-ends]")) {
    const [text, tone] = left(e.dataset.ends);
    e.replaceChildren(h("span", { class: `badge ${tone}` }, text));
  }
}

function row(c, box) {
  return h("tr", { "data-id": c.id },
    h("td", { class: "choose" }, box),
    h("th", { scope: "row" }, h("a", { class: "mono", href: `/operador/compras/${c.id}`, title: c.id }, compraName(c))),
    h("td", { "data-ends": c.vence_en, title: date(c.vence_en) }),
    h("td", { class: "verbatim" }, c.id_usuario),
    h("td", { class: "what" }, describeLines(c.productos, nameOf)),
    h("td", { class: "num" }, number(units(c.productos))),
    h("td", {}, c.domicilio ? t("unit.home") : t("unit.shop")),
    h("td", {}, time(c.desde, date(c.desde))));
}

let last; // the decision that was sent last, for another try

async function decide(aprobada, compras = work.chosen()) {
  if (work.isBusy()) return;
  if (!compras.length) {
    notify(t("desk.choose-first"));
    return;
  }
  let motivo = "";
  if (!aprobada || compras.length > 1) {
    const answer = await ask(aprobada
      ? { title: t("aprobaciones.ask-approve", { n: compras.length }), text: t("aprobaciones.ask-approve-text"), action: t("aprobaciones.approve"), ready: true }
      : { title: t("aprobaciones.ask-reject", { n: compras.length }), text: t("aprobaciones.ask-reject-text"), action: t("aprobaciones.reject"), tone: "danger", reasonLabel: t("actions.reason") });
    if (!answer) return;
    motivo = answer.motivo;
  }
  await send({ aprobada, motivo }, compras);
}

async function send(decision, compras) {
  last = decision;
  await work.send(compras, "/api/compras/aprobaciones", (part) => ({ decisiones: part.map((c) => ({ id: c.id, ...decision })) }),
    ({ length: n }) => decision.aprobada ? t("aprobaciones.approved", { n }) : t("aprobaciones.rejected", { n }));
  drawLeft();
}

async function beginPage() {
  if (!await begin()) return;
  nameOf = await productoNames();
  work = queue({
    path: "/api/compras/aprobaciones", parse: (page) => page.compras.map(({ compra, desde, vence_en }) => ({ ...compra, desde, vence_en })), row, name: compraName,
    nothing: () => empty(t("aprobaciones.empty"), t("aprobaciones.empty-text")),
    commands: { Enter: () => decide(true), d: () => decide(true), z: () => decide(false) },
  });
  new MutationObserver(drawLeft).observe(byId("rows"), { childList: true });
  byId("approve").addEventListener("click", (e) => withButton(e.currentTarget, () => decide(true)));
  byId("reject").addEventListener("click", (e) => withButton(e.currentTarget, () => decide(false)));
  byId("again").addEventListener("click", () => send(last, work.refused()));
  await work.load({ focus: true });
  work.watch();
  every(20_000, drawLeft);
}

beginPage().catch(showFailure);
