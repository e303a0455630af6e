// What every page does: say who is signed in, tell what happened, ask before what cannot be taken back.
import { enviar, sesion } from "./api.js";
import { vaciar } from "./cesta.js";
import { h, porId } from "./dom.js";

const entrada = () => `/entrar?volver=${encodeURIComponent(location.pathname + location.search)}`;

// empezar shows who is signed in. Where the page is for signed-in people only and there is nobody, or one of another
// role, it says so in place of the page, and gives null.
export async function empezar({ abierta = false } = {}) {
  let s;
  try {
    s = await sesion();
  } catch (e) {
    (abierta ? fallo : noSePudo)(e);
    return null;
  }
  mostrarQuien(s);
  const para = document.body.dataset.para;
  if (abierta && !s) return null;
  if (!s) {
    enLugarDeLaPagina("Entre para seguir", "Esta página es de quien tiene una cuenta.", h("a", { class: "boton principal", href: entrada() }, "Entrar"));
    return null;
  }
  if (para === "operador" && !s.roles.includes("operador")) {
    enLugarDeLaPagina("Esta página es de operadores", `Usted entró como ${s.usuario}, que no lo es.`, h("a", { class: "boton", href: "/" }, "Ir a la tienda"));
    return null;
  }
  return s;
}

function mostrarQuien(s) {
  const quien = porId("quien");
  if (!s) {
    quien.replaceChildren(h("a", { class: "boton chico", href: entrada() }, "Entrar"));
    return;
  }
  const otro = document.body.dataset.para === "operador" ? ["/", "Tienda"] : ["/operador", "Operación"];
  quien.replaceChildren(...[
    s.roles.includes("operador") && h("a", { href: otro[0] }, otro[1]),
    h("span", { class: "nombre" }, h("span", { class: "inicial", "aria-hidden": "true" }, inicial(s.usuario)), h("span", { class: "escrito", title: s.usuario }, s.usuario)),
    h("button", { class: "enlace", type: "button", onclick: salir }, "Salir"),
  ].filter(Boolean));
}

// inicial is the first character that a person sees: joined emoji and accents are one.
const inicial = (texto) => new Intl.Segmenter("es").segment(texto).containing(0)?.segment ?? "";

async function salir() {
  try {
    await enviar("/salir");
  } catch (e) {
    if (e.estado !== 401) { // else it had ended already
      fallo(e);
      return;
    }
  }
  vaciar(); // who comes next at this browser finds no basket of another
  location.assign("/");
}

// A session may end while its page is open. What is on the page stays, with the way back in above it.
addEventListener("sesion-terminada", () => {
  if (haTerminado()) return;
  porId("contenido").prepend(h("div", { id: "sesion-terminada", class: "recuadro terminada", role: "alert" },
    h("p", {}, "Su sesión terminó."), h("button", { class: "boton chico", type: "button", onclick: irAEntrar }, "Entrar otra vez")));
  mostrarQuien(null);
});

const haTerminado = () => porId("sesion-terminada") !== null;

// irAEntrar leaves for the sign-in, and comes back here.
export function irAEntrar() {
  location.assign(entrada());
}

function enLugarDeLaPagina(titulo, texto, accion) {
  porId("contenido").replaceChildren(vacio(titulo, texto, accion, "h1"));
}

// vacio is what stands where there is nothing to show.
export function vacio(titulo, texto, accion, nivel = "h2") {
  return h("div", { class: "vacio" }, h(nivel, {}, titulo), h("p", {}, texto), accion);
}

// avisar tells something for a few seconds, also to who listens. What is told already is not told twice.
export function avisar(texto, clase = "") {
  const a = h("p", { class: `aviso ${clase}` }, texto);
  for (const anterior of porId("avisos").querySelectorAll(".aviso")) {
    if (!anterior.matches(".mal") || anterior.textContent === texto) anterior.remove();
  }
  porId("avisos").append(a);
  setTimeout(() => a.remove(), clase === "mal" ? 9000 : 5000);
}

// fallo tells an error; one that nobody foresaw goes on to the console.
export function fallo(e) {
  if (e.name === "AbortError" || e.estado === 401) return; // that a session ended stands on the page
  avisar(enPalabras(e), "mal");
}

function enPalabras(e) {
  if (e.estado === undefined) console.error(e);
  return e.estado === undefined ? "Algo falló en la página. Vuelva a cargarla." : e.message;
}

// noSePudo stands in place of a page that could not be read: a notice that goes away would leave it empty.
export function noSePudo(e) {
  if (e.estado === 401) return;
  enLugarDeLaPagina("No pudimos mostrar la página", enPalabras(e), h("button", { class: "boton principal", type: "button", onclick: () => location.reload() }, "Intentar de nuevo"));
}

// conBoton runs hacer while the button cannot be pressed again, and tells its error. A button that cannot be pressed cannot
// have the focus either: it gets it back, or the page does where the button is gone.
export async function conBoton(boton, hacer) {
  if (boton.disabled) return;
  boton.disabled = true;
  try {
    await hacer();
  } catch (e) {
    fallo(e);
  } finally {
    boton.disabled = false;
    if (document.activeElement === document.body || document.activeElement === boton) enfocar(boton);
  }
}

// enfocar puts the focus on e, on the page where there is no e to be seen.
export function enfocar(e) {
  (e?.isConnected && e.checkVisibility() ? e : porId("contenido")).focus({ preventScroll: true });
}

// preguntar asks in a dialog and gives {motivo}, or null when the person goes back.
export function preguntar({ titulo, texto, accion, clase = "principal", motivo = "" }) {
  return new Promise((resolver) => {
    const campo = motivo && h("textarea", { id: "motivo", maxlength: "500" });
    const dialogo = h("dialog", { "aria-labelledby": "pregunta" },
      h("form", { method: "dialog" },
        h("h2", { id: "pregunta" }, titulo),
        h("p", { class: "tenue" }, texto),
        campo && h("div", { class: "campo" }, h("label", { for: "motivo" }, motivo), campo),
        h("div", { class: "botones" },
          h("button", { class: "boton", value: "", formnovalidate: true }, "Volver"),
          h("button", { class: `boton ${clase}`, value: "si" }, accion))));
    dialogo.addEventListener("close", () => {
      resolver(dialogo.returnValue === "si" ? { motivo: campo ? campo.value.trim() : "" } : null);
      dialogo.remove();
    });
    document.body.append(dialogo);
    dialogo.showModal();
  });
}

// cada runs hacer now and every so many milliseconds while the page is looked at.
export function cada(ms, hacer) {
  let enCurso = false;
  const vuelta = async () => {
    if (enCurso || document.hidden || haTerminado()) return;
    enCurso = true;
    try {
      await hacer();
    } finally {
      enCurso = false;
    }
  };
  document.addEventListener("visibilitychange", vuelta);
  setInterval(vuelta, ms);
  return vuelta();
}
