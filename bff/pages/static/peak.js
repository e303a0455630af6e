// A drawing in place of the photograph of a product: mountains. A product always gets the same drawing.
import { s } from "./dom.js";

export function peak(id) {
  let seed = 2166136261;
  for (const letter of `alpes-${id}`) seed = Math.imul(seed ^ letter.charCodeAt(0), 16777619);
  const random = () => {
    seed = Math.imul(seed ^ (seed >>> 15), 2246822519) + 0x9e3779b9 | 0;
    return ((seed ^ (seed >>> 13)) >>> 0) / 4294967296;
  };
  const ridge = (base, height, peaks) => {
    const width = 160 / peaks;
    let d = `M0 85V${base}`;
    for (let i = 0; i < peaks; i++) {
      const x = i * width;
      d += `L${(x + width * (0.35 + 0.3 * random())).toFixed(1)} ${(base - height * (0.45 + 0.55 * random())).toFixed(1)}L${(x + width).toFixed(1)} ${(base - height * 0.15 * random()).toFixed(1)}`;
    }
    return `${d}V85Z`;
  };
  const tint = Number.isNaN(Number(id)) ? Math.floor(random() * 5) : (Number(id) * 3) % 5;
  return s("svg", { class: `peak t${tint}`, viewBox: "0 0 160 85", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" },
    s("rect", { class: "sky", width: "160", height: "85" }),
    s("circle", { class: "sun", cx: (25 + 110 * random()).toFixed(1), cy: (18 + 12 * random()).toFixed(1), r: (8 + 5 * random()).toFixed(1) }),
    s("path", { class: "far", d: ridge(66, 40, 3) }),
    s("path", { class: "near", d: ridge(80, 32, 2) }));
}
