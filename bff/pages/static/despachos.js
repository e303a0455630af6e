// The queue of the orders that wait for their dispatch.
import { get, productoNames } from "./api.js";
import { tiendas } from "./delivery.js";
import { byId, describeLines, duration, h, number, shortId, time, units } from "./dom.js";
import { ask, begin, emptyState, every, notify, showFailure, withButton } from "./frame.js";
import { labels, pickingList } from "./paper.js";
import { empty, queue } from "./queue.js";
import { t } from "./words.js";

let me, nameOf, shops = new Map(), work;

// orderName returns what people call an order: the code of its purchase, or the end of its id.
const orderName = (o) => o.codigo ? `${o.codigo.slice(0, 4)}-${o.codigo.slice(4)}` : `…${shortId(o.id)}`;

// zoneName returns the name of a zone: of a shop, of a city as the first order in sight writes it, or of none.
const zoneName = (zona) => zona === "" ? t("despachos.no-zone") : shops.get(zona)?.nombre ?? zona.replace(/(^|\s)\p{L}/gu, (x) => x.toLocaleUpperCase());

const zoneOf = (o) => o.direccion ? o.direccion.ciudad : o.tienda ? shops.get(o.tienda)?.nombre ?? o.tienda : t("despachos.no-zone");

function row(o, box) {
  return h("tr", { "data-id": o.id },
    h("td", { class: "choose" }, box),
    h("th", { scope: "row" }, h("a", { class: "mono", href: `/operador/compras/${o.id_compra}`, title: o.id }, orderName(o))),
    h("td", {}, o.domicilio ? t("unit.home") : t("unit.shop")),
    h("td", { class: "verbatim" }, zoneOf(o)),
    h("td", { class: "verbatim" }, o.id_usuario),
    h("td", { class: "what" }, describeLines(o.productos, nameOf)),
    h("td", { class: "num" }, number(units(o.productos))),
    h("td", { class: "num" }, time(o.creada_en, duration(Date.now() - Date.parse(o.creada_en)))));
}

const filters = () => {
  const zona = byId("zona").value;
  return { domicilio: byId("domicilio").value, ...(zona && { zona: zona.slice(1) }) };
};

// drawZones fills the list of the zones with their counts. A value has a mark before the zone, since a zone may be empty.
async function drawZones() {
  const zones = await get("/api/ordenes/zonas");
  const chosen = byId("zona").value;
  const options = [["", t("despachos.all-zones", { n: zones.reduce((n, z) => n + z.ordenes, 0) })],
    ...zones.map((z) => [`=${z.zona}`, t("despachos.zone", { zona: zoneName(z.zona), n: z.ordenes })])];
  if (!options.some(([value]) => value === chosen)) options.push([chosen, t("despachos.zone", { zona: zoneName(chosen.slice(1)), n: 0 })]);
  byId("zona").replaceChildren(...options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

async function dispatch(orders = work.chosen()) {
  if (work.isBusy()) return;
  if (!orders.length) {
    notify(t("desk.choose-first"));
    return;
  }
  if (orders.length > 1 && !await ask({
    title: t("despachos.ask", { n: orders.length }), text: t("despachos.ask-text", { n: orders.reduce((n, o) => n + units(o.productos), 0) }),
    action: t("despachos.dispatch"), ready: true,
  })) return;
  await work.send(orders, "/api/ordenes/despachos", (part) => ({ ids: part.map((o) => o.id) }), told);
  await drawZones().catch(() => {}); // the next round draws them
}

// told returns the text about dispatches that were done. Of two operators with the same choice, the first one dispatches each order, and
// the other learns it.
function told(done) {
  const others = done.filter((r) => r.por && r.por !== me.usuario);
  const mine = t("despachos.done", { n: done.length - others.length });
  return others.length ? `${mine} ${t("despachos.done-by-others", { n: others.length, who: Array.from(new Set(others.map((r) => r.por))).join(", ") })}` : mine;
}

function print(kind) {
  const orders = work.chosen();
  if (!orders.length) {
    notify(t("desk.choose-first"));
    return;
  }
  const with_ = { nameOf, shops, orderName };
  byId("paper").replaceChildren(...(kind === "labels" ? labels(orders, with_) : pickingList(orders, with_)));
  document.body.dataset.paper = kind;
  window.print();
}

async function beginPage() {
  me = await begin();
  if (!me) return;
  byId("domicilio").value = new URLSearchParams(location.search).get("domicilio") ?? "";
  [nameOf, shops] = await Promise.all([productoNames(), tiendas().then((list) => new Map(list.map((x) => [x.id, x])))]);
  work = queue({
    path: "/api/ordenes", parse: (page) => page.ordenes, row, filters, name: orderName,
    nothing: () => filters().domicilio || filters().zona !== undefined ? emptyState(t("despachos.none-such"), t("despachos.none-such-text")) : empty(t("despachos.empty"), t("despachos.empty-text")),
    commands: { d: () => dispatch(), Enter: () => dispatch(), p: () => print("picking"), e: () => print("labels") },
  });
  byId("filters").addEventListener("change", () => work.restart().catch(showFailure));
  byId("filters").addEventListener("submit", (e) => e.preventDefault());
  byId("dispatch").addEventListener("click", (e) => withButton(e.currentTarget, () => dispatch()));
  byId("picking").addEventListener("click", () => print("picking"));
  byId("labels").addEventListener("click", () => print("labels"));
  byId("again").addEventListener("click", () => dispatch(work.refused()));
  const zone = new URLSearchParams(location.search).get("zona");
  if (zone !== null) byId("zona").replaceChildren(h("option", { value: `=${zone}`, selected: true }, zoneName(zone)));
  await drawZones();
  await work.load({ focus: true });
  work.watch();
  every(30_000, () => drawZones().catch(() => {}));
}

beginPage().catch(showFailure);
