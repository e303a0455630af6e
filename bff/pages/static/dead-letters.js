// The messages that no service could handle: an operator reads them, returns them to their topics, or discards them with a reason.
import { get, newKey, post, query } from "./api.js";
import { byId, date, h, shortId, time } from "./dom.js";
import { ask, begin, emptyState, notify, reportError, showFailure, withButton } from "./frame.js";
import { tree } from "./tree.js";
import { t } from "./words.js";

const path = "/api/mensajes-muertos";
const topics = ["comandos-gestor-compra", "comandos-inventario", "eventos-inventario", "comandos-producto", "eventos-productos", "comandos-orden", "eventos-orden", "eventos-compra"];
const pageSize = 50; // letters that are shown at first, and more at each press
const partSize = 50; // letters that one request returns
const most = 500; // letters of a topic that the list has at most

let letters = [], shown = pageSize, total = 0; // total: of all letters in the broker, 0 where it is not known
const chosen = new Set(), services = new Set();

const filters = () => Object.fromEntries(Array.from(new FormData(byId("filters")), ([k, v]) => [k, v.trim()]));

// request returns the filters as the API takes them.
function request() {
  const f = filters();
  for (const k of ["desde", "hasta"]) if (f[k]) f[k] = new Date(f[k]).toISOString();
  return query(f);
}

async function refresh() {
  const [list, counts] = await Promise.all([get(path + request()), get("/api/operacion/pendientes").catch(() => ({}))]); // the list is of use without the count
  letters = list;
  total = counts.mensajes_muertos ?? 0;
  const ids = new Set(letters.map((m) => m.id));
  for (const id of chosen) if (!ids.has(id)) chosen.delete(id);
  for (const m of letters) services.add(m.origen);
  byId("services").replaceChildren(...Array.from(services, (value) => h("option", { value })));
  draw();
}

function draw() {
  const { descartados, ...others } = filters();
  const isFiltered = Boolean(descartados) || Object.values(others).some(Boolean);
  const listed = letters.filter(isReturnable).length;
  byId("too-many").hidden = Boolean(descartados) || total <= most || !isFiltered && listed >= total;
  byId("too-many").textContent = isFiltered ? t("dead-letters.too-many-to-search", { n: total, most }) : t("dead-letters.too-many", { n: total, listed });
  byId("count").textContent = letters.length ? t("dead-letters.count", { n: letters.length }) : isFiltered ? t("dead-letters.none-such") : t("dead-letters.none");
  if (letters.length) byId("list").replaceChildren(...letters.slice(0, shown).map(entry));
  else byId("list").replaceChildren(h("li", {}, isFiltered ? emptyState(t("dead-letters.none-such"), t("dead-letters.other-filter")) : emptyState(t("dead-letters.none-title"), t("dead-letters.none-text"))));
  byId("more").hidden = letters.length <= shown;
  drawChosen();
}

const isReturnable = (m) => !m.pendiente;

function drawChosen() {
  byId("bar").hidden = !letters.some(isReturnable);
  byId("chosen").textContent = chosen.size ? t("dead-letters.chosen", { n: chosen.size }) : t("dead-letters.chosen-none");
  byId("clear").disabled = byId("put-back").disabled = !chosen.size;
  for (const box of byId("list").querySelectorAll("input[type=checkbox]")) box.checked = chosen.has(box.value);
}

function entry(m) {
  const tipo = m.tipo || t("dead-letters.no-type");
  const box = isReturnable(m) ? h("input", {
    type: "checkbox", value: m.id, "aria-label": t("dead-letters.choose", { tipo, tema: m.tema }),
    onchange: (e) => { if (e.target.checked) chosen.add(m.id); else chosen.delete(m.id); drawChosen(); },
  }) : h("span", {});
  const origin = m.pendiente ? t("dead-letters.stays", { tema: m.tema, origen: m.origen }) : t("dead-letters.set-aside-by", { tema: m.tema, origen: m.origen || t("dead-letters.someone"), n: m.intentos });
  return h("li", { class: "dead-letter card", "data-id": m.id, "data-record": m.id_registro }, box,
    h("div", { class: "about" }, h("h2", {}, tipo),
      h("p", { class: "muted" }, origin, time(m.en, date(m.en)),
        m.id_compra ? [t("dead-letters.compra"), h("a", { class: "mono", href: `/operador/compras/${encodeURIComponent(m.id_compra)}`, title: m.id_compra }, `…${shortId(m.id_compra)}`)] : null)),
    h("div", { class: "buttons-row" }, buttons(m, tipo)),
    h("p", { class: "motivo verbatim" }, m.motivo || t("dead-letters.no-reason")),
    m.descartado_en ? h("p", { class: "discarded" }, t("dead-letters.discarded-by", { quien: m.descartado_por || t("dead-letters.someone") }), time(m.descartado_en, date(m.descartado_en)), ". ", h("span", { class: "verbatim" }, m.motivo_descarte)) : null,
    details(m));
}

