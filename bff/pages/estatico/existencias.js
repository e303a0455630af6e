import { enviar, leer, nombres, nuevaClave } from "./api.js";
import { h, numero, porId } from "./dom.js";
import { avisar, cada, conBoton, empezar, fallo } from "./marco.js";

const columnas = ["existencias", "reservado", "despachado", "inicial", "repuesto", "diferencia"];
let nombre;

async function mirar() {
  const cuentas = await leer("/api/operacion/balance");
  for (const c of cuentas) {
    const fila = porId(`fila-${c.id_producto}`) ?? nueva(c);
    for (const col of columnas) poner(fila.querySelector(`[data-col=${col}]`), c[col], col);
  }
  const total = (col) => cuentas.reduce((n, c) => n + c[col], 0);
  porId("total").replaceChildren(h("tr", {}, h("th", { scope: "row" }, "Total"), conReponer(columnas.map((col) => {
    const celda = h("td", { class: "num" });
    poner(celda, total(col), col);
    return celda;
  }), "")));
  const mal = cuentas.filter((c) => c.diferencia !== 0);
  const sello = h("span", { class: `sello ${mal.length ? "mal" : "bien"}` }, mal.length ? `No cuadran: ${mal.map((c) => nombre(c.id_producto)).join(", ")}` : "Los libros cuadran");
  if (porId("cuadre").textContent !== sello.textContent) porId("cuadre").replaceChildren(sello);
}

// conReponer puts what restocks beside the stock, where a narrow screen still shows it.
const conReponer = ([existencias, ...resto], formulario) => [existencias, h("td", {}, formulario), ...resto];

function poner(celda, n, col) {
  const texto = numero(n);
  if (celda.textContent !== texto) celda.textContent = texto;
  if (col === "diferencia") celda.classList.toggle("mal", n !== 0);
}

function nueva(c) {
  const titulo = nombre(c.id_producto);
  const campo = h("input", { type: "number", min: "1", max: "1000000", required: true, placeholder: "0", inputmode: "numeric", "aria-label": `Cuánto reponer de ${titulo}` });
  let clave = nuevaClave();
  campo.addEventListener("input", () => { clave = nuevaClave(); });
  const formulario = h("form", {
    class: "reponer", onsubmit: (e) => {
      e.preventDefault();
      conBoton(e.submitter, async () => {
        const p = await enviar(`/api/productos/${encodeURIComponent(c.id_producto)}/reposicion`, { cantidad: Number(campo.value) }, { clave });
        avisar(`${p.nombre}: ahora hay ${numero(p.cantidad)}.`);
        campo.value = "";
        clave = nuevaClave();
        await mirar();
      });
    },
  }, campo, h("button", { class: "boton chico", "aria-label": `Reponer ${titulo}` }, "Reponer"));
  const fila = h("tr", { id: `fila-${c.id_producto}` }, h("th", { scope: "row" }, titulo), conReponer(columnas.map((col) => h("td", { class: "num", "data-col": col })), formulario));
  porId("filas").append(fila);
  return fila;
}

async function empezarPagina() {
  if (!await empezar()) return;
  nombre = await nombres();
  await cada(3000, () => mirar().catch((e) => {
    porId("cuadre").replaceChildren(h("span", { class: "sello ojo" }, "Sin noticias")); // what is on the page may have changed
    fallo(e);
  }));
}

empezarPagina().catch(fallo);
