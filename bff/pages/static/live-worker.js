// The shared worker that holds the Hub of all pages of the browser. A page sends {add: {key, id, desde, as}} and {remove: key}, and
// {alive: true} now and then; it gets {key, told}.
import { Hub } from "./live.js";

const hub = new Hub();
const forgetAfter = 70_000; // ms without a word of a page after which it is gone: a page that crashed says nothing

onconnect = ({ ports: [port] }) => {
  const leave = new Map();
  let last = Date.now();
  const forget = (key) => {
    leave.get(key)?.();
    leave.delete(key);
  };
  port.onmessage = ({ data: { add, remove } }) => {
    last = Date.now();
    if (add) {
      forget(add.key);
      leave.set(add.key, hub.add(add.id, add.desde, add.as, (told) => port.postMessage({ key: add.key, told })));
    }
    if (remove) forget(remove);
  };
  setInterval(() => {
    if (Date.now() - last > forgetAfter) for (const key of Array.from(leave.keys())) forget(key);
  }, forgetAfter / 2);
};
