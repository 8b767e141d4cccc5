// What floats: the menu of a bubble (click, right click, long press or the key m) and the sheet of a list.

import { $, element, play, state } from "./core.js";
import { beginEdit, quote } from "./compose.js";

const EMOJI = {
  whatsapp: ["👍", "❤️", "😂", "🙏", "😮"],
  messenger: ["❤️", "😆", "😮", "😢", "😠", "👍"],
  instagram: ["❤️", "😂", "😮", "😢", "👍"],
};
const TAKE_BACK = { whatsapp: "Delete for everyone", messenger: "Unsend", instagram: "Unsend" };
const LONG_PRESS = 450; // milliseconds
let opener = null;

export function openMenu(message, from) {
  const menu = $("bubble-menu");
  const mark = message.reactions.find((each) => !each.business)?.emoji;
  const item = (words, run, extra = {}) => element("button", { type: "button", role: "menuitem", onclick: () => (closeMenu(), run()), ...extra }, words);
  menu.replaceChildren(
    element(
      "div",
      { class: "marks", role: "group", "aria-label": "React" },
      ...EMOJI[state.app].map((emoji) =>
        item(emoji, () => play("react", { target: message.id, emoji: mark === emoji ? "" : emoji }), { "aria-label": mark === emoji ? `Take back ${emoji}` : `React ${emoji}`, class: mark === emoji ? "chosen" : "" }),
      ),
    ),
    item("Reply", () => quote(message)),
    ...(message.outgoing || message.type !== "text" ? [] : [item("Edit", () => beginEdit(message))]),
    ...(message.outgoing ? [] : [item(TAKE_BACK[state.app], () => play("unsend", { target: message.id }), { class: "danger" })]),
    ...(message.sent_from === "phone" ? [item("Delete on the shop's phone", () => play("elsewhere", { target: message.id }), { class: "danger" })] : []),
  );
  menu.hidden = false;
  opener = from;
  const stage = document.querySelector(".screen").getBoundingClientRect();
  const at = from.getBoundingClientRect();
  const inside = (value, least, most) => Math.max(least, Math.min(value, most));
  menu.style.insetBlockStart = `${inside(at.bottom - stage.top + 4, 8, stage.height - menu.offsetHeight - 16)}px`;
  menu.style.left = `${inside(at.left - stage.left - menu.offsetWidth / 2, 8, stage.width - menu.offsetWidth - 24)}px`;
  menu.querySelector("button").focus({ preventScroll: true });
}

export function closeMenu() {
  if ($("bubble-menu").hidden) return;
  $("bubble-menu").hidden = true;
  opener?.focus({ preventScroll: true });
  opener = null;
}

function openMenuOf(item) {
  const message = state.screen?.chat?.messages.find((each) => each.id === item?.dataset.id);
  if (message && !message.unsent) openMenu(message, item.querySelector(".more"));
}

export function openList(message, card) {
  const sheet = $("list");
  let section = "";
  const rows = card.choices.flatMap((each) => {
    const title = each.section && each.section !== section ? element("h3", {}, each.section) : null;
    section = each.section || section;
    const row = element(
      "button",
      { type: "button", onclick: () => (sheet.close(), play("tap", { target: message.id, choice: each.id })) },
      element("strong", { dir: "auto" }, each.title),
      each.description ? element("span", { class: "small", dir: "auto" }, each.description) : null,
    );
    return title ? [title, row] : [row];
  });
  $("list-title").textContent = card.opens || "Choose";
  $("list-rows").replaceChildren(...rows);
  sheet.showModal();
}

$("bubble-menu").addEventListener("keydown", (event) => {
  const all = [...$("bubble-menu").querySelectorAll("button")];
  const move = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
  if (move) {
    event.preventDefault();
    all[(all.indexOf(document.activeElement) + move + all.length) % all.length].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    closeMenu();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("#bubble-menu, .more")) $("bubble-menu").hidden = true;
});
$("list-close").addEventListener("click", () => $("list").close());

const list = $("messages");
list.addEventListener("contextmenu", (event) => {
  const item = event.target.closest(".message");
  if (!item || event.target.closest("a, button")) return;
  event.preventDefault();
  openMenuOf(item);
});
let pressed = null;
list.addEventListener("pointerdown", (event) => {
  if (event.pointerType === "mouse" || event.target.closest("a, button")) return;
  const item = event.target.closest(".message");
  pressed = setTimeout(() => openMenuOf(item), LONG_PRESS);
});
for (const name of ["pointerup", "pointercancel", "pointermove"]) list.addEventListener(name, () => clearTimeout(pressed));
list.addEventListener("keydown", (event) => {
  const here = event.target.closest(".message");
  if (!here || event.target !== here) return;
  const all = [...list.querySelectorAll(".message")];
  const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (move) {
    event.preventDefault();
    (all[all.indexOf(here) + move] || (move > 0 ? $("composer-text") : here)).focus();
  } else if (event.key === "m" || event.key === "Enter") {
    event.preventDefault();
    openMenuOf(here);
  } else if (event.key === "r") {
    event.preventDefault();
    const message = state.screen.chat.messages.find((each) => each.id === here.dataset.id);
    if (message) quote(message);
  } else if (event.key === "Escape") $("composer-text").focus();
});
