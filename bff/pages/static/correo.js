// The news of one's purchases by e-mail: the form below the list of purchases.
import { get, put, remove } from "./api.js";
import { byId } from "./dom.js";
import { notify, withButton } from "./frame.js";
import { t } from "./words.js";

// mailBox fills the form for the customer usuario. It stays hidden where this installation sends no e-mail.
export async function mailBox(usuario) {
  const path = `/api/usuarios/${encodeURIComponent(usuario)}/correo`;
  const form = byId("mail-form"), field = byId("correo");

  function show(correo) {
    byId("mail-now").textContent = correo ? t("correo.on", { correo }) : t("correo.off");
    byId("mail-off").hidden = !correo;
    field.value = correo;
  }

  const { correo, disponible } = await get(path);
  if (!disponible && !correo) return;
  show(correo);
  byId("mail").hidden = false;
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    withButton(e.submitter, async () => {
      const address = field.value.trim();
      await put(path, { correo: address });
      show(address);
      notify(t("correo.saved"));
    });
  });
  byId("mail-off").addEventListener("click", (e) => withButton(e.currentTarget, async () => {
    await remove(path);
    show("");
    field.focus();
    notify(t("correo.stopped"));
  }));
}
