// The sandbox's phone: asks for the screen each second and draws what has changed. Texts of people are set as text,
// never as markup. Everything that the visitor does is one POST to /sandbox/api/<call>.

const $ = (id) => document.getElementById(id);
const API = "/sandbox/api/";
const KINDS = { image: "Photo", video: "Video", audio: "Audio", document: "Document", sticker: "Sticker" };
const EMOJI = ["👍", "❤️", "😂", "🙏", "😮"];
const state = { number: "", person: "", seen: "", screen: null, quote: "", drawn: new Map() };
try {
  Object.assign(state, JSON.parse(sessionStorage.getItem("sandbox") || "{}"), { seen: "" });
} catch {
  // a storage that is switched off only means that the choice is not remembered
}

async function call(name, body) {
  const form = body instanceof FormData;
  const answer = await fetch(API + name, {
    method: "POST",
    headers: form ? { "X-Sandbox": "phone" } : { "X-Sandbox": "phone", "Content-Type": "application/json" },
    body: form ? body : JSON.stringify(body),
  });
  const given = await answer.json().catch(() => ({ error: `HTTP ${answer.status}` }));
  if (!answer.ok) throw new Error(given.error || `HTTP ${answer.status}`);
  return given;
}

async function act(name, body) {
  $("problem").textContent = "";
  try {
    const given = await call(name, body);
    await refresh(true);
    return given;
  } catch (error) {
    $("problem").textContent = error.message;
    return null;
  }
}

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function day(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date();
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 864e5);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}

function avatar(node, initials, hue) {
  node.textContent = initials;
  node.className = `avatar hue-${hue}`;
  return node;
}

let running = null;
async function refresh(force = false) {
  if (running) await running;
  running = load(force).finally(() => (running = null));
  return running;
}

