// The sandbox's phone: asks for the screen each second and draws what has changed. Everything that the visitor does is one
// POST to /sandbox/api/<call>. What is drawn and done stands in the modules of this folder's sandbox/.

import { $, act, avatar, call, clock, day, element, redrawBy, remember, state } from "./sandbox/core.js";
import { bubble } from "./sandbox/bubble.js";
import { offer, unquote } from "./sandbox/compose.js";
import { drawLab } from "./sandbox/lab.js";
import { closeMenu } from "./sandbox/menu.js";

const CHANNEL = { whatsapp: "business number", messenger: "Facebook Page", instagram: "Instagram account" };

let running = null;
async function refresh(force = false) {
  if (running) await running;
  running = load(force).finally(() => (running = null));
  return running;
}
redrawBy(refresh);

async function load(force) {
  const query = new URLSearchParams({ app: state.app, number: state.number, person: state.person, seen: force ? "" : state.seen });
  let answer;
  try {
    answer = await fetch(`/sandbox/api/screen?${query}`);
  } catch {
    $("subtitle").textContent = "The server is away. Trying again…";
    return;
  }
  if (answer.status === 200) {
    const screen = await answer.json();
    if (!screen.person && screen.people.length) {
      state.person = screen.people[0].id;
      return load(true);
    }
    Object.assign(state, { screen, seen: String(screen.revision), number: screen.number, person: screen.person });
    remember();
    draw(screen);
  }
  look();
}

let looked = 0;
let telling = Promise.resolve(); // one after the other, so that "away" has the last word
function tell(more) {
  const body = { number: state.number, person: state.person, ...more };
  telling = telling.then(() => call("look", body)).catch(() => {});
}

// The chat leaves the screen: what comes now waits to be read.
function leave() {
  looked = 0;
  if (state.person && state.number) tell({ away: true });
}

function look() {
  const person = state.screen?.people.find((each) => each.id === state.person);
  const phone = document.querySelector('[data-part="phone"]');
  if (!state.number || !person || person.offline || document.hidden || phone.offsetParent === null) return;
  const unread = state.screen.chat?.messages.some((each) => each.outgoing && each.status === "delivered");
  if (Date.now() - looked < (unread ? 1500 : 8000)) return;
  looked = Date.now();
  tell({});
}

function draw(screen) {
  drawApps();
  drawNumbers(screen);
  drawPeople(screen);
  drawChat(screen);
  drawLab(screen);
}

function drawApps() {
  for (const each of document.querySelectorAll("[data-app-choice]")) each.setAttribute("aria-pressed", String(each.dataset.appChoice === state.app));
  document.querySelector(".stage").dataset.app = state.app;
  offer(state.app);
}

function drawNumbers(screen) {
  const mine = screen.numbers.filter((each) => each.app === state.app);
  const alike = (one) => mine.some((each) => each !== one && each.name === one.name);
  const select = $("number");
  const wanted = mine.map((each) => `${each.id} ${each.name} ${each.display}`).join("|") || state.app;
  if (select.dataset.drawn !== wanted) {
    select.dataset.drawn = wanted;
    select.replaceChildren(...mine.map((each) => element("option", { value: each.id }, alike(each) ? `${each.name} (${each.display})` : each.name)));
  }
  select.value = screen.number;
  select.disabled = !mine.length;
  const number = mine.find((each) => each.id === screen.number);
  avatar($("number-avatar"), number ? number.name.split(" ").map((word) => word[0]).join("").slice(0, 2) : "?", 3);
  const person = screen.people.find((each) => each.id === screen.person);
  const chat = screen.chat;
  let words = number ? number.display : "";
  if (number && !number.connected) words = "Not connected to Omnistra yet: nobody hears you";
  else if (chat?.blocked) words = "The business has blocked you";
  else if (person?.offline) words = "Your phone is offline";
  else if (chat?.typing_for > 0) words = "is typing…";
  $("subtitle").textContent = words;
  clearTimeout(drawNumbers.timer);
  if (chat?.typing_for > 0) drawNumbers.timer = setTimeout(() => refresh(true), chat.typing_for * 1000 + 200);
  $("offline").setAttribute("aria-pressed", String(Boolean(person?.offline)));
  $("offline").textContent = person?.offline ? "Come online" : "Go offline";
  $("offline").disabled = !person;
}

function drawPeople(screen) {
  const list = $("people");
  const wanted = JSON.stringify([screen.people, screen.person]);
  if (list.dataset.drawn === wanted) return;
  list.dataset.drawn = wanted;
  const focused = document.activeElement?.dataset?.person;
  list.replaceChildren(
    ...screen.people.map((each) =>
      element(
        "li",
        {},
        element(
          "button",
          { type: "button", "data-person": each.id, "aria-current": each.id === screen.person ? "true" : false, onclick: () => choose(each.id) },
          avatar(element("span", { "aria-hidden": "true" }), each.initials, each.hue),
          element(
            "span",
            { class: "lines" },
            element("bdi", { class: "name" }, each.name),
            element("span", { class: "last", dir: "auto" }, each.last || each.address),
          ),
          element(
            "span",
            { class: "side" },
            each.at ? element("time", {}, day(each.at) === "Today" ? clock(each.at) : new Date(each.at * 1000).toLocaleDateString([], { day: "numeric", month: "short" })) : null,
            each.offline ? element("span", { class: "chip" }, "offline") : each.unread ? element("span", { class: "count", "aria-label": `${each.unread} unread` }, String(each.unread)) : null,
          ),
        ),
      ),
    ),
  );
  if (focused) list.querySelector(`[data-person="${focused}"]`)?.focus();
}

