/* What every page has: toasts, menus that close, dialogs, copying, panes. Exports the three that other modules use. */

const toasts = document.querySelector("#toasts");
const TOAST_MS = 7000;

/** Show a notice. `action` is {label, run} or nothing. */
export function toast(text, kind = "info", action = null) {
  const element = document.querySelector("#toast-template").content.firstElementChild.cloneNode(true);
  element.className = `toast is-${kind}`;
  element.querySelector("p").textContent = text;
  if (action) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button is-small";
    button.textContent = action.label;
    button.addEventListener("click", () => { element.remove(); action.run(); });
    element.querySelector("p").after(button);
  }
  toasts.append(element);
  expire(element);
}

function expire(element) {
  if (element.classList.contains("is-error")) return; // an error stays until it is read
  let timer = setTimeout(() => element.remove(), TOAST_MS);
  const hold = () => clearTimeout(timer);
  const release = () => { hold(); timer = setTimeout(() => element.remove(), TOAST_MS); };
  element.addEventListener("pointerenter", hold);
  element.addEventListener("pointerleave", release);
  element.addEventListener("focusin", hold);
  element.addEventListener("focusout", release);
}

/** Fetch a fragment of the site as htmx would. Rejects when there is no answer. */
export function fragment(url, options = {}) {
  return fetch(url, { credentials: "same-origin", ...options, headers: { "HX-Request": "true", ...options.headers } });
}

/** Move the focus to the next pane (or the one before) that can be seen. */
export function nextPane(step) {
  const panes = [...document.querySelectorAll("[data-pane]")].filter((pane) => pane.checkVisibility({ visibilityProperty: true }));
  const at = panes.findIndex((pane) => pane.contains(document.activeElement));
  panes[(at + step + panes.length) % panes.length]?.focus();
}

toasts.querySelectorAll(".toast").forEach(expire);

// htmx keeps the page's address in sessionStorage; the policy promises nothing there before a choice (clause 9a).
addEventListener("load", () => sessionStorage.removeItem("htmx-current-path-for-history"));

document.addEventListener("click", async (event) => {
  const { target } = event;
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(target) || target.closest(".menu-item")) menu.open = false;
  });
  target.closest("[data-dismiss]")?.closest(".toast, .banner").remove();
  const opener = target.closest("[data-dialog]");
  if (opener) document.getElementById(opener.dataset.dialog).showModal();
  if (target instanceof HTMLDialogElement && target.open) target.close(); // a click beside it
  const copy = target.closest("[data-copy]");
  if (copy) {
    await navigator.clipboard.writeText(copy.dataset.copy);
    toast(document.documentElement.lang === "en" ? "Copied" : "✓", "success");
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  } else if (event.key === "F6") {
    event.preventDefault();
    nextPane(event.shiftKey ? -1 : 1);
  }
});

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (event.defaultPrevented || !button?.classList.contains("button")) return;
  requestAnimationFrame(() => button.setAttribute("aria-busy", "true"));
});
addEventListener("pageshow", () => document.querySelectorAll("button[aria-busy]").forEach((each) => each.removeAttribute("aria-busy")));

document.addEventListener("htmx:responseError", () => toast("That did not work. Try again, or reload the page.", "error"));
document.addEventListener("htmx:sendError", () => toast("No connection. Nothing was changed.", "error"));
