// A value of JSON as a tree that a person opens and closes.
import { h, instant } from "./dom.js";
import { t } from "./words.js";

const openTo = 2; // levels that are open at first
const inMilliseconds = /^(time|ingestion|.*_en)$/; // fields that are instants in the records of the topics
const most = 200; // items of an array that are shown

// tree returns the element of value, as an entry with the name.
export function tree(value, name = "", level = 0) {
  const label = name === "" ? null : h("span", { class: "key" }, name);
  if (value === null || typeof value !== "object") return h("div", { class: "leaf" }, label, label ? ": " : null, leaf(value, name));
  const entries = Object.entries(value);
  if (!entries.length) return h("div", { class: "leaf" }, label, label ? ": " : null, h("span", { class: "muted" }, Array.isArray(value) ? "[]" : "{}"));
  const size = Array.isArray(value) ? h("span", { class: "muted" }, `[${value.length}]`) : null;
  return h("details", { open: level < openTo }, h("summary", {}, label ?? t("tree.record"), size ? [" ", size] : null),
    h("div", { class: "branch" }, entries.slice(0, most).map(([key, v]) => tree(v, key, level + 1)),
      entries.length > most ? h("p", { class: "muted" }, t("tree.more", { n: entries.length - most })) : null));
}

function leaf(value, name) {
  if (typeof value === "string") return h("span", { class: "text verbatim" }, value === "" ? "\"\"" : value);
  const text = h("span", { class: "value" }, String(value));
  return typeof value === "number" && value > 1e11 && inMilliseconds.test(name) ? h("span", {}, text, " ", h("span", { class: "muted" }, instant(value))) : text;
}
