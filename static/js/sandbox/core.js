// What every part of the sandbox's phone shares: what is chosen, calls to /sandbox/api/<call>, small makers of elements.
// Texts of people are set as text, never as markup.

export const $ = (id) => document.getElementById(id);
export const KINDS = { image: "Photo", video: "Video", audio: "Audio", document: "Document", sticker: "Sticker" };
export const state = { app: "whatsapp", number: "", person: "", seen: "", screen: null, quote: "", editing: "", drawn: new Map() };
try {
  Object.assign(state, JSON.parse(sessionStorage.getItem("sandbox") || "{}"), { seen: "" });
} catch {
  // a storage that is switched off only means that the choice is not remembered
}

export function remember() {
  try {
    sessionStorage.setItem("sandbox", JSON.stringify({ app: state.app, number: state.number, person: state.person }));
  } catch {
    // see above
  }
}

export async function call(name, body) {
  const form = body instanceof FormData;
  const answer = await fetch(`/sandbox/api/${name}`, {
    method: "POST",
    headers: form ? { "X-Sandbox": "phone" } : { "X-Sandbox": "phone", "Content-Type": "application/json" },
    body: form ? body : JSON.stringify(body),
  });
  const given = await answer.json().catch(() => ({ error: `HTTP ${answer.status}` }));
  if (!answer.ok) throw new Error(given.error || `HTTP ${answer.status}`);
  return given;
}

let redraw = async () => {};
export function redrawBy(refresh) {
  redraw = refresh;
}

// One act of the visitor, then the screen as it is after it; null (and words on the page) when it was refused.
export async function act(name, body) {
  $("problem").textContent = "";
  try {
    const given = await call(name, body);
    await redraw(true);
    return given;
  } catch (error) {
    $("problem").textContent = error.message;
    return null;
  }
}

// An act of the person who is played, in the chat that is open.
export function play(name, more) {
  return act(name, { number: state.number, person: state.person, ...more });
}

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

export function day(seconds) {
  const date = new Date(seconds * 1000);
  const today = new Date();
  const days = Math.round((new Date(today).setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 864e5);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}

export function avatar(node, initials, hue) {
  node.textContent = initials;
  node.className = `avatar hue-${hue}`;
  return node;
}
