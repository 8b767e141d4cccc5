/* What changes elsewhere appears here: server-sent events say which conversation, ordinary pages say what.
   Without the stream the page asks every 15 seconds. Nothing moves under the pointer. */

import { fragment } from "./page.js";
import { mergeHtml } from "./merge.js";
import { isSending } from "./composer.js";
import { markRead, readableTitle, withPart } from "./inbox.js";

const GATHER_MS = 120;
const POLL_MS = 15_000;
const inbox = document.querySelector("#inbox");
const list = document.querySelector("#rows");
const line = document.querySelector("#connection");
const said = document.querySelector("#said");
const filters = () => (inbox.dataset.query ? `?${inbox.dataset.query}` : "");
const open = () => document.querySelector("#thread").dataset.id;
const busy = () => list.parentElement.matches(":hover") || list.querySelector(":focus-visible");
let changed = new Set();
let timer = 0;
let poll = 0;
let unsorted = false;

async function html(url) {
  try {
    const answer = await fragment(url);
    if (answer.status === 401) location.reload();
    return answer.status === 200 ? await answer.text() : null;
  } catch {
    return undefined; // no answer: not the same as "not in this view"
  }
}

function parsed(text) {
  return new DOMParser().parseFromString(`<ul>${text}</ul>`, "text/html").querySelector("ul");
}

function placeRow(fresh) {
  const known = document.getElementById(fresh.id);
  const active = fresh.dataset.id === open();
  if (active) fresh.querySelector(".conversation").setAttribute("aria-current", "true");
  if (known) {
    if (known.outerHTML === fresh.outerHTML) return;
    const focused = known.contains(document.activeElement);
    if (known.dataset.at !== fresh.dataset.at) unsorted = true;
    known.replaceWith(fresh);
    if (focused) fresh.querySelector("a").focus({ preventScroll: true });
  } else {
    document.querySelector("#list-empty")?.remove();
    fresh.classList.add("is-new");
    list.append(fresh);
    unsorted = true;
    const more = document.querySelector("#more");
    if (more) list.append(more);
  }
}

function sort() {
  if (!unsorted || busy()) return;
  unsorted = false;
  const rows = [...list.querySelectorAll(":scope > .list-item")];
  const wanted = [...rows].sort((a, b) => b.dataset.at - a.dataset.at);
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  wanted.forEach((row, at) => { if (list.children[at] !== row) list.insertBefore(row, list.children[at]); });
  focused?.focus({ preventScroll: true });
}
list.parentElement.addEventListener("pointerleave", sort);

async function refreshRow(id) {
  const text = await html(withPart(`${inbox.dataset.base}${id}/${filters()}`, "row"));
  if (text) placeRow(parsed(text).querySelector(".list-item"));
  else if (text === null && id !== open()) document.getElementById(`row-${id}`)?.remove();
}

async function refreshViews() {
  const text = await html(withPart(inbox.dataset.base + filters(), "views"));
  const next = text && parsed(text).querySelector("#views");
  const now = document.querySelector("#views");
  if (!next) return;
  if (now.innerHTML !== next.innerHTML && !now.contains(document.activeElement)) now.replaceChildren(...next.childNodes);
  now.dataset.unread = next.dataset.unread;
  readableTitle(Number(next.dataset.unread));
}

async function refreshThread() {
  if (!open() || isSending()) return;
  const at = open();
  const text = await html(withPart(document.querySelector("#thread").dataset.url, "thread"));
  if (!text || at !== open() || isSending()) return;
  const added = mergeHtml(text).filter((each) => each.classList.contains("is-in"));
  if (!added.length) return;
  said.textContent = added.map((each) => `${said.dataset.said} ${each.querySelector(".sr-only").textContent} ${each.querySelector(".said")?.textContent ?? ""}`).join(" ");
  markRead();
}

async function refresh() {
  const ids = [...changed].filter(Boolean);
  changed = new Set();
  timer = 0;
  const thread = ids.includes(open()) ? refreshThread() : null;
  await Promise.all([thread, ...(ids.length > 8 ? [refreshList()] : ids.map(refreshRow)), refreshViews()]);
  sort();
}

async function refreshList() {
  const text = await html(withPart(inbox.dataset.base + filters(), "list"));
  if (text) parsed(text).querySelectorAll(".list-item").forEach(placeRow);
}

async function refreshAll() {
  await Promise.all([refreshList(), refreshThread(), refreshViews()]);
  sort();
}

function connect() {
  const stream = new EventSource(inbox.dataset.events);
  let late = 0;
  stream.addEventListener("ready", () => {
    clearTimeout(late);
    clearInterval(poll);
    if (poll) refreshAll(); // what was missed meanwhile
    poll = 0;
    line.hidden = true;
  });
  stream.addEventListener("change", (event) => {
    changed.add(JSON.parse(event.data).conversation);
    timer ||= setTimeout(refresh, GATHER_MS);
  });
  stream.addEventListener("error", () => {
    clearTimeout(late);
    late = setTimeout(() => { line.hidden = false; }, 4000); // a short break needs no words
    poll ||= setInterval(refreshAll, POLL_MS);
    if (stream.readyState === EventSource.CLOSED) setTimeout(connect, POLL_MS);
  });
  addEventListener("pagehide", () => stream.close(), { once: true });
}

connect();
addEventListener("pageshow", (event) => { if (event.persisted) { connect(); refreshAll(); } });