function drawChat(screen) {
  const number = screen.numbers.find((each) => each.id === screen.number);
  $("phone").dataset.app = state.app;
  const empty = $("empty");
  const list = $("messages");
  const bare = !screen.chat || !screen.chat.messages.length;
  empty.hidden = !bare;
  $("chat").hidden = bare;
  $("composer").hidden = !screen.chat;
  const none = !screen.number;
  for (const each of document.querySelectorAll("[data-open]")) each.hidden = !none || each.dataset.open !== state.app;
  if (bare) {
    state.drawn.clear();
    list.replaceChildren();
    $("empty-title").textContent = none ? `No ${CHANNEL[state.app]} yet` : screen.chat ? "Say hello" : "Who are you?";
    $("empty-text").textContent = none
      ? "Open one at the stand-in for Meta, then connect it in Omnistra."
      : screen.chat
        ? "Your first message opens the conversation in the inbox."
        : "Choose a person, or play someone else.";
  }
  $("connect").hidden = !bare || !number || number.connected || state.opened !== number.id;
  if (bare) return;
  const end = $("chat").scrollHeight - $("chat").scrollTop - $("chat").clientHeight < 80;
  const owner = `${screen.number} ${screen.person}`;
  const fresh = list.dataset.owner !== owner;
  if (fresh) {
    state.drawn.clear();
    list.replaceChildren();
    list.dataset.owner = owner;
  }
  let last = "";
  let place = list.firstElementChild;
  for (const each of screen.chat.messages) {
    for (const [key, make] of [
      ...(day(each.at) === last ? [] : [[`day ${day(each.at)}`, () => element("li", { class: "day" }, element("span", {}, day(each.at)))]]),
      [each.id, () => bubble(each)],
    ]) {
      const wanted = key === each.id ? JSON.stringify(each) : key;
      const known = state.drawn.get(key);
      let node = known?.node;
      if (!node || known.wanted !== wanted) {
        const made = make();
        if (node === place) place = made;
        if (node) node.replaceWith(made);
        node = made;
        state.drawn.set(key, { node, wanted });
      }
      if (node !== place) list.insertBefore(node, place);
      else place = place.nextElementSibling;
    }
    last = day(each.at);
  }
  if (fresh || end) $("chat").scrollTop = $("chat").scrollHeight;
}

function choose(person) {
  if (person !== state.person) {
    leave();
    unquote();
  }
  state.person = person;
  show("phone");
  refresh(true).then(() => $("composer-text").focus({ preventScroll: true }));
}

function show(part) {
  if (part !== "phone") leave();
  document.querySelector(".stage").dataset.shown = part;
  for (const tab of document.querySelectorAll("[data-tab]")) {
    if (tab.dataset.tab === part) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
}

for (const each of document.querySelectorAll("[data-app-choice]")) {
  each.addEventListener("click", () => {
    leave();
    unquote();
    closeMenu();
    Object.assign(state, { app: each.dataset.appChoice, number: "" });
    refresh(true);
  });
}
$("number").addEventListener("change", () => {
  leave();
  unquote();
  state.number = $("number").value;
  refresh(true);
});
$("offline").addEventListener("click", () => {
  const person = state.screen?.people.find((each) => each.id === state.person);
  if (person) act("presence", { person: person.id, offline: !person.offline });
});
for (const each of document.querySelectorAll("[data-open]")) {
  each.addEventListener("click", async () => {
    const made = await act(each.dataset.call, JSON.parse(each.dataset.given));
    if (!made) return;
    state.opened = made.ig_id || made.page_id || made.phone_number_id;
    const shown = { "Phone number id": made.phone_number_id, "Business account id": made.waba_id, "Page id": made.ig_id ? "" : made.page_id, "Instagram account id": made.ig_id, "Access token": made.token };
    const facts = Object.entries(shown).filter(([, value]) => value);
    $("connect").replaceChildren(...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, element("code", { dir: "ltr" }, value))]));
    refresh(true);
  });
}
async function add(given) {
  const made = await act("person", given);
  if (made) choose(made.id);
}
$("add-person").addEventListener("submit", (event) => {
  event.preventDefault();
  add(Object.fromEntries(new FormData(event.target)));
  event.target.reset();
});
document.querySelector(".ready").addEventListener("click", (event) => {
  const chosen = event.target.closest("button");
  if (chosen) add({ name: chosen.dataset.name, wa_id: chosen.dataset.waId, country: chosen.dataset.country });
});
for (const tab of document.querySelectorAll("[data-tab]")) tab.addEventListener("click", () => show(tab.dataset.tab));
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : refresh()));

async function live() {
  await refresh();
  setTimeout(live, document.hidden ? 5000 : 1000);
}
live();
