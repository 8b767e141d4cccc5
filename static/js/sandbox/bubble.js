// One message on the phone: its bubble, files, cards with what can be tapped, marks and reactions.

import { KINDS, call, clock, element, play } from "./core.js";
import { openList, openMenu } from "./menu.js";

const MARKS = {
  waiting: ["◷", "on its way"],
  retrying: ["↻", "Omnistra did not answer with 200: posting again"],
  arrived: ["✓", "arrived at Omnistra"],
  read: ["✓✓", "read"],
  unheard: ["!", "Omnistra is not told of this"],
  accepted: ["◷", "accepted"],
  sent: ["✓", "sent"],
  delivered: ["✓✓", "delivered"],
  played: ["✓✓", "played"],
  failed: ["!", "failed"],
};
const ELSEWHERE = { phone: "from the shop's phone", inbox: "from Meta's inbox" };

export function bubble(message) {
  const parts = message.unsent ? [element("p", { class: "text muted" }, message.outgoing ? "This message was deleted" : "You took this message back")] : contents(message);
  const card = message.unsent ? null : message.card;
  const more = element("button", { type: "button", class: "more", "aria-haspopup": "menu", "aria-label": "More for this message", onclick: (event) => openMenu(message, event.currentTarget) }, "⋯");
  const own = element(
    "div",
    { class: "bubble" },
    element("span", { class: "hidden" }, message.outgoing ? "The business:" : "You:"),
    ...parts,
    message.error ? element("p", { class: "error" }, message.error) : null,
    meta(message),
    ...buttons(message, card),
    message.reactions.length ? element("p", { class: "reactions", "aria-label": "Reactions" }, message.reactions.map((each) => each.emoji).join(" ")) : null,
  );
  return element(
    "li",
    { class: `message ${message.outgoing ? "theirs" : "mine"} ${message.type}${message.unsent ? " gone" : ""}`, tabindex: "-1", "data-id": message.id },
    element("div", { class: "line" }, own, message.unsent ? null : more),
    quickReplies(message, card),
  );
}

function contents(message) {
  const { content, type, card } = message;
  const parts = [];
  if (message.quoted) parts.push(element("blockquote", { dir: "auto" }, message.quoted.text || "A message that is not here any more"));
  if (type === "story_mention" || type === "story_reply") parts.push(element("p", { class: "small" }, type === "story_reply" ? "You answered a story" : "You mentioned the shop in your story"));
  if (card) parts.push(...cardParts(card, message));
  else if (KINDS[type] || type.startsWith("story")) parts.push(...file(type, content, message));
  else if (type === "text") parts.push(element("p", { dir: "auto", class: "text" }, content.body || ""));
  else if (type === "button") parts.push(element("p", { dir: "auto", class: "text" }, content.text || ""));
  else if (type === "like") parts.push(element("p", { class: "heart", "aria-label": "Heart" }, "❤️"));
  else if (type === "location") {
    parts.push(
      element("div", { class: "map", "aria-hidden": "true" }),
      element("p", { class: "text" }, element("strong", {}, content.name || "Location")),
      element("p", { class: "small" }, content.address || `${content.latitude}, ${content.longitude}`),
    );
  } else if (type === "contacts") parts.push(element("p", { class: "text" }, `${content[0]?.name?.formatted_name || "Contact"} (contact)`));
  else if (type === "link" || type === "post") parts.push(element("p", { class: "link" }, element("strong", { dir: "auto" }, content.title || "Link"), element("span", { class: "small", dir: "ltr" }, content.url || "")));
  else if (type === "ephemeral") parts.push(element("p", { class: "text muted" }, "A photo to view once"));
  else parts.push(element("p", { class: "text muted" }, "Something that the other side can't show"));
  return parts;
}

function meta(message) {
  const [mark, words] = MARKS[message.status] || ["", message.status];
  const told = message.outgoing && ELSEWHERE[message.sent_from];
  return element(
    "p",
    { class: "meta" },
    message.edited && !message.unsent ? element("span", {}, "edited") : null,
    told ? element("span", {}, told) : null,
    element("time", { datetime: new Date(message.at * 1000).toISOString() }, clock(message.at)),
    element("span", { class: `mark ${message.status}`, title: words }, element("span", { "aria-hidden": "true" }, mark), element("span", { class: message.outgoing ? "words" : "hidden" }, words)),
  );
}

function cardParts(card, message) {
  return [
    card.file ? file(card.file_kind || "document", { id: card.file }, message)[0] : null,
    card.header ? element("p", { class: "text", dir: "auto" }, element("strong", {}, card.header)) : null,
    card.text ? element("p", { class: "text", dir: "auto" }, card.text) : null,
    card.footer ? element("p", { class: "small", dir: "auto" }, card.footer) : null,
  ];
}

function buttons(message, card) {
  const choices = (card?.choices || []).filter((each) => each.kind !== "quick_reply");
  if (!choices.length) return [];
  if (card.opens !== undefined) return [element("div", { class: "taps" }, element("button", { type: "button", "aria-haspopup": "dialog", onclick: () => openList(message, card) }, `☰ ${card.opens || "Choose"}`))];
  return [
    element(
      "div",
      { class: "taps" },
      ...choices.map((each) =>
        each.url
          ? element("span", { class: "away", title: each.url }, `↗ ${each.title}`)
          : element("button", { type: "button", onclick: () => play("tap", { target: message.id, choice: each.id }) }, each.title),
      ),
    ),
  ];
}

function quickReplies(message, card) {
  const choices = (card?.choices || []).filter((each) => each.kind === "quick_reply");
  if (!choices.length) return null;
  return element(
    "div",
    { class: "quick", role: "group", "aria-label": "Quick replies" },
    ...choices.map((each) => element("button", { type: "button", onclick: () => play("tap", { target: message.id, choice: each.id }) }, each.title)),
  );
}

function file(type, content, message) {
  const url = content.id ? `/sandbox/media/${content.id}` : "";
  const words = content.caption || content.body;
  const caption = words ? element("p", { class: "text", dir: "auto" }, words) : null;
  if (!url) return [element("p", { class: "text" }, content.link || KINDS[type] || "Photo")];
  if (type === "sticker") return [element("img", { src: url, alt: KINDS[type], loading: "lazy", width: "130", height: "130" })];
  if (type === "image" || type.startsWith("story")) return [element("img", { src: url, alt: words || "Photo", loading: "lazy", width: "260", height: "195" }), caption];
  if (type === "video") return [element("video", { src: url, controls: true, preload: "metadata" }), caption];
  if (type === "audio") {
    const listen = () => message.outgoing && call("play", { wamid: message.id }).catch(() => {});
    return [element("audio", { src: url, controls: true, preload: "metadata", onplay: listen })];
  }
  return [element("a", { class: "document", href: url, download: true }, content.filename || "Document"), caption];
}
