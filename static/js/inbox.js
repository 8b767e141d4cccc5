/* Opening conversations without a reload, older messages, the list's width, the panel, quotes. Links work without it. */

import { fragment, toast } from "./page.js";
import { mergeHtml } from "./merge.js";

const inbox = document.querySelector("#inbox");
const phone = matchMedia("(width < 47.5rem)");
let asked = 0; // only the newest answer counts

const rows = () => [...document.querySelectorAll("#rows .conversation")];
const current = () => rows().find((row) => row.getAttribute("aria-current") === "true");
export const withPart = (url, part) => `${url}${url.includes("?") ? "&" : "?"}part=${part}`;
export const readableTitle = (unread) => {
  const name = document.querySelector("#thread-name")?.textContent || document.querySelector("#list-title").textContent;
  document.title = `${unread ? `(${unread}) ` : ""}${name} · ${inbox.dataset.workspace}`;
};

function mark(url) {
  const path = new URL(url, location.href).pathname;
  for (const row of rows()) {
    const here = new URL(row.href).pathname === path;
    row.toggleAttribute("aria-current", false);
    if (here) {
      row.setAttribute("aria-current", "true");
      row.classList.remove("is-unread");
      row.querySelector(".badge")?.remove();
      row.scrollIntoView({ block: "nearest" });
    }
  }
}

/** Tell the server that an agent has the open conversation on the screen. */
export function markRead() {
  const thread = document.querySelector("#thread");
  if (!thread.dataset.read || thread.dataset.unread === "0" || document.hidden) return;
  const token = document.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token) return;
  thread.dataset.unread = "0";
  fragment(thread.dataset.read, { method: "POST", headers: { "X-CSRFToken": token } }).catch(() => {});
}

/** Open a conversation in place. */
export async function open(url, push = true) {
  const turn = ++asked;
  mark(url);
  inbox.dataset.show = "thread";
  if (push) history.pushState({}, "", url);
  const waiting = setTimeout(() => {
    const list = document.querySelector("#messages");
    const skeleton = document.querySelector("#thread-skeleton").content.cloneNode(true);
    if (list && turn === asked) list.replaceChildren(...skeleton.firstElementChild.childNodes);
  }, 150);
  try {
    const answer = await fragment(withPart(url, "thread"));
    if (turn !== asked) return;
    if (!answer.ok) { location.assign(url); return; }
    const html = await answer.text();
    clearTimeout(waiting);
    mergeHtml(html);
    readableTitle(document.querySelector("#views")?.dataset.unread * 1);
    if (phone.matches) document.querySelector("#thread-name").focus();
    markRead();
  } catch {
    toast("No connection. The conversation could not be opened.", "error");
  } finally {
    clearTimeout(waiting);
  }
}

function showList(push) {
  inbox.dataset.show = "list";
  const row = current();
  if (push) history.pushState({}, "", inbox.dataset.base + (inbox.dataset.query ? `?${inbox.dataset.query}` : ""));
  row?.focus({ preventScroll: true });
}

function step(by) {
  const all = rows();
  const at = all.indexOf(current());
  const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))];
  if (next && next !== all[at]) open(next.href);
}

async function older(link) {
  if (link.getAttribute("aria-busy")) return;
  link.setAttribute("aria-busy", "true");
  try {
    const answer = await fragment(withPart(link.href, "messages"));
    if (!answer.ok) throw new Error();
    const page = new DOMParser().parseFromString(`<ol>${await answer.text()}</ol>`, "text/html").querySelector("ol");
    page.querySelectorAll(".older:not(#older)").forEach((each) => each.remove());
    page.querySelectorAll("li.day").forEach((day) => document.getElementById(day.id)?.remove());
    const place = link.closest("li");
    const next = page.querySelector("[data-older]");
    place.replaceWith(...page.children); // the end is the origin of this scroll: nothing that is read moves
    watchOlder();
    document.dispatchEvent(new CustomEvent("omnistra:changed", { detail: { added: [] } }));
    if (!next) document.querySelector("#thread-scroll").focus({ preventScroll: true });
  } catch {
    link.removeAttribute("aria-busy");
    toast("Older messages could not be loaded.", "error");
  }
}

const sight = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting && document.querySelector("#thread-scroll").scrollTop < -8) older(entry.target);
}, { rootMargin: "200px 0px" });
function watchOlder() {
  sight.disconnect();
  const link = document.querySelector("[data-older]");
  if (link) sight.observe(link);
}

document.addEventListener("click", (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const row = event.target.closest("#rows .conversation, .earlier a");
  const step_ = event.target.closest("[data-step]");
  const link = event.target.closest("[data-older]");
  const quote = event.target.closest("a.quote");
  if (row) { event.preventDefault(); open(row.href); document.querySelector("#panel:popover-open")?.hidePopover(); }
  else if (step_) step(Number(step_.dataset.step));
  else if (link) { event.preventDefault(); older(link); }
  else if (event.target.closest("[data-back]")) { event.preventDefault(); showList(true); }
  else if (quote) {
    const original = document.getElementById(quote.hash.slice(1));
    if (!original) return;
    event.preventDefault();
    original.scrollIntoView({ block: "center", behavior: "smooth" });
    original.classList.remove("is-shown");
    requestAnimationFrame(() => original.classList.add("is-shown"));
  } else if (event.target.closest("#newest")) {
    document.querySelector("#thread-scroll").scrollTo({ top: 0, behavior: "smooth" });
  } else if (event.target.closest(".panel-toggle")) {
    const wide = inbox.classList.toggle("is-wide");
    event.target.closest(".panel-toggle").setAttribute("aria-pressed", String(!wide));
  }
});

addEventListener("popstate", () => {
  if (location.pathname === inbox.dataset.base) showList(false);
  else open(location.href, false);
});
document.addEventListener("scroll", (event) => {
  if (event.target.id === "thread-scroll" && event.target.scrollTop > -48) document.querySelector("#newest").hidden = true;
}, true);
document.addEventListener("omnistra:changed", watchOlder);
document.addEventListener("visibilitychange", markRead);

// After a close, say so and offer the way back.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.requestConfig?.elt.closest("form[data-done]");
  if (!form || !event.detail.successful) return;
  toast(form.dataset.done, "success", {
    label: form.dataset.undo,
    run: () => document.querySelector("#thread-head form[action*='reopen'] button")?.click(),
  });
});

// The list's width: for this page view only, because nothing is stored in the browser without a choice.
const splitter = document.querySelector("#splitter");
const setWidth = (pixels) => {
  const width = Math.round(Math.max(260, Math.min(520, pixels)));
  document.documentElement.style.setProperty("--list-width", `${width}px`);
  splitter.setAttribute("aria-valuenow", String(width));
};
const startOf = () => (document.dir === "rtl" ? -1 : 1);
splitter.addEventListener("pointerdown", (event) => {
  const from = event.clientX;
  const width = document.querySelector("#list").offsetWidth;
  splitter.setPointerCapture(event.pointerId);
  splitter.classList.add("is-dragging");
  const move = (moved) => setWidth(width + (moved.clientX - from) * startOf());
  splitter.addEventListener("pointermove", move);
  splitter.addEventListener("pointerup", () => { splitter.removeEventListener("pointermove", move); splitter.classList.remove("is-dragging"); }, { once: true });
});
splitter.addEventListener("keydown", (event) => {
  const by = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
  if (by) { event.preventDefault(); setWidth(document.querySelector("#list").offsetWidth + by * startOf()); }
});

document.querySelector("#unread")?.scrollIntoView({ block: "center" });
watchOlder();
markRead();
