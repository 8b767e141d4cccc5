// Writing: the composer, what is quoted or edited, and what can be attached.

import { $, KINDS, act, play, state } from "./core.js";

const text = $("composer-text");

function banner(label, words) {
  $("quote").hidden = false;
  $("quote").firstElementChild.textContent = `${label}: ${words}`;
  text.focus();
}

export function quote(message) {
  Object.assign(state, { quote: message.id, editing: "" });
  banner("Reply", message.content.body || message.content.caption || message.card?.text || KINDS[message.type] || message.type);
}

export function beginEdit(message) {
  Object.assign(state, { quote: "", editing: message.id });
  text.value = message.content.body;
  grow();
  banner("Editing", message.content.body);
}

export function unquote() {
  if (state.editing) text.value = "";
  Object.assign(state, { quote: "", editing: "" });
  $("quote").hidden = true;
}

export function send(type, content, more = {}) {
  const body = { type, content, reply_to: state.quote, ...more };
  unquote();
  menu(false);
  return play("send", body);
}

function menu(open) {
  $("attach-menu").hidden = !open;
  $("attach").setAttribute("aria-expanded", String(open));
  if (open) $("attach-menu").querySelector("button:not([hidden])").focus();
}

function grow() {
  text.rows = Math.min(5, text.value.split("\n").length);
}

// Only what the app has is offered.
export function offer(app) {
  for (const each of $("attach-menu").querySelectorAll("[data-apps]")) each.hidden = !each.dataset.apps.split(" ").includes(app);
}

$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = text.value.trim();
  if (!body) return;
  const target = state.editing;
  if (target) unquote();
  text.value = "";
  grow();
  if (!(await (target ? play("edit", { target, text: body }) : send("text", { body })))) text.value = body;
  $("chat").scrollTop = $("chat").scrollHeight;
  text.focus();
});
text.addEventListener("input", grow);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  } else if (event.key === "ArrowUp" && !text.value) {
    event.preventDefault();
    $("messages").querySelector(".message:last-child")?.focus();
  } else if (event.key === "Escape") unquote();
});
$("quote").querySelector("button").addEventListener("click", unquote);
$("attach").addEventListener("click", () => menu($("attach-menu").hidden));
$("attach-menu").addEventListener("click", (event) => {
  const chosen = event.target.closest("button");
  if (!chosen) return;
  const { sample, kind, content, referral } = chosen.dataset;
  if (sample) send(kind || "sample", { sample, ...JSON.parse(content || "{}") });
  else send(kind, JSON.parse(content || "{}"), referral ? { referral: JSON.parse(referral) } : {});
  text.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !$("attach-menu").hidden) {
    menu(false);
    $("attach").focus();
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest(".attach")) menu(false);
});
$("file").addEventListener("change", async (event) => {
  const [chosen] = event.target.files;
  event.target.value = "";
  if (!chosen) return;
  const form = new FormData();
  form.append("number", state.number);
  form.append("file", chosen);
  const stored = await act("upload", form);
  if (stored) send(stored.kind, { media: stored.media });
});
