// A queue of work for operators: pages of a table whose rows can be chosen, many requests at once with their results, and a notice when
// the queue has changed. The pages of the orders and of the approvals share it.
import { get, query } from "./api.js";
import { inParts, progress } from "./bulk.js";
import { choice } from "./choice.js";
import { byId, h, number } from "./dom.js";
import { emptyState, every, focusOn, reportError, withButton } from "./frame.js";
import { t } from "./words.js";

const pageSize = 100; // the most that the API gives
const lookEvery = 10_000;
const most = 10_000; // a total of this stands for as many or more

// queue shows the queue at path. parse(page) returns its entries, each with an id; row(entry, checkbox) returns the row of one;
// filters() returns the parameters of the request. nothing is the element for an empty queue. name(entry) names one in a label.
// commands are the keys of the page beside those of every queue.
export function queue({ path, parse, row, filters = () => ({}), nothing, name, commands }) {
  let cursors = [""], next = "", entries = [], total = 0, busy = false;
  const refused = new Map(); // id to {entry, text}
  const list = choice({ body: byId("rows"), onChange: drawChosen, commands: { n: () => turn(1), b: () => turn(-1), r: refresh, ...commands } });

  const read = (after = cursors.at(-1)) => get(`${path}${query({ ...filters(), limite: pageSize, despues: after })}`);

  const place = () => t("desk.place", { from: (cursors.length - 1) * pageSize + 1, to: (cursors.length - 1) * pageSize + entries.length, total: total < most ? number(total) : `${number(most)}+` });

  function draw({ focus = false } = {}) {
    byId("rows").replaceChildren(...entries.map((x) => row(x, h("input", { type: "checkbox", "data-choose": x.id, "aria-label": t("desk.choose", { name: name(x) }) }))));
    byId("queue").hidden = !entries.length;
    byId("empty").replaceChildren(...(entries.length ? [] : [nothing()]));
    byId("count").textContent = entries.length ? place() : t("desk.none");
    byId("before").disabled = cursors.length < 2;
    byId("after").disabled = !next;
    byId("changed").hidden = true;
    list.show(entries, { focus });
  }

  function take(page) {
    entries = parse(page);
    next = page.siguiente ?? "";
    total = page.total;
  }

  // load reads the page of the last cursor. A page that became empty gives way to the first one.
  async function load(options) {
    take(await read());
    if (!entries.length && cursors.length > 1) {
      cursors = [""];
      take(await read());
    }
    draw(options);
  }

  async function turn(by) {
    if (busy || by > 0 && !next || by < 0 && cursors.length < 2) return;
    const before = cursors;
    cursors = by > 0 ? [...cursors, next] : cursors.slice(0, -1);
    list.start();
    try {
      await load({ focus: true });
    } catch (e) {
      cursors = before;
      reportError(e);
    }
  }

  function refresh() {
    return withButton(byId("refresh"), () => load({ focus: byId("rows").contains(document.activeElement) }));
  }

  // look tells when the queue has changed. It moves nothing that a person may be reading.
  async function look() {
    if (busy) return;
    const page = await read().catch(() => null); // the next look will tell
    if (!page || busy) return;
    const ids = (xs) => xs.map((x) => x.id).join(" ");
    if (page.total === total && ids(parse(page)) === ids(entries)) return;
    if (!entries.length) {
      take(page);
      draw();
    } else byId("changed").hidden = false;
  }

  function drawChosen() {
    byId("chosen").textContent = list.size() ? t("desk.chosen", { n: list.size() }) : t("desk.chosen-none");
    byId("clear").disabled = !list.size();
    for (const b of document.querySelectorAll("[data-for-chosen]")) b.disabled = busy || !list.size();
  }

  function drawRefused() {
    byId("refused").hidden = !refused.size;
    byId("refused-title").textContent = t("desk.refused", { n: refused.size });
    byId("refused-list").replaceChildren(...Array.from(refused.values(), ({ entry, text }) => h("li", { "data-refused": entry.id }, h("strong", {}, name(entry)), ` ${text}`)));
  }

  // send posts what is chosen to path, and takes what was done out of the table. What was refused stays listed with its reason.
  // tell(done) is the text about the results of what was done.
  async function send(chosen, target, body, tell) {
    busy = true;
    drawChosen();
    progress(0, chosen.length);
    byId("told").textContent = "";
    const hadFocus = byId("rows").contains(document.activeElement) || document.activeElement === document.body;
    try {
      const byID = new Map(chosen.map((x) => [x.id, x]));
      const { done, refused: not } = await inParts(target, chosen, body, (n) => progress(n, chosen.length));
      for (const { id } of done) refused.delete(id);
      for (const { id, text } of not) refused.set(id, { entry: byID.get(id), text });
      const gone = new Set(done.map((r) => r.id));
      list.drop(chosen.map((x) => x.id));
      entries = entries.filter((x) => !gone.has(x.id));
      total = Math.max(entries.length, total - gone.size);
      drawRefused();
      byId("told").textContent = [tell(done), not.length ? t("desk.some-refused", { n: not.length }) : ""].join(" ").trim();
      if (entries.length && !not.length) draw({ focus: hadFocus });
      else { // what was refused may have left the queue
        if (!entries.length) {
          cursors = [""];
          list.start();
        }
        await load({ focus: hadFocus });
      }
      if (not.length) focusOn(byId("again"));
    } catch (e) {
      reportError(e);
    } finally {
      busy = false;
      progress(0, 0);
      drawChosen();
    }
  }

  for (const [id, action] of Object.entries({ before: () => turn(-1), after: () => turn(1), all: () => list.all(), clear: () => list.clear(), refresh, changed: refresh })) {
    byId(id).addEventListener("click", action);
  }
  byId("forget").addEventListener("click", () => {
    refused.clear();
    drawRefused();
    focusOn(null);
  });

  return {
    load, send,
    chosen: () => busy ? [] : list.chosen(),
    isBusy: () => busy,
    // refused returns the entries that were refused.
    refused: () => Array.from(refused.values(), (x) => x.entry),
    // restart shows the first page, after a change of the filters.
    restart() {
      cursors = [""];
      list.start();
      return load();
    },
    watch: () => every(lookEvery, look),
  };
}

// empty returns the element for an empty queue.
export const empty = (title, text) => emptyState(title, text);
