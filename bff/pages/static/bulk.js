// Requests about many things, sent in small parts: the page shows how far it is, and a part that fails stops no other.
import { newKey, post, textOf } from "./api.js";
import { byId } from "./dom.js";

// partSize is how many things one request is about. The server takes ten times as many; a small part shows progress.
const partSize = 20;

// inParts posts parts of the list to path, body(part) each, and resolves to {done, refused}: the results of what was done, and those
// of what was not, with their text for a person. onPart runs after each part with the number of things that have a result.
export async function inParts(path, list, body, onPart) {
  const done = [], refused = [];
  for (let i = 0; i < list.length; i += partSize) {
    const part = list.slice(i, i + partSize);
    let results;
    try {
      results = (await post(path, body(part), { key: newKey() })).resultados;
    } catch (e) {
      if (e.status === undefined || e.status === 401) throw e;
      results = part.map((x) => ({ id: x.id, text: e.message })); // each may be sent again: done twice is done once
    }
    for (const r of results) {
      if (r.problema) r.text = textOf(r.problema);
      (r.text ? refused : done).push(r);
    }
    onPart(i + part.length);
  }
  return { done, refused };
}

// progress shows how much of n is done; n of 0 hides it.
export function progress(done, n) {
  const bar = byId("progress");
  bar.hidden = !n;
  bar.max = n || 1;
  bar.value = done;
}
