// The functions that every page uses: they show the signed-in person, notices and errors, and ask before an action that cannot be
// undone.
import { post, session } from "./api.js";
import { showBadges } from "./badges.js";
import { clear } from "./cart.js";
import { forgetAddress } from "./delivery.js";
import { byId, h } from "./dom.js";
import { locale, t } from "./words.js";

const signInPath = () => `/entrar?volver=${encodeURIComponent(location.pathname + location.search)}`;

// begin shows the name of the signed-in person and resolves to the session. If this visitor may not see the page, begin shows the
// reason in place of the page and resolves to null. With open, every visitor may see the page.
export async function begin({ open = false } = {}) {
  let s;
  try {
    s = await session();
  } catch (e) {
    (open ? reportError : showFailure)(e);
    return null;
  }
  showWho(s);
  const role = document.body.dataset.role;
  if (open && !s) return null;
  if (!s) {
    replacePage(t("frame.sign-in-title"), t("frame.sign-in-text"), h("a", { class: "button primary", href: signInPath() }, t("frame.sign-in")));
    return null;
  }
  if (role === "operador" && !s.roles.includes("operador")) {
    replacePage(t("frame.operators-title"), t("frame.operators-text", { usuario: s.usuario }), h("a", { class: "button", href: "/" }, t("frame.to-shop")));
    return null;
  }
  showBadges(every);
  return s;
}

// On a phone the navigation scrolls: the entry of this page must be in sight.
const current = document.querySelector(".nav [aria-current]");
const showCurrent = () => {
  if (current) current.parentElement.scrollLeft = current.offsetLeft - (current.parentElement.clientWidth - current.offsetWidth) / 2;
};
showCurrent();
addEventListener("resize", showCurrent);

function showWho(s) {
  const who = byId("who");
  if (!s) {
    who.replaceChildren(h("a", { class: "button small", href: signInPath() }, t("frame.sign-in")));
    return;
  }
  const [otherPath, otherName] = document.body.dataset.role === "operador" ? ["/", t("nav.shop")] : ["/operador", t("nav.operation")];
  who.replaceChildren(...[
    s.roles.includes("operador") && h("a", { href: otherPath }, otherName),
    h("span", { class: "name" }, h("span", { class: "initial", "aria-hidden": "true" }, initial(s.usuario)), h("span", { class: "verbatim", title: s.usuario }, s.usuario)),
    h("button", { class: "link", type: "button", onclick: () => signOut(s.usuario) }, t("frame.sign-out")),
  ].filter(Boolean));
}

// initial returns the first character of text as a person sees it: joined emoji, or a letter with its accents, count as one character.
const initial = (text) => new Intl.Segmenter(locale).segment(text).containing(0)?.segment ?? "";

async function signOut(usuario) {
  try {
    await post("/salir");
  } catch (e) {
    if (e.status !== 401) { // 401: the session had ended already
      reportError(e);
      return;
    }
  }
  clear(); // the next person at this browser must not find this person's cart, nor the address
  forgetAddress(usuario);
  location.assign("/");
}

// A session may end while its page is open. The page stays, and a box above the content has a link to the sign-in.
addEventListener("session-ended", () => {
  if (sessionHasEnded()) return;
  byId("content").prepend(h("div", { id: "session-ended", class: "callout ended", role: "alert" },
    h("p", {}, t("frame.session-ended")), h("button", { class: "button small", type: "button", onclick: signIn }, t("frame.sign-in-again"))));
  showWho(null);
});

const sessionHasEnded = () => byId("session-ended") !== null;

// signIn opens the page of the sign-in, which leads back to this page.
export function signIn() {
  location.assign(signInPath());
}

function replacePage(title, text, action) {
  byId("content").replaceChildren(emptyState(title, text, action, "h1"));
}

// emptyState returns the element that a page shows in place of an empty list.
export function emptyState(title, text, action, heading = "h2") {
  return h("div", { class: "empty" }, h(heading, {}, title), h("p", {}, text), action);
}

// notify shows a text for some seconds; a screen reader reads it. A new notice replaces the old ones, but not other errors.
export function notify(text, tone = "") {
  const notice = h("p", { class: `notice ${tone}` }, text);
  for (const earlier of byId("notices").querySelectorAll(".notice")) {
    if (!earlier.matches(".bad") || earlier.textContent === text) earlier.remove();
  }
  byId("notices").append(notice);
  setTimeout(() => notice.remove(), tone === "bad" ? 9000 : 5000);
}

// reportError shows an error as a notice.
export function reportError(e) {
  if (e.name === "AbortError" || e.status === 401) return; // the page already shows that the session ended
  notify(inWords(e), "bad");
}

// inWords returns the error's text for a person. An error without a status is a defect of the page: the console gets it.
function inWords(e) {
  if (e.status === undefined) console.error(e);
  return e.status === undefined ? t("frame.defect") : e.message;
}

// showFailure replaces a page that could not be loaded. A notice would go away and leave the page empty.
export function showFailure(e) {
  if (e.status === 401) return;
  replacePage(t("frame.failure-title"), inWords(e), h("button", { class: "button primary", type: "button", onclick: () => location.reload() }, t("frame.try-again")));
}

// withButton disables the button while the action runs, and reports the error of the action. A disabled button loses the focus.
// Afterwards withButton gives the focus back to the button, or to the page when the button is gone.
export async function withButton(button, action) {
  if (button.disabled) return;
  button.disabled = true;
  try {
    await action();
  } catch (e) {
    reportError(e);
  } finally {
    button.disabled = false;
    if (document.activeElement === document.body || document.activeElement === button) focusOn(button);
  }
}

// focusOn focuses e, or the page when e is null or cannot be seen.
export function focusOn(e) {
  (e?.isConnected && e.checkVisibility() ? e : byId("content")).focus({ preventScroll: true });
}

// ask shows a dialog. It resolves to {motivo} when the person confirms, or to null when the person goes back. With reasonLabel the
// dialog has a field for the reason. With ready, Enter confirms: the focus is on the action.
export function ask({ title, text, action, tone = "primary", reasonLabel = "", ready = false }) {
  return new Promise((resolve) => {
    const field = reasonLabel && h("textarea", { id: "motivo", maxlength: "500" });
    const dialog = h("dialog", { "aria-labelledby": "question" },
      h("form", { method: "dialog" },
        h("h2", { id: "question" }, title),
        h("p", { class: "muted" }, text),
        field && h("div", { class: "field" }, h("label", { for: "motivo" }, reasonLabel), field),
        h("div", { class: "buttons" },
          h("button", { class: "button", value: "", formnovalidate: true }, t("frame.back")),
          h("button", { class: `button ${tone}`, value: "yes", autofocus: ready }, action))));
    dialog.addEventListener("keydown", (e) => {
      if (e.repeat && e.target.matches("button")) e.preventDefault(); // the key that opened the dialog is still down
    });
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? { motivo: field ? field.value.trim() : "" } : null);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

// every runs the action now and every ms milliseconds, one at a time, while the page is visible and the session lasts.
export function every(ms, action) {
  let running = false;
  const round = async () => {
    if (running || document.hidden || sessionHasEnded()) return;
    running = true;
    try {
      await action();
    } finally {
      running = false;
    }
  };
  document.addEventListener("visibilitychange", round);
  setInterval(round, ms);
  return round();
}
