/* Bringing fresh HTML of a thread into the page without losing the place: scroll, older messages, focus, draft.
   htmx uses it as the swap style "merge"; inbox.js, composer.js and live.js call it. */

import { refreshComposer } from "./composer.js";

const scroller = () => document.querySelector("#thread-scroll");
const plain = (element) => element.outerHTML.replace(/(csrfmiddlewaretoken|nonce)" value="[^"]*"/g, "");

function replaceIfNew(id, fresh) {
  const next = fresh.querySelector(`#${id}`);
  const now = document.getElementById(id);
  if (!now || !next || plain(now) === plain(next)) return;
  if (now.contains(document.activeElement) && now.querySelector("details[open]")) return; // a menu is in use
  const focused = now.contains(document.activeElement) ? document.activeElement.getAttribute("data-hotkey") : null;
  now.replaceWith(next);
  if (focused) next.querySelector(`[data-hotkey="${focused}"]`)?.focus();
}

/** Put messages of `fresh` into the list by id. Gives the new ones. */
function mergeMessages(fresh) {
  const list = document.querySelector("#messages");
  const view = scroller();
  const atEnd = view.scrollTop > -48; // column-reverse: 0 is the end
  const height = view.scrollHeight;
  const added = [];
  let before = null;
  for (const item of [...fresh.querySelectorAll("#messages > li")]) {
    if (item.id === "older" || item.id === "unread" || !item.id) continue;
    const known = document.getElementById(item.id);
    if (known) {
      if (before === null) item.classList.toggle("is-first", known.classList.contains("is-first"));
      const busy = known.querySelector(":is(audio, video)") && [...known.querySelectorAll("audio, video")].some((each) => !each.paused);
      const gone = item.querySelector(".is-unsent"); // what was taken back goes, whatever is being done with it
      if (plain(known) !== plain(item) && (gone || (!busy && !known.contains(document.activeElement)))) {
        known.replaceWith(item);
        before = item;
      } else before = known;
      continue;
    }
    if (before) before.after(item);
    else list.append(item);
    before = item;
    if (item.classList.contains("message")) added.push(item);
  }
  document.querySelectorAll("#messages > .is-pending[data-done]").forEach((each) => each.remove());
  if (!atEnd) view.scrollTop -= view.scrollHeight - height; // hold what is being read
  if (added.length && !atEnd) document.querySelector("#newest").hidden = false;
  added.forEach((each) => each.classList.add("is-new"));
  return added;
}

/** `fresh`: a fragment with #thread and #panel. Replaces another conversation whole, merges the same one. */
export function mergeThread(fresh) {
  const next = fresh.querySelector("#thread");
  if (!next) { location.reload(); return []; }
  const now = document.querySelector("#thread");
  const same = now.dataset.id === next.dataset.id;
  let added = [];
  if (!same || !now.dataset.id) {
    now.replaceWith(next);
    document.querySelector("#unread")?.scrollIntoView({ block: "center" });
  } else {
    now.dataset.unread = next.dataset.unread;
    added = mergeMessages(fresh);
    replaceIfNew("thread-head", fresh);
    replaceIfNew("doubt", fresh);
    replaceIfNew("scheduled", fresh);
    refreshComposer(fresh.querySelector("#composer"));
  }
  const panel = fresh.querySelector("#panel");
  const old = document.querySelector("#panel");
  // What the agent has asked to see stays until another conversation is opened; the server sends it once.
  if (panel && same) old?.querySelectorAll("[data-revealed]").forEach((row) => panel.querySelector(`#${row.id}`)?.replaceWith(row.cloneNode(true)));
  if (panel && !old) document.querySelector("#inbox").append(panel);
  else if (panel && plain(old) !== plain(panel)) old.replaceChildren(...panel.childNodes);
  htmx.process(document.querySelector("#inbox"));
  document.dispatchEvent(new CustomEvent("omnistra:changed", { detail: { added } }));
  return added;
}

/** The same from text. */
export function mergeHtml(html) {
  return mergeThread(new DOMParser().parseFromString(`<template>${html}</template>`, "text/html").querySelector("template").content);
}

const define = () => htmx.defineExtension("merge", {
  handleSwap(style, target, content) {
    if (style !== "merge") return false;
    mergeThread(content);
    return [document.querySelector("#thread")];
  },
});
define();
