// Behind the scenes: the weather, the shop's own phone and inbox, templates, webhooks and calls.

import { $, act, clock, element, play, state } from "./core.js";

const DECISIONS = ["APPROVED", "REJECTED", "PAUSED", "DISABLED"];

export function drawLab(screen) {
  const number = screen.numbers.find((each) => each.id === screen.number);
  drawWeather(screen);
  drawShop(screen, number);
  drawTemplates(screen);
  drawLogs(screen, number);
}

function drawWeather(screen) {
  for (const option of $("fault").options) option.hidden = option.disabled = !option.dataset.apps.split(" ").includes(state.app);
  if ($("fault").selectedOptions[0]?.hidden) $("fault").value = "rate_limit";
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

function drawShop(screen, number) {
  $("shop").hidden = !number || !screen.chat;
  if ($("shop").hidden) return;
  const onPhone = number.app === "whatsapp";
  $("shop-hint").textContent = onPhone
    ? "What the owner writes in the WhatsApp Business app, beside Omnistra."
    : "What somebody of the business writes in Meta's own inbox.";
  $("elsewhere").hidden = onPhone && !number.on_phone;
  const set = (id, shown, pressed) => {
    $(id).hidden = !shown;
    $(id).setAttribute("aria-pressed", String(pressed));
  };
  set("on-phone", onPhone, number.on_phone);
  set("other-app", !onPhone, screen.chat.other_app);
  set("marketing", onPhone, false);
  $("get-started").hidden = onPhone;
  $("by-link").hidden = onPhone;
  $("change-number").hidden = !onPhone;
}

function drawTemplates(screen) {
  $("templates").hidden = state.app !== "whatsapp" || !screen.number;
  $("review").value = screen.review;
  const wanted = JSON.stringify(screen.templates);
  if ($("template-list").dataset.drawn === wanted) return;
  $("template-list").dataset.drawn = wanted;
  $("template-list").replaceChildren(
    ...screen.templates.map((each) => {
      const decide = element(
        "select",
        { "aria-label": `Status of ${each.name}`, onchange: (event) => act("template", { id: each.id, status: event.target.value, reason: event.target.value === "REJECTED" ? "INVALID_FORMAT" : "NONE" }) },
        ...[...new Set([each.status, ...DECISIONS])].map((status) => element("option", { value: status, selected: status === each.status }, status.toLowerCase())),
      );
      return element("li", {}, element("span", {}, `${each.name} · ${each.language}`), decide);
    }),
  );
  if (!screen.templates.length) $("template-list").append(element("li", {}, element("span", { class: "hint" }, "None yet: Omnistra hands them in.")));
}

function drawLogs(screen, number) {
  $("callback").textContent = number?.callback ? `POST ${number.callback}` : "Nobody is subscribed.";
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
}

$("weather").addEventListener("submit", (event) => {
  event.preventDefault();
  act("fault", { kind: $("fault").value, scope: state.number || "*", times: $("times").value ? Number($("times").value) : null });
});
$("elsewhere").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = $("elsewhere-text");
  if (field.value.trim()) play("elsewhere", { text: field.value.trim() }).then((done) => done && (field.value = ""));
});
const pressed = (id) => $(id).getAttribute("aria-pressed") === "true";
$("on-phone").addEventListener("click", () => act("on-phone", { number: state.number, on_phone: !pressed("on-phone") }));
$("other-app").addEventListener("click", () => play("hand-over", { app: pressed("other-app") ? "" : "990011223344" }));
$("get-started").addEventListener("click", () => play("postback", { title: "Get started", payload: "GET_STARTED" }));
$("by-link").addEventListener("click", () => play("refer", { ref: "flyer-7" }));
$("marketing").addEventListener("click", () => play("prefer", { value: "stop" }));
$("change-number").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = $("new-number");
  act("change-number", { person: state.person, wa_id: field.value }).then((done) => done && (field.value = ""));
});
$("review").addEventListener("change", () => act("settings", { review: $("review").value }));
