// The changes of a purchase, as they happen.
import { get, session } from "./api.js";
import { Hub } from "./live.js";

const graceWhenHidden = 10_000; // ms that a page goes on when it is hidden: its title tells how a new purchase ends
const aliveEvery = 20_000; // ms between two signs of life for the shared worker

let shared; // {add} of the shared worker, or the page's own hub where the browser has none

// hub returns the hub of this browser. It is in a shared worker, so that all pages have one connection.
function hub() {
  if (shared) return shared;
  if (typeof SharedWorker === "undefined") return shared = new Hub(); // Chrome on Android: hidden pages let go of theirs
  const listeners = new Map();
  let next = 1;
  const worker = new SharedWorker(new URL("./live-worker.js", import.meta.url), { type: "module", name: "live" });
  const { port } = worker;
  port.onmessage = ({ data: { key, told } }) => listeners.get(key)?.(told);
  worker.onerror = () => { // the worker could not start: each interest goes on in this page
    shared = new Hub();
    for (const tell of listeners.values()) tell({ lost: true, refused: true });
    listeners.clear();
  };
  setInterval(() => listeners.size && port.postMessage({ alive: true }), aliveEvery);
  return shared = {
    add(id, desde, as, tell) {
      const key = String(next++);
      listeners.set(key, tell);
      port.postMessage({ add: { key, id, desde, as } });
      return () => {
        listeners.delete(key);
        port.postMessage({ remove: key });
      };
    },
  };
}

const finals = ["DESPACHADA", "RECHAZADA", "CANCELADA"];
const lastNumero = (c) => c.historia.at(-1)?.numero ?? 0;
const hasEnded = (c) => finals.includes(c.estado) && c.historia.at(-1)?.paso === c.estado;

// follow calls onChange with the purchase c at each later change, until the purchase can change no more. It calls onLost(true) when
// the connection is lost and onLost(false) when it is back. The connection tells only that something changed; follow reads the
// purchase then. Without a connection follow reads it now and then. After a 401 follow stops.
export async function follow(c, onChange, onLost) {
  const s = await session().catch(() => null);
  let numero = lastNumero(c), leave = null, ended = hasEnded(c), reading = false, again = false, lost = false, wait = 1000, retry, hiding;

  const quit = () => {
    leave?.();
    leave = null;
    clearTimeout(retry);
  };
  const say = (now) => {
    if (lost === now) return;
    lost = now;
    onLost(now);
  };
  const read = async () => {
    if (ended) return;
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    try {
      const now = await get(`/api/compras/${encodeURIComponent(c.id)}`);
      numero = Math.max(numero, lastNumero(now));
      onChange(now);
      if (hasEnded(now)) {
        ended = true;
        quit();
        say(false);
      }
    } catch (e) {
      if (e.status === 401 || e.status === undefined) {
        ended = true;
        quit();
        say(false);
        if (e.status === undefined) throw e;
      }
    } finally {
      reading = false;
    }
    if (again) {
      again = false;
      await read();
    }
  };
  // readLater reads the purchase and asks the hub again, each time after a longer wait.
  const readLater = (rejoin) => {
    clearTimeout(retry);
    retry = setTimeout(async () => {
      await read();
      if (ended || !lost && !rejoin) return;
      if (rejoin) join();
      else readLater(false);
    }, wait);
    wait = Math.min(2 * wait, 15_000);
  };
  const tell = (told) => {
    if (ended) return;
    if (told.numero !== undefined) {
      if (told.numero > numero) read();
    } else if (told.end) {
      leave = null;
      read().then(() => !ended && readLater(true));
    } else if (told.lost) {
      say(true);
      if (told.refused) leave = null;
      readLater(told.refused ?? false);
    } else {
      wait = 1000;
      clearTimeout(retry);
      if (lost) read();
      say(false);
    }
  };
  function join() {
    if (ended || leave) return;
    leave = hub().add(c.id, numero, s?.csrf ?? "", tell);
  }
  const wake = () => {
    clearTimeout(hiding);
    if (ended || leave) return;
    join();
    read();
  };
  join();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) wake();
    else hiding = setTimeout(quit, graceWhenHidden);
  });
  document.addEventListener("freeze", quit);
  document.addEventListener("resume", wake);
  addEventListener("pagehide", quit);
  addEventListener("pageshow", (e) => e.persisted && wake()); // the browser shows this page again from its back/forward cache
}
