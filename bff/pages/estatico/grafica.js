// A line chart of the queues: how many messages wait in each topic, over time.
import { h, hora, numero, s } from "./dom.js";

const alto = 300, izquierda = 44, derecha = 8, arriba = 12, abajo = 26;

// dibujar draws muestras [{en, pendientes: {tema: n}}] into sitio, with the last minutos on the x axis.
export function dibujar(sitio, muestras, temas, minutos) {
  if (sitio.querySelector("svg:hover") && matchMedia("(hover: hover)").matches) return; // somebody is reading it; a finger leaves no hover behind
  const ancho = Math.max(280, sitio.clientWidth);
  const fin = muestras.length ? Math.max(...muestras.map((m) => new Date(m.en).getTime())) : Date.now();
  const inicio = fin - minutos * 60000;
  const puntos = muestras.map((m) => ({ t: new Date(m.en).getTime(), n: m.pendientes })).filter((m) => m.t >= inicio).sort((a, b) => a.t - b.t);
  const maximo = techo(Math.max(4, ...puntos.flatMap((p) => temas.map((tema) => p.n[tema] ?? 0))));
  const x = (t) => izquierda + (t - inicio) / (fin - inicio) * (ancho - izquierda - derecha);
  const y = (n) => alto - abajo - n / maximo * (alto - arriba - abajo);

  const svg = s("svg", { viewBox: `0 0 ${ancho} ${alto}`, role: "img", "aria-label": descripcion(puntos, temas, minutos) });
  for (let i = 0; i <= 4; i++) {
    const n = maximo * i / 4;
    svg.append(s("line", { class: "rejilla", x1: izquierda, x2: ancho - derecha, y1: y(n), y2: y(n) }),
      s("text", { x: izquierda - 8, y: y(n) + 4, "text-anchor": "end" }, numero(n)));
  }
  for (let m = minutos; m >= 0; m -= minutos / (ancho < 340 ? 1 : 3)) { // as many as do not touch
    const ultimo = m === 0;
    svg.append(s("text", { x: x(fin - m * 60000), y: alto - 6, "text-anchor": ultimo ? "end" : m === minutos ? "start" : "middle" }, ultimo ? "ahora" : `−${m} min`));
  }
  temas.forEach((tema, i) => {
    const trazo = puntos.map((p) => `${x(p.t).toFixed(1)} ${y(p.n[tema] ?? 0).toFixed(1)}`);
    if (!puntos.some((p) => p.n[tema] > 0)) return;
    svg.append(s("path", { class: `area s${i % 8}`, d: `M${x(puntos[0].t).toFixed(1)} ${y(0)}L${trazo.join("L")}L${x(puntos.at(-1).t).toFixed(1)} ${y(0)}Z` }),
      s("path", { class: `serie s${i % 8}`, d: `M${trazo.join("L")}` }));
  });
  if (!puntos.some((p) => temas.some((tema) => p.n[tema] > 0))) { // an empty chart looks like a broken one
    svg.append(s("text", { class: "nada", x: (izquierda + ancho - derecha) / 2, y: (arriba + alto - abajo) / 2 - 6, "text-anchor": "middle" }, puntos.length ? "Nada espera: las colas están vacías." : "Todavía no hay datos."));
  }
  const mira = s("line", { class: "mira", y1: arriba, y2: alto - abajo, visibility: "hidden" });
  svg.append(mira);
  const leyenda = h("ul", { class: "leyenda" });
  const decir = (punto) => leyenda.replaceChildren(...temas.map((tema, i) => h("li", { class: `s${i % 8}` },
    h("span", {}, tema), h("strong", { class: punto?.n[tema] ? "" : "cero" }, numero(punto?.n[tema] ?? 0)))),
  h("li", { class: "tenue sin" }, punto ? hora(punto.t) : "sin datos"));
  decir(puntos.at(-1));
  svg.addEventListener("pointermove", (e) => {
    const caja = svg.getBoundingClientRect();
    const t = inicio + ((e.clientX - caja.left) / caja.width * ancho - izquierda) / (ancho - izquierda - derecha) * (fin - inicio);
    const cerca = puntos.reduce((a, b) => (Math.abs(b.t - t) < Math.abs(a.t - t) ? b : a), puntos.at(-1));
    if (!cerca) return;
    mira.setAttribute("x1", x(cerca.t));
    mira.setAttribute("x2", x(cerca.t));
    mira.setAttribute("visibility", "visible");
    decir(cerca);
  });
  svg.addEventListener("pointerleave", () => {
    mira.setAttribute("visibility", "hidden");
    decir(puntos.at(-1));
  });
  sitio.replaceChildren(svg, leyenda);
}

// techo is the next round number that four lines divide.
function techo(n) {
  for (let paso = 4; ; paso *= 10) for (const v of [1, 2, 3, 5]) if (paso * v >= n) return paso * v;
}

function descripcion(puntos, temas, minutos) {
  if (!puntos.length) return "Todavía no hay datos de las colas.";
  const maximos = temas.map((tema) => [tema, Math.max(...puntos.map((p) => p.n[tema] ?? 0))]).filter(([, n]) => n > 0);
  const partes = maximos.map(([tema, n]) => `${tema} llegó a ${n}`);
  return `Mensajes pendientes en los últimos ${minutos} minutos: ${partes.length ? partes.join("; ") : "ninguno"}.`;
}
