import { consulta, enviar, leer, nuevaClave } from "./api.js";
import * as cesta from "./cesta.js";
import { cima } from "./cima.js";
import { cuantas, h, numero, porId } from "./dom.js";
import { avisar, cada, conBoton, empezar, fallo, irAEntrar, vacio } from "./marco.js";

const pocas = 20; // from here on a product says that little of it is left
const inicio = empezar({ abierta: true });
const fichas = new Map(); // by product: what of it may change
const nombreDe = new Map();

async function mirar() {
  const buscar = porId("texto").value.trim();
  let lista;
  try {
    lista = await leer(`/api/productos${consulta({ buscar })}`);
  } catch (e) {
    if (!fichas.size) porId("productos").replaceChildren(h("li", {}, vacio("No pudimos leer la tienda", e.message)));
    return;
  }
  if (buscar !== porId("texto").value.trim()) return; // somebody went on typing
  for (const p of lista) nombreDe.set(p.id, p.nombre);
  mostrar(lista, buscar);
  pintarCesta();
}

function mostrar(lista, buscar) {
  const visibles = lista.map((p) => p.id).join();
  if (porId("productos").dataset.visibles !== visibles) {
    fichas.clear();
    porId("productos").dataset.visibles = visibles;
    porId("productos").replaceChildren(...lista.map(ficha));
    if (!lista.length) porId("productos").replaceChildren(h("li", {}, vacio("Nada se llama así", "Pruebe con otra palabra.")));
    if (buscar) porId("cuantos").textContent = cuantas(lista.length, "producto encontrado", "productos encontrados");
  }
  for (const p of lista) ponerExistencias(p);
}

function ficha(p) {
  const partes = { existencias: h("p", { class: "existencias" }) };
  fichas.set(p.id, partes);
  const [nombre, presentacion] = p.nombre.split(/, (.*)/); // "Arroz, 5 kg"
  return h("li", { class: "producto" }, cima(p.id),
    h("div", { class: "producto-datos" }, h("h2", {}, nombre, presentacion && h("small", {}, `, ${presentacion}`)), partes.existencias,
      h("button", {
        class: "boton", type: "button", "data-agregar": p.id, "aria-label": `Agregar ${p.nombre} a la cesta`,
        onclick: () => {
          cesta.poner(p.id, cesta.cantidadDe(p.id) + 1);
          avisar(`${p.nombre}: ${cesta.cantidadDe(p.id)} en la cesta.`);
        },
      }, "Agregar")));
}

function ponerExistencias(p) {
  const { existencias } = fichas.get(p.id);
  const texto = p.cantidad === 0 ? "Agotado" : p.cantidad <= pocas ? `Quedan ${numero(p.cantidad)}` : `${numero(p.cantidad)} en bodega`;
  if (existencias.textContent !== texto) existencias.textContent = texto;
  existencias.className = `existencias${p.cantidad === 0 ? " nada" : p.cantidad <= pocas ? " pocas" : ""}`;
  existencias.parentElement.querySelector("button").disabled = p.cantidad === 0;
}

// The basket's lines: one that stays keeps its elements, so that the focus is not lost while a number is typed.
function pintarCesta() {
  const lista = porId("lineas");
  const ahora = cesta.enLineas();
  for (const li of Array.from(lista.children)) if (!cesta.cantidadDe(li.dataset.id)) li.remove();
  for (const { id_producto: id, cantidad } of ahora) {
    let li = Array.from(lista.children).find((x) => x.dataset.id === id);
    if (!li) lista.append(li = lineaDeCesta(id));
    li.querySelector(".nombre").textContent = nombreDe.get(id) ?? `Producto ${id}`;
    const campo = li.querySelector("input");
    if (campo.value !== String(cantidad)) campo.value = cantidad;
  }
  porId("cesta-vacia").hidden = ahora.length > 0;
  porId("comprar").hidden = ahora.length === 0;
  porId("unidades").textContent = numero(cesta.total());
  porId("umbral").textContent = cesta.total() > 100 ? "Las compras grandes las aprueba una persona antes de confirmarse." : "";
  porId("ir-cesta").hidden = ahora.length === 0;
  porId("ir-cesta").textContent = `Ver la cesta (${cuantas(cesta.total(), "unidad", "unidades")})`;
}

function lineaDeCesta(id) {
  const nombre = nombreDe.get(id) ?? `Producto ${id}`;
  const cambiar = (n) => {
    cesta.poner(id, n);
    if (n <= 0) porId("titulo-cesta").focus();
  };
  return h("li", { "data-id": id }, h("span", { class: "nombre" }, nombre),
    h("span", { class: "contador" },
      h("button", { type: "button", "aria-label": `Quitar uno de ${nombre}`, onclick: () => cambiar(cesta.cantidadDe(id) - 1) }, "−"),
      h("input", {
        type: "number", min: "0", max: "1000000", inputmode: "numeric", "aria-label": `Cantidad de ${nombre}`,
        onchange: (e) => cambiar(Math.max(0, Math.floor(Number(e.target.value)) || 0)),
      }),
      h("button", { type: "button", "aria-label": `Agregar uno de ${nombre}`, onclick: () => cambiar(cesta.cantidadDe(id) + 1) }, "+")));
}

let clave = nuevaClave(); // of the basket as it stands: a second press is the same purchase
cesta.alCambiar(() => {
  clave = nuevaClave();
  pintarCesta();
});
porId("domicilio").addEventListener("change", () => { clave = nuevaClave(); });

porId("comprar").addEventListener("submit", (e) => {
  e.preventDefault();
  conBoton(e.submitter, async () => {
    const s = await inicio;
    if (!s) {
      irAEntrar();
      return;
    }
    const aceptada = await enviar("/api/compras",
      { id_usuario: s.usuario, productos: cesta.enLineas(), domicilio: porId("domicilio").checked }, { clave });
    cesta.vaciar();
    location.assign(`/compras/${aceptada.id}`);
  });
});

porId("buscar").addEventListener("submit", (e) => e.preventDefault());
let espera;
porId("texto").addEventListener("input", () => {
  clearTimeout(espera);
  espera = setTimeout(() => mirar().catch(fallo), 180);
});

pintarCesta();
cada(5000, mirar);
