// The numbers in the navigation: what waits for an operator.
import { get } from "./api.js";
import { h, number } from "./dom.js";
import { t } from "./words.js";

const lookEvery = 10_000;
const most = 999; // a larger number would not fit

// showBadges keeps the numbers in the navigation of the operators up to date. A count that nobody knows now is not shown. every is that
// of frame.js, which imports this file.
export function showBadges(every) {
  const places = document.querySelectorAll("[data-badge]");
  if (!places.length) return;
  every(lookEvery, async () => {
    const counts = await get("/api/operacion/pendientes").catch(() => ({})); // the next look will tell
    for (const place of places) draw(place, counts[place.dataset.badge] ?? 0);
  });
}

function draw(place, n) {
  if (place.dataset.n === String(n)) return;
  place.dataset.n = n;
  place.replaceChildren(...(n ? [h("span", { "aria-hidden": "true" }, n > most ? `${number(most)}+` : number(n)), h("span", { class: "visually-hidden" }, t("nav.waiting", { n }))] : []));
}
