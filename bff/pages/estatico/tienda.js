import { consulta, enviar, leer, nuevaClave, sesion } from "./api.js";
import * as cesta from "./cesta.js";
import { cima } from "./cima.js";
import { cuantas, h, numero, porId } from "./dom.js";
import { avisar, cada, conBoton, empezar, irAEntrar, vacio } from "./marco.js";

const fresco = porId("fresco").textContent;
const pocas = 20; // from here on a product says that little of it is left
empezar({ abierta: true });
const fichas = new Map(); // by product: what of it may change
const nombreDe = new Map(), hayDe = new Map();

async function mirar() {
  const buscar = porId("texto").value.trim();
  let lista;
  try {
    lista = await leer(`/api/productos${consulta({ buscar })}`);
  } catch (e) {
    if (fichas.size) porId("fresco").textContent = `${e.message} Lo que se ve puede haber cambiado.`;
    else decirEnVez("No pudimos leer la tienda", e.message);
    return;
  }
  if (buscar !== porId("texto").value.trim()) return; // somebody went on typing
  if (porId("fresco").textContent !== fresco) porId("fresco").textContent = fresco;
  for (const p of lista) {
    nombreDe.set(p.id, p.nombre);
    hayDe.set(p.id, p.cantidad);
  }
  mostrar(lista, buscar);
  pintarCesta();
}

function mostrar(lista, buscar) {
  const visibles = lista.map((p) => p.id).join();
  if (porId("productos").dataset.visibles !== visibles) {
    fichas.clear();
    porId("productos").replaceChildren(...lista.map(ficha));
    if (!lista.length) decirEnVez("Nada se llama así", "Pruebe con otra palabra.");
    porId("productos").dataset.visibles = visibles;
    porId("cuantos").textContent = buscar ? cuantas(lista.length, "producto encontrado", "productos encontrados") : "";
  }
  for (const p of lista) ponerExistencias(p);
}

// decirEnVez stands where the products would be.
function decirEnVez(titulo, texto) {
  delete porId("productos").dataset.visibles; // what is read next is shown, whatever it is
  porId("productos").replaceChildren(h("li", { class: "ninguno" }, vacio(titulo, texto)));
}

function ficha(p) {
  const partes = { existencias: h("p", { class: "existencias" }) };
  fichas.set(p.id, partes);
  const [nombre, presentacion] = p.nombre.split(/, (.*)/s); // "Arroz, 5 kg"
  return h("li", { class: "producto" }, cima(p.id),
    h("div", { class: "producto-datos" }, h("h2", {}, presentacion ? `${nombre},` : nombre, presentacion && h("small", {}, ` ${presentacion}`)), partes.existencias,
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
    ponerLinea(li, id, cantidad);
  }
  porId("cesta-vacia").hidden = ahora.length > 0;
  porId("comprar").hidden = ahora.length === 0;
  porId("domicilio").checked = cesta.domicilio();
  porId("unidades").textContent = numero(cesta.total());
  porId("umbral").textContent = cesta.total() > 100 ? "Las compras grandes las aprueba una persona antes de confirmarse." : "";
  porId("ir-cesta").hidden = ahora.length === 0;
  porId("ir-cesta").textContent = `Ver la cesta (${cuantas(cesta.total(), "unidad", "unidades")})`;
}

// ponerLinea says what may change in a line: its name is known only once the products are.
function ponerLinea(li, id, cantidad) {
  const nombre = nombreDe.get(id) ?? `Producto ${id}`;
  const hay = hayDe.get(id);
  li.querySelector(".nombre").textContent = nombre;
  li.querySelector(".existencias").textContent = cantidad > hay ? (hay === 0 ? "Agotado" : `Solo hay ${numero(hay)}`) : "";
  const [menos, campo, mas] = li.querySelector(".contador").children;
  menos.setAttribute("aria-label", `Quitar uno de ${nombre}`);
  campo.setAttribute("aria-label", `Cantidad de ${nombre}`);
  mas.setAttribute("aria-label", `Agregar uno de ${nombre}`);
  if (campo.value !== String(cantidad)) campo.value = cantidad;
}

function lineaDeCesta(id) {
  const cambiar = (n) => {
    cesta.poner(id, n);
    if (n <= 0) porId("titulo-cesta").focus();
  };
  return h("li", { "data-id": id }, h("span", {}, h("span", { class: "nombre" }), h("small", { class: "existencias pocas" })),
    h("span", { class: "contador" },
      h("button", { type: "button", onclick: () => cambiar(cesta.cantidadDe(id) - 1) }, "−"),
      h("input", {
        type: "number", min: "0", max: "1000000", inputmode: "numeric",
        onchange: (e) => cambiar(Math.max(0, Math.floor(Number(e.target.value)) || 0)),
      }),
      h("button", { type: "button", onclick: () => cambiar(cesta.cantidadDe(id) + 1) }, "+")));
}

let clave = nuevaClave(); // of the basket as it stands: a second press is the same purchase
cesta.alCambiar(() => {
  clave = nuevaClave();
  pintarCesta();
});
porId("domicilio").addEventListener("change", (e) => cesta.ponerDomicilio(e.currentTarget.checked));

porId("comprar").addEventListener("submit", (e) => {
  e.preventDefault();
  conBoton(e.submitter, async () => {
    const s = await sesion(); // asked again where it could not be told at the start
    if (!s) {
      irAEntrar();
      return;
    }
    let aceptada;
    try {
      aceptada = await enviar("/api/compras", { id_usuario: s.usuario, productos: cesta.enLineas(), domicilio: cesta.domicilio() }, { clave });
    } catch (error) {
      if (error.estado !== 401) throw error;
      irAEntrar(); // the session ended meanwhile: the basket waits
      return;
    }
    cesta.vaciar();
    location.assign(`/compras/${aceptada.id}`);
  });
});

porId("buscar").addEventListener("submit", (e) => e.preventDefault());
let espera;
porId("texto").addEventListener("input", () => {
  clearTimeout(espera);
  espera = setTimeout(mirar, 180);
});

// On a phone the basket is below the products: the way to it is in the way once one is there.
new IntersectionObserver(([cestaEsta]) => porId("ir-cesta").classList.toggle("sobra", cestaEsta.isIntersecting), { rootMargin: "0px 0px -96px" })
  .observe(porId("cesta"));

pintarCesta();
cada(5000, mirar);
