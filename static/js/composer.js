/* Answering: the bubble stands at once, posts go one after the other, and no text is ever lost. */

import { fragment } from "./page.js";
import { mergeHtml } from "./merge.js";

const drafts = new Map(); // per conversation, in memory: the browser keeps nothing
let queue = Promise.resolve();
let pending = 0;

const form = () => document.querySelector("form#composer");
const field = () => document.querySelector("#composer-text");
const conversation = () => document.querySelector("#thread")?.dataset.id;
export const isSending = () => pending > 0;

/** Take the server's composer when its state changed (the window closed or opened), keeping the text. */
export function refreshComposer(next) {
  const now = document.querySelector("#composer");
  if (!next || !now || now.matches(".composer-form")) return; // a template or buttons are being filled in
  if (next.dataset.state !== now.dataset.state) {
    remember();
    now.replaceWith(next);
    restore();
    return;
  }
  const line = next.querySelector(".window-line");
  const old = now.querySelector(".window-line");
  if (line && old) old.replaceWith(line);
  const error = next.querySelector("#composer-error");
  if (error?.childElementCount) now.querySelector("#composer-error").replaceWith(error);
}

let toldTyping = 0;
/** The person may see that one writes; the platform shows it for 25 seconds. */
function tellTyping() {
  const url = form()?.dataset.typing;
  if (!url || !field().value || Date.now() - toldTyping < 20_000) return;
  toldTyping = Date.now();
  const body = new FormData();
  body.set("csrfmiddlewaretoken", form().querySelector("[name=csrfmiddlewaretoken]").value);
  fragment(url, { method: "POST", body }).catch(() => {});
}

function remember() {
  if (field()) drafts.set(conversation(), field().value);
}
function restore() {
  const text = drafts.get(conversation());
  if (field() && text && !field().value) field().value = text;
}

function uuid() {
  return crypto.randomUUID ? crypto.randomUUID() : "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (c / 4)))).toString(16));
}

function bubble(text, files, words) {
  const item = document.createElement("li");
  item.className = "message is-out is-first is-last is-pending is-new";
  const box = document.createElement("div");
  box.className = "bubble";
  for (const file of files) {
    const tile = document.createElement("p");
    tile.className = "clip";
    tile.textContent = `📎 ${file.name}`;
    box.append(tile);
  }
  const said = document.createElement("div");
  said.className = "words said";
  said.dir = "auto";
  said.textContent = text;
  box.append(said);
  const state = document.createElement("span");
  state.className = "status-line";
  state.textContent = words;
  item.append(box, state);
  return item;
}

async function post(url, data, item, at, words) {
  try {
    const answer = await fragment(url, { method: "POST", body: data });
    const html = await answer.text();
    if (answer.status !== 200 && answer.status !== 422) throw new Error(String(answer.status));
    item.dataset.done = "";
    if (conversation() === at) mergeHtml(html);
    item.remove();
    if (answer.status === 422) {
      const typed = data.get("text");
      drafts.set(at, typed);
      if (conversation() === at && field() && !field().value) field().value = typed;
    } else if (!drafts.get(at)) drafts.delete(at);
  } catch {
    failed(url, data, item, at, words);
  }
}

function failed(url, data, item, at, words) {
  item.classList.replace("is-pending", "is-failed");
  const line = document.createElement("div");
  line.className = "failure";
  line.setAttribute("role", "alert");
  const text = document.createElement("p");
  text.textContent = words.failed;
  const actions = document.createElement("div");
  actions.className = "actions";
  const again = document.createElement("button");
  again.type = "button";
  again.className = "button is-small";
  again.textContent = words.again;
  again.addEventListener("click", () => {
    line.remove();
    item.classList.replace("is-failed", "is-pending");
    enqueue(() => post(url, data, item, at, words)); // the same nonce: it cannot be sent twice
    field()?.focus();
  });
  actions.append(again);
  line.append(text, actions);
  item.append(line);
}

function enqueue(work) {
  pending += 1;
  queue = queue.then(work).finally(() => { pending -= 1; });
}

