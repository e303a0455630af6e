import { consulta, leer } from "./api.js";
import { corto, cuantas, duracion, fecha, h, numero, opcionesDeEstado, porId, sello, tiempo, unidades } from "./dom.js";
import { conBoton, empezar, noSePudo } from "./marco.js";

const porPagina = 50;
let siguiente = "";

const filtros = () => Object.fromEntries(Array.from(new FormData(porId("filtros")), ([k, v]) => [k, v.trim()]));

async function traer(desdeElPrincipio) {
  const pagina = await leer(`/api/compras${consulta({ ...filtros(), limite: porPagina, despues: desdeElPrincipio ? "" : siguiente })}`);
  siguiente = pagina.siguiente ?? "";
  porId("mas").hidden = !siguiente;
  const filas = pagina.compras.map(fila);
  if (desdeElPrincipio) porId("filas").replaceChildren();
  porId("filas").append(...filas);
  const n = porId("filas").querySelectorAll("[data-id]").length;
  if (!n) porId("filas").replaceChildren(h("tr", {}, h("td", { colspan: "7", class: "tenue" }, "Ninguna compra es así.")));
  porId("cuantas").textContent = n ? `${cuantas(n, "compra", "compras")}${siguiente ? ", y hay más" : ""}, la más reciente primero.` : "Ninguna compra es así.";
  if (!desdeElPrincipio) filas[0]?.querySelector("a").focus();
}

function fila(c) {
  return h("tr", { "data-id": c.id },
    h("th", { scope: "row" }, h("a", { class: "mono", href: `/operador/compras/${c.id}`, title: c.id }, `…${corto(c.id)}`)),
    h("td", {}, sello(c.estado)), h("td", { class: "escrito" }, c.id_usuario), h("td", { class: "num" }, numero(unidades(c.productos))),
    h("td", {}, c.domicilio ? "A domicilio" : "En tienda"), h("td", {}, tiempo(c.creada_en, fecha(c.creada_en))),
    h("td", { class: "num" }, duracion(new Date(c.actualizada_en) - new Date(c.creada_en))));
}

async function empezarPagina() {
  const q = new URLSearchParams(location.search);
  opcionesDeEstado(porId("estado"), q.get("estado") ?? "");
  porId("id_usuario").value = q.get("id_usuario") ?? "";
  porId("domicilio").value = q.get("domicilio") ?? "";
  if (!await empezar()) return;
  porId("filtros").addEventListener("submit", (e) => {
    e.preventDefault();
    history.replaceState(null, "", `/operador/compras${consulta(filtros())}`);
    conBoton(e.submitter, () => traer(true));
  });
  porId("mas").addEventListener("click", (e) => conBoton(e.currentTarget, () => traer(false)));
  await traer(true);
}

empezarPagina().catch(noSePudo);
