/* Times that people read, in their own time zone, and the reply window's clock. Each 30 seconds and after each change. */

const TICK_MS = 30_000;
const DAY_MS = 86_400_000;
const language = document.documentElement.lang || undefined;
const format = (options) => new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, options);
const clock = format({ hour: "2-digit", minute: "2-digit" });
const date = format({ day: "numeric", month: "short" });
const dated = format({ day: "numeric", month: "short", year: "numeric" });
const weekday = format({ weekday: "short" });
const full = format({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
const exact = format({ weekday: "short", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto" });

const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);

function words(moment, form) {
  if (form === "clock") return clock.format(moment);
  if (form === "date") return dated.format(moment);
  if (form === "full") return full.format(moment);
  if (form !== "short") return null;
  const days = Math.round((midnight(Date.now()) - midnight(moment)) / DAY_MS);
  if (days === 0) return clock.format(moment);
  if (days === 1) return relative.format(-1, "day").replace(/^./, (letter) => letter.toUpperCase());
  if (days > 1 && days < 7) return weekday.format(moment);
  return (moment.getFullYear() === new Date().getFullYear() ? date : dated).format(moment);
}

function span(milliseconds) {
  const all = Math.max(1, Math.floor(Math.abs(milliseconds) / 60_000));
  const days = Math.floor(all / 1440);
  const hours = Math.floor((all % 1440) / 60);
  const minutes = all % 60;
  if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
  if (hours) return minutes ? `${hours} h ${minutes} m` : `${hours} h`;
  return `${minutes} m`;
}

function write(element, text) {
  if (text !== null && element.textContent !== text) element.textContent = text;
}

function tick() {
  for (const element of document.querySelectorAll("time[data-form]")) {
    const moment = new Date(element.dateTime);
    write(element, words(moment, element.dataset.form));
    element.title = exact.format(moment);
  }
  for (const element of document.querySelectorAll("time[data-window]")) {
    const left = new Date(element.dateTime) - Date.now();
    write(element, (left > 0 ? element.dataset.ahead : element.dataset.behind).replace("%s", span(left)));
    const ring = element.closest(".window-line")?.querySelector("[data-ring]");
    ring?.setAttribute("stroke-dasharray", `${Math.max(0, Math.min(100, left / 864_000))} 100`);
    element.closest(".window-line")?.classList.toggle("is-closing", left < 4 * 3_600_000);
  }
}

setInterval(tick, TICK_MS);
document.addEventListener("omnistra:changed", tick);
document.addEventListener("visibilitychange", tick);
new MutationObserver(tick).observe(document.querySelector("#rows"), { childList: true });
tick();
