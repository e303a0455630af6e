// The addresses that get the changes of purchases, and the deliveries to them.
import { get, newKey, patch, post, query, remove } from "./api.js";
import { byId, date, estados, h, number, replaceIfChanged, shortId, time } from "./dom.js";
import { ask, begin, every, notify, showFailure, withButton } from "./frame.js";
import { t } from "./words.js";

const pageSize = 50;
let next = "", older = false; // older: pages after the first one are shown, and a refresh would take them away
let addKey = newKey();

const stateTone = { PENDIENTE: "busy", ENTREGADA: "good", MUERTA: "bad" };
const stateName = (estado) => ({ PENDIENTE: t("avisos.is-pending"), ENTREGADA: t("avisos.is-delivered"), MUERTA: t("avisos.is-dead") })[estado] ?? estado;

const pathOf = (d, action = "") => `/api/avisos/direcciones/${encodeURIComponent(d.id)}${action}`;

async function loadAddresses() {
  const list = await get("/api/avisos/direcciones");
  byId("addresses-count").textContent = list.length ? t("avisos.addresses-count", { n: list.length }) : t("avisos.no-addresses");
  const signature = JSON.stringify(list);
  if (byId("addresses").dataset.shown === signature) return;
  byId("addresses").dataset.shown = signature;
  replaceIfChanged(byId("addresses"), ...list.map(address));
  const chosen = byId("id_direccion").value;
  replaceIfChanged(byId("id_direccion"), h("option", { value: "" }, t("avisos.all")), ...list.map((d) => h("option", { value: d.id }, d.descripcion || d.url)));
  byId("id_direccion").value = chosen;
}

function address(d) {
  const name = d.descripcion || d.url;
  const button = (action, text, label, act, tone = "") => h("button", {
    class: `button small ${tone}`, type: "button", "aria-label": label, "data-action": action, "data-for": d.id,
    onclick: (e) => withButton(e.currentTarget, async () => {
      await act();
      await loadAddresses();
      document.querySelector(`[data-action="${action}"][data-for="${d.id}"]`)?.focus();
    }),
  }, text);
  return h("li", { class: "aviso card", "data-id": d.id },
    h("div", {},
      h("h3", { class: "verbatim" }, d.url),
      d.descripcion ? h("p", { class: "verbatim" }, d.descripcion) : null,
      h("p", { class: "muted" }, d.estados.length ? d.estados.map((e) => estados[e]?.[0] ?? e).join(", ") : t("avisos.all-states"), " · ",
        t("avisos.waiting", { n: d.pendientes }), " · ", t("avisos.given-up", { n: d.muertas }))),
    h("span", { class: `badge ${d.activa ? "good" : "warn"}` }, d.activa ? t("avisos.active") : t("avisos.paused")),
    d.motivo ? h("p", { class: "motivo verbatim" }, d.motivo) : null,
    h("div", { class: "buttons aviso-buttons" },
      d.activa ? button("prueba", t("avisos.test"), t("avisos.test-label", { name }), async () => {
        await post(pathOf(d, "/prueba"), undefined, { key: newKey() });
        notify(t("avisos.test-done"));
        await loadDeliveries(true);
      }) : null,
      button("activa", d.activa ? t("avisos.pause") : t("avisos.resume"), d.activa ? t("avisos.pause-label", { name }) : t("avisos.resume-label", { name }), async () => {
        await patch(pathOf(d), { activa: !d.activa });
        notify(d.activa ? t("avisos.pause-done") : t("avisos.resume-done"));
      }),
      button("secreto", t("avisos.renew"), t("avisos.renew-label", { name }), async () => {
        if (!await ask({ title: t("avisos.renew-ask"), text: t("avisos.renew-text"), action: t("avisos.renew"), ready: true })) return;
        showSecret(await post(pathOf(d, "/secreto"), undefined, { key: newKey() }));
      }),
      button("borrar", t("avisos.delete"), t("avisos.delete-label", { name }), async () => {
        if (!await ask({ title: t("avisos.delete-ask"), text: t("avisos.delete-text", { name }), action: t("avisos.delete"), tone: "danger" })) return;
        await remove(pathOf(d));
        notify(t("avisos.delete-done"));
        byId("secret").hidden = true;
        await loadDeliveries(true);
      }, "danger")));
}