async function load(force) {
  const query = new URLSearchParams({ number: state.number, person: state.person, seen: force ? "" : state.seen });
  let answer;
  try {
    answer = await fetch(`${API}screen?${query}`);
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
    try {
      sessionStorage.setItem("sandbox", JSON.stringify({ number: state.number, person: state.person }));
    } catch {
      // see above
    }
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
  if (state.person) tell({ away: true });
}

function look() {
  const person = state.screen?.people.find((each) => each.id === state.person);
  const phone = document.querySelector('[data-part="phone"]');
  if (!person || person.offline || document.hidden || phone.offsetParent === null) return;
  const unread = state.screen.chat?.messages.some((each) => each.outgoing && each.status === "delivered");
  if (Date.now() - looked < (unread ? 1500 : 8000)) return;
  looked = Date.now();
  tell({});
}

function draw(screen) {
  drawNumbers(screen);
  drawPeople(screen);
  drawChat(screen);
  drawLab(screen);
}

function drawNumbers(screen) {
  const alike = (one) => screen.numbers.some((each) => each !== one && each.name === one.name);
  const select = $("number");
  const wanted = screen.numbers.map((each) => `${each.id} ${each.name} ${each.display}`).join("|");
  if (select.dataset.drawn !== wanted) {
    select.dataset.drawn = wanted;
    select.replaceChildren(
      ...screen.numbers.map((each) => element("option", { value: each.id }, alike(each) ? `${each.name} (${each.display})` : each.name)),
    );
  }
  select.value = screen.number;
  const number = screen.numbers.find((each) => each.id === screen.number);
  avatar($("number-avatar"), number ? number.name.split(" ").map((word) => word[0]).join("").slice(0, 2) : "?", 3);
  const person = screen.people.find((each) => each.id === screen.person);
  const chat = screen.chat;
  let words = number ? number.display : "";
  if (number && !number.connected) words = "Not connected to Omnistra yet: nobody hears you";
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
  const empty = $("empty");
  const list = $("messages");
  const bare = !screen.chat || !screen.chat.messages.length;
  empty.hidden = !bare;
  $("chat").hidden = bare;
  $("composer").hidden = !screen.chat;
  $("open-shop").hidden = Boolean(screen.numbers.length);
  if (bare) {
    state.drawn.clear();
    list.replaceChildren();
    $("empty-title").textContent = !screen.numbers.length ? "No business number yet" : screen.chat ? "Say hello" : "Who are you?";
    $("empty-text").textContent = !screen.numbers.length
      ? "Open a shop at the stand-in for Meta, then connect it in Omnistra."
      : screen.chat
        ? "Your first message opens the conversation in the inbox."
        : "Choose a person, or play someone else.";
  }
  $("connect").hidden = !bare || !number || number.connected || !state.opened;
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

const MARKS = {
  waiting: ["◷", "on its way"],
  retrying: ["↻", "Omnistra did not answer with 200: posting again"],
  arrived: ["✓", "arrived at Omnistra"],
  read: ["✓✓", "read"],
  unheard: ["!", "nobody is subscribed to this number"],
  accepted: ["◷", "accepted"],
  sent: ["✓", "sent"],
  delivered: ["✓✓", "delivered"],
  played: ["✓✓", "played"],
  failed: ["!", "failed"],
};

function bubble(message) {
  const { content, type } = message;
  const [mark, words] = MARKS[message.status] || ["", message.status];
  const parts = [];
  if (message.quoted) {
    parts.push(element("blockquote", { dir: "auto" }, message.quoted.text || "A message that is not here any more"));
  }
  if (KINDS[type]) parts.push(...file(type, content, message));
  else if (type === "text") parts.push(element("p", { dir: "auto", class: "text" }, content.body || ""));
  else if (type === "location") {
    parts.push(
      element("div", { class: "map", "aria-hidden": "true" }),
      element("p", { class: "text" }, element("strong", {}, content.name || "Location")),
      element("p", { class: "small" }, content.address || `${content.latitude}, ${content.longitude}`),
    );
  } else if (type === "contacts") {
    parts.push(element("p", { class: "text" }, (content[0]?.name?.formatted_name || "Contact") + " (contact)"));
  } else if (type === "template") parts.push(element("p", { class: "text" }, `Template ${content.name}`));
  else parts.push(element("p", { class: "text muted" }, content.body?.text || "Something that the other side can't show"));
  const meta = element(
    "p",
    { class: "meta" },
    element("time", { datetime: new Date(message.at * 1000).toISOString() }, clock(message.at)),
    element("span", { class: `mark ${message.status}`, title: words }, element("span", { "aria-hidden": "true" }, mark), element("span", { class: message.outgoing ? "words" : "hidden" }, words)),
  );
  const reactions = message.reactions.length
    ? element("p", { class: "reactions", "aria-label": "Reactions" }, message.reactions.map((each) => each.emoji).join(" "))
    : null;
  const own = message.reactions.find((each) => !each.business)?.emoji;
  const actions = element(
    "div",
    { class: "actions", role: "group", "aria-label": "Answer this message" },
    element("button", { type: "button", onclick: () => quote(message), "aria-label": "Quote" }, "↩"),
    ...EMOJI.map((emoji) =>
      element(
        "button",
        { type: "button", "aria-label": `React ${emoji}`, "aria-pressed": String(own === emoji), onclick: () => react(message, own === emoji ? "" : emoji) },
        emoji,
      ),
    ),
  );
  return element(
    "li",
    { class: `message ${message.outgoing ? "theirs" : "mine"} ${type}`, tabindex: "-1", "data-id": message.id, "data-text": content.body || "" },
    element("div", { class: "bubble" }, element("span", { class: "hidden" }, message.outgoing ? "The business:" : "You:"), ...parts, message.error ? element("p", { class: "error" }, message.error) : null, meta, reactions),
    actions,
  );
}

function file(type, content, message) {
  const url = content.id ? `/sandbox/media/${content.id}` : "";
  const caption = content.caption ? element("p", { class: "text", dir: "auto" }, content.caption) : null;
  if (!url) return [element("p", { class: "text" }, content.link || KINDS[type])];
  if (type === "image" || type === "sticker") {
    return [element("img", { src: url, alt: content.caption || KINDS[type], loading: "lazy", width: "260", height: "195" }), caption];
  }
  if (type === "video") return [element("video", { src: url, controls: true, preload: "metadata" }), caption];
  if (type === "audio") {
    const listen = () => message.outgoing && call("play", { wamid: message.id }).catch(() => {});
    return [element("audio", { src: url, controls: true, preload: "metadata", onplay: listen })];
  }
  return [element("a", { class: "document", href: url, download: true }, content.filename || "Document"), caption];
}

function drawLab(screen) {
  $("webhooks").replaceChildren(
    ...screen.webhooks.slice(0, 14).map((each) =>
      element(
        "li",
        { class: each.state === "done" ? "good" : each.code === null ? "" : "bad" },
        element("span", { class: "code" }, each.code ? String(each.code) : each.error ? "no answer" : "…"),
        element("span", { class: "what" }, each.summary),
        element("span", { class: "how" }, [each.ms === null ? "" : `${Math.round(each.ms)} ms`, each.attempts > 1 ? `try ${each.attempts}` : "", `${each.size} B`].filter(Boolean).join(" · ")),
      ),
    ),
  );
  if (!screen.webhooks.length) $("webhooks").append(element("li", {}, element("span", { class: "what" }, "Nothing posted yet.")));
  $("calls").replaceChildren(
    ...screen.calls.slice(0, 10).map((each) =>
      element(
        "li",
        { class: each.code === 200 ? "good" : "bad" },
        element("span", { class: "code" }, each.code ? String(each.code) : "cut"),
        element("span", { class: "what", dir: "ltr" }, `${each.method} /${each.path}`),
        element("span", { class: "how" }, clock(each.at)),
      ),
    ),
  );
  if (!screen.calls.length) $("calls").append(element("li", {}, element("span", { class: "what" }, "No call yet.")));
  $("faults").replaceChildren(
    ...screen.faults.map((each) =>
      element(
        "li",
        {},
        element("span", {}, `${each.label} · ${each.remaining === null ? "until cleared" : `${each.remaining} left`}`),
        element("button", { type: "button", "aria-label": `Clear ${each.label}`, onclick: () => act("clear-faults", { id: each.id }) }, "Clear"),
      ),
    ),
  );
}

function choose(person) {
  if (person !== state.person) leave();
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

function quote(message) {
  state.quote = message.id;
  $("quote").hidden = false;
  $("quote").firstElementChild.textContent = message.content.body || message.content.caption || KINDS[message.type] || message.type;
  $("composer-text").focus();
}

function unquote() {
  state.quote = "";
  $("quote").hidden = true;
}

function react(message, emoji) {
  return act("react", { number: state.number, person: state.person, target: message.id, emoji });
}

function send(type, content) {
  const body = { number: state.number, person: state.person, type, content, reply_to: state.quote };
  unquote();
  menu(false);
  return act("send", body);
}

function menu(open) {
  $("attach-menu").hidden = !open;
  $("attach").setAttribute("aria-expanded", String(open));
  if (open) $("attach-menu").querySelector("button").focus();
}

const text = $("composer-text");
function grow() {
  text.rows = Math.min(5, text.value.split("\n").length);
}

$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = text.value.trim();
  if (!body) return;
  text.value = "";
  grow();
  if (!(await send("text", { body }))) text.value = body;
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
$("messages").addEventListener("keydown", (event) => {
  const here = event.target.closest(".message");
  if (!here || event.target !== here) return;
  const all = [...$("messages").querySelectorAll(".message")];
  const move = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (move) {
    event.preventDefault();
    (all[all.indexOf(here) + move] || (move > 0 ? text : here)).focus();
  } else if (event.key === "r") {
    event.preventDefault();
    here.querySelector(".actions button").click();
  } else if (event.key === "Escape") text.focus();
});
$("quote").querySelector("button").addEventListener("click", unquote);
$("attach").addEventListener("click", () => menu($("attach-menu").hidden));
$("attach-menu").addEventListener("click", (event) => {
  const chosen = event.target.closest("button");
  if (!chosen) return;
  if (chosen.dataset.sample) send("sample", { sample: chosen.dataset.sample });
  else if (chosen.dataset.card) send("contacts", JSON.parse(chosen.dataset.card));
  else if ("place" in chosen.dataset) {
    send("location", { latitude: 41.1496, longitude: -8.6109, name: "Northwind Tea", address: "Rua das Flores 12, Porto" });
  } else send("unsupported", {});
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
$("number").addEventListener("change", () => {
  leave();
  state.number = $("number").value;
  refresh(true);
});
$("offline").addEventListener("click", () => {
  const person = state.screen?.people.find((each) => each.id === state.person);
  if (person) act("presence", { person: person.id, offline: !person.offline });
});
$("open-shop").addEventListener("click", async () => {
  const [waba_id, phone_number_id, display_phone_number, verified_name] = $("open-shop").dataset.business.split("|");
  const made = await act("business", { waba_id, phone_number_id, display_phone_number, verified_name });
  if (!made) return;
  state.opened = true;
  const shown = { "Phone number id": made.phone_number_id, "Business account id": made.waba_id, "Access token": made.token };
  $("connect").replaceChildren(...Object.entries(shown).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, element("code", { dir: "ltr" }, value))]));
  refresh(true);
});
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
$("weather").addEventListener("submit", (event) => {
  event.preventDefault();
  act("fault", { kind: $("fault").value, scope: state.number || "*", times: $("times").value ? Number($("times").value) : null });
});
for (const tab of document.querySelectorAll("[data-tab]")) tab.addEventListener("click", () => show(tab.dataset.tab));
document.addEventListener("visibilitychange", () => (document.hidden ? leave() : refresh()));

async function live() {
  await refresh();
  setTimeout(live, document.hidden ? 5000 : 1000);
}
live();
