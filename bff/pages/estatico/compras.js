import { consulta, leer, nombres } from "./api.js";
import { cuantas, fecha, h, opcionesDeEstado, porId, resumenDeLineas, sello, tiempo } from "./dom.js";
import { conBoton, empezar, fallo, noSePudo, vacio } from "./marco.js";

const porPagina = 20;
let siguiente = "";
let quien, nombre;

async function traer(desdeElPrincipio) {
  const estado = porId("estado").value;
  const pagina = await leer(`/api/usuarios/${encodeURIComponent(quien.usuario)}/compras` +
    consulta({ estado, limite: porPagina, despues: desdeElPrincipio ? "" : siguiente }));
  siguiente = pagina.siguiente ?? "";
  porId("mas").hidden = !siguiente;
  const lista = porId("lista");
  if (desdeElPrincipio) lista.replaceChildren();
  const primera = pagina.compras.map(ficha);
  lista.append(...primera);
  if (!lista.children.length) {
    lista.replaceChildren(h("li", {}, estado
      ? vacio("Ninguna está así", "Pruebe con otro estado.")
      : vacio("Todavía no ha comprado nada", "Lo que compre aparecerá aquí.", h("a", { class: "boton principal", href: "/" }, "Ir a la tienda"))));
  }
  porId("cuantas").textContent = cuantas(lista.querySelectorAll(".ficha").length, "compra en la lista", "compras en la lista");
  if (!desdeElPrincipio) primera[0]?.querySelector("a").focus();
}

function ficha(c) {
  return h("li", { class: "ficha" },
    h("h2", {}, h("a", { href: `/compras/${c.id}` }, resumenDeLineas(c.productos, nombre))),
    sello(c.estado),
    h("p", { class: "tenue" }, tiempo(c.creada_en, fecha(c.creada_en)), c.domicilio ? " · a domicilio" : ""), c.motivo ? h("p", { class: "tenue escrito" }, c.motivo) : null);
}

async function empezarPagina() {
  opcionesDeEstado(porId("estado"), new URLSearchParams(location.search).get("estado") ?? "");
  quien = await empezar();
  if (!quien) return;
  nombre = await nombres();
  porId("estado").addEventListener("change", () => {
    history.replaceState(null, "", `/compras${consulta({ estado: porId("estado").value })}`);
    traer(true).catch(fallo);
  });
  porId("mas").addEventListener("click", (e) => conBoton(e.currentTarget, () => traer(false)));
  await traer(true);
}

empezarPagina().catch(noSePudo);