// details returns the record of the letter. It is read whole when the person opens it.
function details(m) {
  const place = h("div", { class: "record" });
  let read = false;
  return h("details", {
    ontoggle: async (e) => {
      if (e.target !== e.currentTarget || !e.currentTarget.open || read) return;
      read = true;
      try {
        const whole = m.registro && !m.bytes ? m : await get(`${path}/${encodeURIComponent(m.id)}`);
        place.replaceChildren(facts(whole), whole.registro ? tree(whole.registro) : h("pre", { tabindex: "0", "aria-label": t("dead-letters.message") }, whole.comienzo || t("dead-letters.unreadable")));
      } catch (error) {
        read = false;
        reportError(error);
      }
    },
  }, h("summary", {}, t("dead-letters.message")), place);
}

function facts(m) {
  const list = [[t("dead-letters.place"), m.id], [t("dead-letters.record-id"), m.id_registro], [t("dead-letters.original-place"), m.posicion], [t("dead-letters.size"), m.bytes ? t("dead-letters.bytes", { n: m.bytes }) : ""], ["SHA-256", m.sha256]];
  return h("dl", { class: "facts" }, list.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", { class: "mono verbatim" }, value))));
}

function buttons(m, tipo) {
  const values = { tipo, tema: m.tema };
  const button = (action, text, label, run, tone = "") => h("button", {
    class: `button small ${tone}`, type: "button", "aria-label": label, "data-action": action,
    onclick: (e) => withButton(e.currentTarget, async () => {
      if (await run() === false) return;
      await refresh();
      byId("refresh").focus();
    }),
  }, text);
  const one = `${path}/${encodeURIComponent(m.id)}`;
  if (m.pendiente) {
    return [button("apartado", t("dead-letters.set-aside"), t("dead-letters.set-aside-label", values), async () => {
      await post(`${one}/apartado`, undefined, { key: newKey() });
      notify(t("dead-letters.set-aside-done", values));
    })];
  }
  const list = [button("devolucion", t("dead-letters.put-back"), t("dead-letters.put-back-label", values), async () => {
    await post(`${one}/devolucion`, undefined, { key: newKey() });
    notify(t("dead-letters.put-back-done", values));
  })];
  if (!m.descartado_en) {
    list.push(button("descarte", t("dead-letters.discard"), t("dead-letters.discard-label", values), async () => {
      const answer = await ask({ title: t("dead-letters.ask-discard", { tipo }), text: t("dead-letters.ask-discard-text"), action: t("dead-letters.discard"), tone: "danger", reasonLabel: t("dead-letters.why") });
      if (!answer) return false;
      await post(`${one}/descarte`, { motivo: answer.motivo }, { key: newKey() });
      notify(t("dead-letters.discard-done", values));
      return true;
    }, "danger"));
  }
  return list;
}

// putBackChosen returns the chosen letters to their topics, in parts. Those that stay remain chosen, and the page says why.
async function putBackChosen() {
  const ids = Array.from(chosen), refused = [], bar = byId("progress");
  const answer = await ask({ title: t("dead-letters.ask-put-back", { n: ids.length }), text: t("dead-letters.ask-put-back-text"), action: t("dead-letters.put-back"), ready: true });
  if (!answer) return;
  let done = 0;
  bar.max = ids.length;
  bar.value = 0;
  bar.hidden = false;
  try {
    for (let i = 0; i < ids.length; i += partSize) {
      const results = await post(`${path}/devolucion`, { ids: ids.slice(i, i + partSize) }, { key: newKey() });
      for (const r of results) {
        if (r.devuelto) {
          done++;
          chosen.delete(r.id);
        } else {
          refused.push(r);
        }
      }
      bar.value = i + results.length;
    }
  } finally { // an error ends the work: what was done stays done
    bar.hidden = true;
    byId("refused").hidden = !refused.length;
    byId("refused-title").textContent = t("dead-letters.refused", { n: refused.length });
    byId("refused-list").replaceChildren(...refused.map((r) => h("li", {}, h("span", { class: "mono" }, `${r.id} ${r.tipo ?? ""}`), ` ${r.detalle}`)));
    if (done) notify(t("dead-letters.put-back-many", { n: done }));
    await refresh();
  }
}

async function beginPage() {
  const q = new URLSearchParams(location.search);
  byId("tema").replaceChildren(h("option", { value: "" }, t("dead-letters.all-topics")), ...topics.map((value) => h("option", { value }, value)));
  for (const field of byId("filters").elements) if (field.name) field.value = q.get(field.name) ?? "";
  if (!await begin()) return;
  const look = () => {
    history.replaceState(null, "", `/operador/mensajes-muertos${query(filters())}`);
    shown = pageSize;
    byId("refused").hidden = true;
    return refresh();
  };
  byId("refresh").addEventListener("click", (e) => withButton(e.currentTarget, refresh));
  byId("filters").addEventListener("submit", (e) => {
    e.preventDefault();
    withButton(e.submitter, look);
  });
  byId("descartados").addEventListener("change", () => look().catch(reportError));
  byId("more").addEventListener("click", (e) => withButton(e.currentTarget, async () => {
    const first = shown;
    shown += pageSize;
    draw();
    byId("list").children[first]?.querySelector("button").focus();
  }));
  byId("all").addEventListener("click", () => {
    for (const m of letters.filter(isReturnable)) chosen.add(m.id);
    drawChosen();
  });
  byId("clear").addEventListener("click", () => {
    chosen.clear();
    drawChosen();
  });
  byId("put-back").addEventListener("click", (e) => withButton(e.currentTarget, putBackChosen));
  await refresh();
}

beginPage().catch(showFailure);
