import { leer, nombres } from "./api.js";
import { decimal, duracion, durationParts, enMarcha, estados, h, hora, numero, porId, renovar, s } from "./dom.js";
import { dibujar } from "./grafica.js";
import { fichaDeOperador } from "./operacion.js";
import { cada, empezar, fallo } from "./marco.js";

const minutos = 15;
const esMuerto = (tema) => tema.endsWith("-dlq");
const centesimas = new Intl.NumberFormat("es-CO", { maximumFractionDigits: 2 });
let nombre, ultimasColas;

async function mirarResumen() {
  const [resumen, colas] = await Promise.allSettled([leer("/api/operacion/resumen"), leer(`/api/operacion/colas?minutos=${minutos}`)]);
  porId("fresco").textContent = resumen.status === "fulfilled"
    ? `A las ${hora(Date.now())}. Se actualiza cada dos segundos.`
    : `Sin noticias: ${resumen.reason.message}`;
  const muertos = colas.status === "fulfilled" ? colas.value.ahora.filter((c) => esMuerto(c.tema)).reduce((n, c) => n + c.pendientes, 0) : null;
  if (resumen.status === "fulfilled") {
    mostrarCifras(resumen.value, muertos);
    mostrarEstados(resumen.value.estados);
  }
  if (colas.status === "fulfilled") {
    ultimasColas = colas.value;
    mostrarColas(ultimasColas);
  }
}

function mostrarCifras(r, muertos) {
  const suma = (que) => Object.entries(r.estados).reduce((n, [e, cuantas]) => n + (que(e) ? cuantas : 0), 0);
  const ventana = `últimos ${duracion(r.ventana_s * 1000)}`;
  renovar(porId("cifras"), 
    cifra("En marcha", numero(suma(enMarcha)), `${numero(r.estados.POR_APROBAR ?? 0)} por aprobar`),
    cifra("Compras/s", r.por_segundo < 1 ? centesimas.format(r.por_segundo) : decimal(r.por_segundo), ventana),
    cifra("p50 hasta confirmar", ...conUnidad(r.p50_ms), "50 de cada 100"),
    cifra("p95 hasta confirmar", ...conUnidad(r.p95_ms), "95 de cada 100"),
    cifra("p99 hasta confirmar", ...conUnidad(r.p99_ms), "99 de cada 100"),
    cifra("Mensajes muertos", muertos === null ? "—" : numero(muertos), h("a", { href: "/operador/mensajes-muertos" }, "Verlos"), muertos ? "mal" : ""));
}

function conUnidad(ms) {
  const [n, ...rest] = durationParts(ms).flat();
  return [rest.length ? h("span", {}, n, h("small", {}, ` ${rest.join(" ")}`)) : n];
}

const cifra = (que, valor, nota, clase = "") => h("div", { class: `cifra ${clase}` }, h("dt", {}, que), h("dd", {}, valor), h("dd", { class: "nota" }, nota));

function mostrarEstados(cuantas) {
  const maximo = Math.max(1, ...Object.values(cuantas));
  renovar(porId("estados"), ...Object.entries(estados).map(([estado, [texto, tono]]) => {
    const n = cuantas[estado] ?? 0;
    return h("li", { class: tono }, h("a", { href: `/operador/compras?estado=${estado}` }, texto), h("strong", {}, numero(n)),
      s("svg", { viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" }, s("rect", { width: n ? Math.max(1, 100 * n / maximo) : 0, height: 6 })));
  }));
}

function mostrarColas({ muestras, ahora }) {
  const temas = [...new Set([...ahora.map((c) => c.tema), ...muestras.flatMap((m) => Object.keys(m.pendientes))])].filter((t) => !esMuerto(t)).sort();
  dibujar(porId("grafica"), muestras, temas, minutos);
  const filas = ahora.filter((c) => !esMuerto(c.tema)).sort((a, b) => a.tema.localeCompare(b.tema));
  renovar(porId("tabla-colas"), h("div", { class: "con-tabla", tabindex: "0", role: "region", "aria-label": "Colas ahora" }, h("table", { class: "tabla" },
    h("thead", {}, h("tr", {}, ["Tema", "Quién lee"].map((x) => h("th", { scope: "col" }, x)), ["Pendientes", "Réplicas"].map((x) => h("th", { scope: "col", class: "num" }, x)))),
    h("tbody", {}, filas.map((c) => h("tr", {}, h("th", { scope: "row" }, c.tema), h("td", {}, c.suscripcion), h("td", { class: "num" }, numero(c.pendientes)), h("td", { class: "num" }, numero(c.replicas))))))));
}

// What waits for a person changes seldom; its buttons must not move under the finger.
async function mirarEspera() {
  const paginas = await Promise.all(["POR_APROBAR", "FALLIDA"].map((estado) => leer(`/api/compras?estado=${estado}&limite=10`)));
  const compras = paginas.flatMap((p) => p.compras);
  const firma = compras.map((c) => c.id + c.estado).join();
  const lista = porId("espera");
  if (lista.dataset.firma === firma) return;
  lista.dataset.firma = firma;
  lista.replaceChildren(...compras.map((c) => fichaDeOperador(c, nombre, mirarEspera)));
  if (!compras.length) decirEspera("Nadie espera nada.");
}

function decirEspera(texto) {
  porId("espera").dataset.firma = texto; // so that the next answer is shown whatever it is
  porId("espera").replaceChildren(h("li", { class: "tenue" }, texto));
}

async function empezarPagina() {
  if (!await empezar()) return;
  addEventListener("resize", () => ultimasColas && mostrarColas(ultimasColas)); // the chart is as wide as its place
  nombre = await nombres();
  cada(2000, () => mirarResumen().catch(fallo));
  cada(3000, () => mirarEspera().catch((e) => {
    if (!porId("espera").querySelector(".ficha")) decirEspera(e.message);
  }));
}

empezarPagina().catch(fallo);
