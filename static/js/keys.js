/* Single-letter shortcuts by data-hotkey, never while one types, and with a switch to turn them off (WCAG 2.1.4). */

import { install, uninstall } from "../vendor/hotkey/hotkey.js";

const sheet = document.querySelector("#shortcuts");
const choice = document.querySelector("#single-keys");
let installed = [];

/** (Re)install the shortcuts of what stands on the page now. */
export function refreshKeys() {
  installed.forEach((element) => uninstall(element));
  installed = choice.checked ? [...document.querySelectorAll("[data-hotkey]")] : [];
  installed.forEach((element) => install(element));
}

choice.addEventListener("change", refreshKeys);
document.addEventListener("omnistra:changed", refreshKeys);
document.addEventListener("hotkey-fire", (event) => { if (sheet.open) event.preventDefault(); }, true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select")) return;
  if (choice.checked && !sheet.open) sheet.showModal();
});
refreshKeys();
