/* Passkeys: asks the browser, puts its answer into the form and sends it; and printing. Codes work without this script. */

const able = Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON && window.PublicKeyCredential.parseRequestOptionsFromJSON);

async function ask(form) {
  const options = JSON.parse(form.dataset.options);
  const credential = form.dataset.passkey === "create"
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return JSON.stringify(credential);
}

function wordsFor(error, form) {
  if (error.name === "InvalidStateError" && form.dataset.known) return form.dataset.known;
  return error.name === "NotAllowedError" || error.name === "AbortError" ? form.dataset.cancelled : form.dataset.failed;
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const line = form.querySelector("[role=alert]");
  const button = form.querySelector("button[type=submit]");
  if (!able) {
    form.hidden = true;
    document.querySelectorAll(".passkey-or").forEach((each) => { each.hidden = true; });
    document.querySelectorAll(".no-passkeys").forEach((each) => { each.hidden = false; });
    continue;
  }
  form.addEventListener("submit", async (event) => {
    if (form.elements.passkey.value) return; // the browser has answered: let it go
    event.preventDefault();
    line.hidden = true;
    button.setAttribute("aria-busy", "true");
    try {
      form.elements.passkey.value = await ask(form);
      form.requestSubmit(button);
    } catch (error) {
      line.textContent = wordsFor(error, form);
      line.hidden = false;
      button.removeAttribute("aria-busy");
    }
  });
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) print();
});