// showSecret shows the secret of an address. The server shows it only in this answer.
function showSecret(d) {
  byId("secret").replaceChildren(
    h("h3", {}, t("avisos.secret")),
    h("p", {}, t("avisos.secret-text", { url: d.url })),
    h("pre", { tabindex: "0", "data-secret": true, "aria-label": t("avisos.secret") }, d.secreto),
    h("div", { class: "buttons" },
      h("button", { class: "button", type: "button", onclick: (e) => withButton(e.currentTarget, async () => {
        await navigator.clipboard.writeText(d.secreto);
        notify(t("avisos.copied"));
      }) }, t("avisos.copy")),
      h("button", { class: "button", type: "button", onclick: () => { byId("secret").hidden = true; byId("secret").replaceChildren(); } }, t("avisos.hide"))));
  byId("secret").hidden = false;
  byId("secret").focus();
}

const filters = () => Object.fromEntries(new FormData(byId("filters")));

async function loadDeliveries(fromStart) {
  const page = await get(`/api/avisos/entregas${query({ ...filters(), limite: pageSize, despues: fromStart ? "" : next })}`);
  next = page.siguiente ?? "";
  older = !fromStart;
  byId("more").hidden = !next;
  const rows = page.entregas.map(delivery);
  if (fromStart) replaceIfChanged(byId("rows"), ...rows);
  else byId("rows").append(...rows);
  const n = byId("rows").querySelectorAll("[data-id]").length;
  if (!n) byId("rows").replaceChildren(h("tr", {}, h("td", { colspan: "8", class: "muted" }, t("avisos.no-deliveries"))));
  const text = n ? t("avisos.count", { n, more: next ? t("avisos.and-more") : "" }) : t("avisos.no-deliveries");
  if (byId("count").textContent !== text) byId("count").textContent = text;
  if (!fromStart) rows[0]?.querySelector("button").focus();
}

function delivery(e) {
  const answer = e.error || (e.codigo_http ? String(e.codigo_http) : ""); // the error names the status
  return h("tr", { "data-id": e.id, "data-estado": e.estado, "data-canal": e.canal },
    h("th", { scope: "row" }, e.tipo, e.id_compra ? [" ", h("a", { class: "mono", href: `/operador/compras/${encodeURIComponent(e.id_compra)}`, title: e.id_compra }, `…${shortId(e.id_compra)}`)] : null),
    h("td", {}, h("span", { class: `badge ${stateTone[e.estado] ?? "calm"}` }, stateName(e.estado))),
    h("td", { class: "aviso-answer" }, answer || "—"),
    h("td", { class: "num" }, number(e.intentos)),
    h("td", {}, e.proximo_en ? time(e.proximo_en, date(e.proximo_en)) : "—"),
    h("td", { class: "aviso-answer", title: e.url }, e.canal === "CORREO" ? t("avisos.a-customer") : e.url), // nobody reads the address of a customer
    h("td", {}, time(e.creada_en, date(e.creada_en))),
    h("td", {}, h("button", {
      class: "button small", type: "button", "aria-label": t("avisos.again-label", { tipo: e.tipo, id: shortId(e.id) }), "data-action": "reenvio",
      onclick: (event) => withButton(event.currentTarget, async () => {
        await post(`/api/avisos/entregas/${encodeURIComponent(e.id)}/reenvio`, undefined, { key: newKey() });
        notify(t("avisos.again-done"));
        await loadDeliveries(true);
        document.querySelector(`[data-id="${e.id}"] button`)?.focus();
      }),
    }, t("avisos.again"))));
}

async function add(form) {
  const data = new FormData(form);
  const d = await post("/api/avisos/direcciones", { url: data.get("url").trim(), descripcion: data.get("descripcion").trim(), estados: data.getAll("estados") }, { key: addKey });
  addKey = newKey();
  form.reset();
  byId("new").open = false;
  await loadAddresses();
  showSecret(d);
}

async function beginPage() {
  byId("states").replaceChildren(...Object.entries(estados).map(([value, [name]]) =>
    h("label", { class: "aviso-state" }, h("input", { type: "checkbox", name: "estados", value }), " ", name)));
  if (!await begin()) return;
  byId("filters").addEventListener("submit", (e) => {
    e.preventDefault();
    withButton(e.submitter, () => loadDeliveries(true));
  });
  byId("more").addEventListener("click", (e) => withButton(e.currentTarget, () => loadDeliveries(false)));
  byId("add").addEventListener("input", () => { addKey = newKey(); });
  byId("add").addEventListener("submit", (e) => {
    e.preventDefault();
    withButton(e.submitter, () => add(e.target));
  });
  await Promise.all([loadAddresses(), loadDeliveries(true)]);
  for (const id of ["new", "deliveries"]) byId(id).hidden = false; // what stands below the addresses would move when these come
  let failed = false;
  every(3000, async () => {
    try {
      await loadAddresses();
      if (!older) await loadDeliveries(true);
      failed = false;
    } catch (e) {
      if (!failed) notify(e.message, "bad");
      failed = true;
    }
  });
}

beginPage().catch(showFailure);
