// A list whose entries are chosen with the keyboard or the mouse, for work on many of them at once. Each row of the list has a
// checkbox, which is what the keys move between: a screen reader reads its label and whether it is checked.
import { byId } from "./dom.js";
import { focusOn } from "./frame.js";

const KEYS_OFF = "keys-off"; // in localStorage, where the person wants no keys of one letter

// choice makes the rows of body choosable. body has a row for each entry that show was given, in the same order. onChange runs after
// each change of what is chosen. commands maps a key to a function that runs when it is pressed outside of a field.
export function choice({ body, onChange, commands }) {
  const chosen = new Map(); // id to entry, also of pages that are not shown now
  let entries = [];
  let active = 0, anchor = 0;

  const boxes = () => Array.from(body.querySelectorAll("input[type=checkbox]"));

  const draw = () => {
    boxes().forEach((box, i) => {
      box.checked = chosen.has(entries[i].id);
      box.tabIndex = i === active ? 0 : -1;
      box.closest("tr").classList.toggle("chosen", box.checked);
    });
    onChange();
  };

  const set = (i, on) => on ? chosen.set(entries[i].id, entries[i]) : chosen.delete(entries[i].id);

  const move = (to, { range = false, focus = true } = {}) => {
    if (!entries.length) return;
    const from = active;
    active = Math.max(0, Math.min(to, entries.length - 1));
    if (range) for (let i = Math.min(from, active); i <= Math.max(from, active); i++) set(i, true);
    else anchor = active;
    draw();
    if (focus) boxes()[active].focus();
    boxes()[active].closest("tr").scrollIntoView({ block: "nearest" });
  };

  // range chooses from the last row that was moved to or toggled alone, as lists of files do.
  const range = (to) => {
    for (let i = Math.min(anchor, to); i <= Math.max(anchor, to); i++) set(i, true);
    active = to;
    draw();
  };

  const toggle = (i) => {
    set(i, !chosen.has(entries[i].id));
    active = anchor = i;
    draw();
  };

  const all = () => {
    const on = !entries.every((x) => chosen.has(x.id));
    entries.forEach((_, i) => set(i, on));
    draw();
  };

  const clear = () => {
    chosen.clear();
    draw();
  };

  body.addEventListener("click", (e) => {
    const i = boxes().indexOf(e.target);
    if (i < 0) return;
    if (e.shiftKey) range(i);
    else toggle(i);
  });
  body.addEventListener("focusin", (e) => {
    const i = boxes().indexOf(e.target);
    if (i >= 0 && i !== active) move(i, { focus: false });
  });

  // A person who speaks to the browser, or hits keys by mistake, can turn the letters off (WCAG 2.1.4).
  try {
    byId("shortcuts").checked = localStorage.getItem(KEYS_OFF) !== "1";
    byId("shortcuts").addEventListener("change", (e) => localStorage.setItem(KEYS_OFF, e.target.checked ? "" : "1"));
  } catch {
    // without local storage the choice lives as long as the page
  }

  const keys = {
    j: (e) => move(active + 1, { range: e.shiftKey }), ArrowDown: (e) => move(active + 1, { range: e.shiftKey }),
    k: (e) => move(active - 1, { range: e.shiftKey }), ArrowUp: (e) => move(active - 1, { range: e.shiftKey }),
    Home: () => move(0), End: () => move(entries.length - 1),
    x: (e) => entries.length && (e.shiftKey ? range(active) : toggle(active)),
    a: all, Escape: clear, ...commands,
  };

  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.altKey || e.metaKey || document.querySelector("dialog[open]")) return;
    if (e.key.length === 1 && !byId("shortcuts").checked) return;
    const target = e.target;
    if (target.matches("textarea, select, input:not([type=checkbox])")) return;
    if (e.key === "Enter" && target.closest("a, button, summary")) return; // it presses that
    if (/^(Arrow|Home|End)/.test(e.key) && target !== document.body && target.id !== "content" && !body.contains(target)) return; // it scrolls that
    const run = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!run) return;
    e.preventDefault();
    run(e);
  });

  return {
    // show tells which entries the rows of body are now.
    show(list, { focus = false } = {}) {
      entries = list;
      active = anchor = Math.max(0, Math.min(active, list.length - 1));
      for (const x of list) if (chosen.has(x.id)) chosen.set(x.id, x);
      draw();
      if (!focus) return;
      if (list.length) boxes()[active].focus();
      else focusOn(null);
    },
    // start makes the first row the active one.
    start() {
      active = anchor = 0;
    },
    // chosen returns what is chosen or, where nothing is, the active row while it has the focus.
    chosen() {
      if (chosen.size) return Array.from(chosen.values());
      return entries.length && boxes()[active] === document.activeElement ? [entries[active]] : [];
    },
    size: () => chosen.size,
    pick(list) {
      for (const x of list) chosen.set(x.id, x);
      draw();
    },
    drop(ids) {
      for (const id of ids) chosen.delete(id);
      draw();
    },
    all, clear,
  };
}
