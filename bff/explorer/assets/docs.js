// RapiDoc in the colours of the pages. Its requests carry the page's session, or the token that the person typed.
const doc = document.querySelector("rapi-doc");
const dark = matchMedia("(prefers-color-scheme: dark)");

function setColours() {
  const colours = dark.matches
    ? { theme: "dark", "bg-color": "#101518", "text-color": "#e9eeee", "nav-bg-color": "#181f23", "nav-text-color": "#a0aeb4", "nav-hover-bg-color": "#242d31", "nav-hover-text-color": "#e9eeee", "nav-accent-color": "#74d3b8", "primary-color": "#74d3b8" }
    : { theme: "light", "bg-color": "#f7f6f2", "text-color": "#182225", "nav-bg-color": "#ffffff", "nav-text-color": "#57646a", "nav-hover-bg-color": "#eceae4", "nav-hover-text-color": "#182225", "nav-accent-color": "#0f5f50", "primary-color": "#0f5f50" };
  for (const [name, value] of Object.entries(colours)) doc.setAttribute(name, value);
}
setColours();
dark.addEventListener("change", setColours);

const session = await fetch("/sesion").then((r) => (r.ok ? r.json() : null)).catch(() => null);
document.getElementById("who").replaceChildren(...(session
  ? [`What you try here is requested in the name of ${session.usuario} (${session.roles.join(", ")}).`]
  : ["Nobody is signed in: only what is for everybody can be tried here. ", Object.assign(document.createElement("a"), { href: "/entrar?volver=/docs", textContent: "Sign in" })]));

doc.addEventListener("before-try", (e) => {
  const { headers } = e.detail.request;
  const token = document.getElementById("token").value.trim();
  if (token) headers.set("Authorization", `Bearer ${token.replace(/^Bearer\s+/i, "")}`);
  else if (session) headers.set("X-CSRF-Token", session.csrf);
});

// RapiDoc gives its fields no labels. Each field gets the name of its parameter, and each body a name, whenever RapiDoc draws them anew.
const seen = new WeakSet();
function label(root) {
  for (const field of root.querySelectorAll("input, textarea, select")) {
    if (field.labels?.length || field.ariaLabel) continue;
    field.ariaLabel = field.dataset.pname || field.placeholder || (field.matches("textarea") ? "Body of the request" : field.name || field.id || "Value");
  }
  for (const text of root.querySelectorAll("pre:not([tabindex])")) text.tabIndex = 0; // a long answer scrolls, also by the keyboard
  const navigation = root.querySelector(".nav-bar");
  if (navigation && !navigation.ariaLabel) navigation.ariaLabel = "Operations";
}
function watch(root) {
  if (seen.has(root)) return;
  seen.add(root);
  let planned = false;
  const visit = () => {
    planned = false;
    label(root);
    for (const e of root.querySelectorAll("*")) if (e.shadowRoot) watch(e.shadowRoot);
  };
  new MutationObserver(() => {
    if (planned) return;
    planned = true;
    requestAnimationFrame(visit);
  }).observe(root, { childList: true, subtree: true });
  visit();
}
await customElements.whenDefined("rapi-doc");
watch(doc.shadowRoot);
