// A line chart of the queues: the number of pending messages of each topic, over time.
import { clock, h, number, s } from "./dom.js";
import { t } from "./words.js";

const height = 300, left = 44, right = 8, top = 12, bottom = 26;

// draw draws the samples [{en, pendientes: {tema: n}}] into place. The x axis has the last minutes.
export function draw(place, samples, temas, minutes) {
  if (place.querySelector("svg:hover") && matchMedia("(hover: hover)").matches) return; // a person points at the chart and reads it; on a touch screen :hover means nothing
  const width = Math.max(280, place.clientWidth);
  const end = samples.length ? Math.max(...samples.map((m) => new Date(m.en).getTime())) : Date.now();
  const start = end - minutes * 60000;
  const points = samples.map((m) => ({ at: new Date(m.en).getTime(), n: m.pendientes })).filter((m) => m.at >= start).sort((a, b) => a.at - b.at);
  const highest = ceiling(Math.max(4, ...points.flatMap((p) => temas.map((tema) => p.n[tema] ?? 0))));
  const x = (at) => left + (at - start) / (end - start) * (width - left - right);
  const y = (n) => height - bottom - n / highest * (height - top - bottom);

  const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": description(points, temas, minutes) });
  for (let i = 0; i <= 4; i++) {
    const n = highest * i / 4;
    svg.append(s("line", { class: "grid", x1: left, x2: width - right, y1: y(n), y2: y(n) }),
      s("text", { x: left - 8, y: y(n) + 4, "text-anchor": "end" }, number(n)));
  }
  for (let m = minutes; m >= 0; m -= minutes / (width < 340 ? 1 : 3)) { // a narrow chart has room for two labels only
    const last = m === 0;
    svg.append(s("text", { x: x(end - m * 60000), y: height - 6, "text-anchor": last ? "end" : m === minutes ? "start" : "middle" }, last ? t("chart.now") : t("chart.minutes", { n: m })));
  }
  temas.forEach((tema, i) => {
    const line = points.map((p) => `${x(p.at).toFixed(1)} ${y(p.n[tema] ?? 0).toFixed(1)}`);
    if (!points.some((p) => p.n[tema] > 0)) return;
    svg.append(s("path", { class: `area s${i % 8}`, d: `M${x(points[0].at).toFixed(1)} ${y(0)}L${line.join("L")}L${x(points.at(-1).at).toFixed(1)} ${y(0)}Z` }),
      s("path", { class: `series s${i % 8}`, d: `M${line.join("L")}` }));
  });
  if (!points.some((p) => temas.some((tema) => p.n[tema] > 0))) { // without a text, a chart without lines looks broken
    svg.append(s("text", { class: "none", x: (left + width - right) / 2, y: (top + height - bottom) / 2 - 6, "text-anchor": "middle" }, points.length ? t("chart.idle") : t("chart.nothing")));
  }
  const cursor = s("line", { class: "cursor", y1: top, y2: height - bottom, visibility: "hidden" });
  svg.append(cursor);
  const legend = h("ul", { class: "legend" });
  const showPoint = (point) => legend.replaceChildren(...temas.map((tema, i) => h("li", { class: `s${i % 8}` },
    h("span", {}, tema), h("strong", { class: point?.n[tema] ? "" : "zero" }, number(point?.n[tema] ?? 0)))),
  h("li", { class: "muted unmarked" }, point ? clock(point.at) : t("chart.no-data")));
  showPoint(points.at(-1));
  svg.addEventListener("pointermove", (e) => {
    const box = svg.getBoundingClientRect();
    const at = start + ((e.clientX - box.left) / box.width * width - left) / (width - left - right) * (end - start);
    const nearest = points.reduce((a, b) => (Math.abs(b.at - at) < Math.abs(a.at - at) ? b : a), points.at(-1));
    if (!nearest) return;
    cursor.setAttribute("x1", x(nearest.at));
    cursor.setAttribute("x2", x(nearest.at));
    cursor.setAttribute("visibility", "visible");
    showPoint(nearest);
  });
  svg.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    showPoint(points.at(-1));
  });
  place.replaceChildren(svg, legend);
}

// ceiling returns the next round number that four grid lines divide.
function ceiling(n) {
  for (let unit = 4; ; unit *= 10) for (const v of [1, 2, 3, 5]) if (unit * v >= n) return unit * v;
}

function description(points, temas, minutes) {
  if (!points.length) return t("chart.nothing-said");
  const highest = temas.map((tema) => [tema, Math.max(...points.map((p) => p.n[tema] ?? 0))]).filter(([, n]) => n > 0);
  const parts = highest.map(([tema, n]) => t("chart.topic-said", { tema, n }));
  return t("chart.said", { minutes, topics: parts.length ? parts.join("; ") : t("chart.none-said") });
}