function send() {
  const composer = form();
  const data = new FormData(composer);
  const picked = [...composer.querySelector("#composer-files").files];
  const text = data.get("text").trim();
  if (!text && !picked.length) return;
  const words = { failed: composer.dataset.failed, again: composer.dataset.again };
  const item = bubble(text, picked, composer.dataset.waiting);
  document.querySelector("#messages").append(item);
  document.querySelector("#thread-scroll").scrollTop = 0;
  const at = conversation();
  drafts.delete(at);
  field().value = "";
  composer.querySelector("[name=nonce]").value = uuid();
  composer.querySelector("#composer-files").value = "";
  composer.querySelector("[name=send_at]").value = "";
  composer.querySelector(".later").open = false;
  composer.querySelector("#composer-error").replaceChildren();
  unquote();
  showPicked();
  grow();
  field().focus();
  enqueue(() => post(composer.action, data, item, at, words));
}

function unquote() {
  const composer = form();
  composer.querySelector("[name=reply_to]").value = "";
  composer.querySelector("#quoting").hidden = true;
}

function showPicked() {
  const list = document.querySelector("#picked");
  const input = document.querySelector("#composer-files");
  list.replaceChildren(...[...input.files].map((file, index) => {
    const item = document.createElement("li");
    if (file.type.startsWith("image/")) {
      const picture = document.createElement("img");
      picture.src = URL.createObjectURL(file);
      picture.alt = "";
      picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
      item.append(picture);
    }
    const name = document.createElement("span");
    name.className = "clip";
    name.textContent = file.name;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "icon-button is-small";
    remove.textContent = "×";
    remove.setAttribute("aria-label", `${form().dataset.remove}: ${file.name}`);
    remove.addEventListener("click", () => { pick([...input.files].filter((_, each) => each !== index)); field().focus(); });
    item.append(name, remove);
    return item;
  }));
}

function pick(files) {
  const hold = new DataTransfer();
  files.slice(0, 10).forEach((file) => hold.items.add(file));
  document.querySelector("#composer-files").files = hold.files;
  showPicked();
}

function grow() {
  if (CSS.supports("field-sizing", "content") || !field()) return;
  field().style.blockSize = "auto";
  field().style.blockSize = `${field().scrollHeight}px`;
}

document.addEventListener("submit", (event) => {
  if (event.target.id !== "composer") return;
  event.preventDefault();
  send();
}, true);
document.addEventListener("keydown", (event) => {
  if (event.target.id !== "composer-text") return;
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !matchMedia("(pointer: coarse)").matches) {
    event.preventDefault();
    send();
  } else if (event.key === "Escape") {
    unquote();
    event.target.blur();
    document.querySelector("#thread-scroll").focus({ preventScroll: true });
  }
});
document.addEventListener("input", (event) => {
  if (event.target.id !== "composer-text") return;
  remember();
  grow();
  tellTyping();
});
document.addEventListener("change", (event) => { if (event.target.id === "composer-files") showPicked(); });
document.addEventListener("paste", (event) => {
  if (event.target.id !== "composer-text" || !event.clipboardData.files.length) return;
  event.preventDefault();
  pick([...document.querySelector("#composer-files").files, ...event.clipboardData.files]);
});
document.addEventListener("dragover", (event) => {
  if (!form() || !event.dataTransfer.types.includes("Files") || !event.target.closest("#thread")) return;
  event.preventDefault();
  form().classList.add("is-dropping");
});
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget?.closest?.("#thread")) form()?.classList.remove("is-dropping"); });
document.addEventListener("drop", (event) => {
  if (!form() || !event.target.closest("#thread")) return;
  event.preventDefault();
  form().classList.remove("is-dropping");
  pick([...document.querySelector("#composer-files").files, ...event.dataTransfer.files]);
});
document.addEventListener("click", (event) => {
  const quote = event.target.closest("[data-quote]");
  if (quote && form()) {
    event.preventDefault();
    form().querySelector("[name=reply_to]").value = quote.dataset.quote;
    const box = form().querySelector("#quoting");
    box.hidden = false;
    box.querySelector("strong").textContent = quote.dataset.author;
    box.querySelector(".quote-text").textContent = quote.closest(".message").querySelector(".said, .file-name")?.textContent ?? "";
    field().focus();
  } else if (event.target.closest("[data-unquote]")) {
    event.preventDefault();
    unquote();
    field().focus();
  }
});
document.addEventListener("omnistra:changed", () => { restore(); grow(); });
