// A product has no photograph: it has a mountain of its own, always the same for the same product.
import { s } from "./dom.js";

export function cima(id) {
  let semilla = 2166136261;
  for (const letra of `alpes-${id}`) semilla = Math.imul(semilla ^ letra.charCodeAt(0), 16777619);
  const azar = () => {
    semilla = Math.imul(semilla ^ (semilla >>> 15), 2246822519) + 0x9e3779b9 | 0;
    return ((semilla ^ (semilla >>> 13)) >>> 0) / 4294967296;
  };
  const cresta = (base, alto, cuantas) => {
    const ancho = 160 / cuantas;
    let d = `M0 85V${base}`;
    for (let i = 0; i < cuantas; i++) {
      const x = i * ancho;
      d += `L${(x + ancho * (0.35 + 0.3 * azar())).toFixed(1)} ${(base - alto * (0.45 + 0.55 * azar())).toFixed(1)}L${(x + ancho).toFixed(1)} ${(base - alto * 0.15 * azar()).toFixed(1)}`;
    }
    return `${d}V85Z`;
  };
  const tono = Number.isNaN(Number(id)) ? Math.floor(azar() * 5) : (Number(id) * 3) % 5;
  return s("svg", { class: `cima t${tono}`, viewBox: "0 0 160 85", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" },
    s("rect", { class: "cielo", width: "160", height: "85" }),
    s("circle", { class: "sol", cx: (25 + 110 * azar()).toFixed(1), cy: (18 + 12 * azar()).toFixed(1), r: (8 + 5 * azar()).toFixed(1) }),
    s("path", { class: "lejos", d: cresta(66, 40, 3) }),
    s("path", { class: "cerca", d: cresta(80, 32, 2) }));
}
