// The colours of the pages for RapiDoc, and in whose name its requests are sent: the page's session, or a token that is typed.
const doc = document.querySelector("rapi-doc");
const oscuro = matchMedia("(prefers-color-scheme: dark)");

function vestir() {
  const colores = oscuro.matches
    ? { theme: "dark", "bg-color": "#101518", "text-color": "#e9eeee", "nav-bg-color": "#181f23", "nav-text-color": "#a0aeb4", "nav-hover-bg-color": "#242d31", "nav-hover-text-color": "#e9eeee", "nav-accent-color": "#74d3b8", "primary-color": "#74d3b8" }
    : { theme: "light", "bg-color": "#f7f6f2", "text-color": "#182225", "nav-bg-color": "#ffffff", "nav-text-color": "#57646a", "nav-hover-bg-color": "#eceae4", "nav-hover-text-color": "#182225", "nav-accent-color": "#0f5f50", "primary-color": "#0f5f50" };
  for (const [nombre, valor] of Object.entries(colores)) doc.setAttribute(nombre, valor);
}
vestir();
oscuro.addEventListener("change", vestir);

const sesion = await fetch("/sesion").then((r) => (r.ok ? r.json() : null)).catch(() => null);
document.getElementById("quien").replaceChildren(...(sesion
  ? [`Lo que se prueba aquí se pide en nombre de ${sesion.usuario} (${sesion.roles.join(", ")}).`]
  : ["Nadie ha entrado: aquí se puede probar solo lo que es de todos. ", Object.assign(document.createElement("a"), { href: "/entrar?volver=/docs", textContent: "Entrar" })]));

doc.addEventListener("before-try", (e) => {
  const { headers } = e.detail.request;
  const token = document.getElementById("token").value.trim();
  if (token) headers.set("Authorization", `Bearer ${token.replace(/^Bearer\s+/i, "")}`);
  else if (sesion) headers.set("X-CSRF-Token", sesion.csrf);
});
