// Ticks every <time data-countdown datetime="…">. The server's clock counts, not the reader's: the page says when
// it was written in <meta name="server-time">, and a live feed may correct that by dispatching
// `sparegrid:clock` on document with { detail: <server time in ms since the epoch> }.
// At zero the element gets data-urgency="done" and sends a bubbling `sparegrid:countdown-done`; what it says then stands
// without its label: "Starts in 00:03" becomes "Started", and "Closes in 00:03" becomes "Closes now".
const SECOND = 1000;
const SOON_MS = 60 * SECOND;

const written = Date.parse(document.querySelector('meta[name="server-time"]')?.content ?? "");
const [navigation] = performance.getEntriesByType("navigation");
const arrived = performance.timeOrigin + (navigation?.responseStart ?? 0);
let offset = Number.isNaN(written) ? 0 : written - arrived;

const serverNow = () => Date.now() + offset;
const pad = (number) => String(number).padStart(2, "0");

/** Say how long `ms` is: "3 d 4 h", "5 h 09 min", "04:32". */
export function spell(ms) {
  const seconds = Math.max(0, Math.ceil(ms / SECOND));
  const [days, hours] = [Math.floor(seconds / 86400), Math.floor((seconds % 86400) / 3600)];
  const minutes = Math.floor((seconds % 3600) / 60);
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${pad(minutes)} min`;
  return `${pad(minutes)}:${pad(seconds % 60)}`;
}

/** Say what came at zero, and put away the label as far as it no longer fits. */
function end(element) {
  const done = element.dataset.done ?? "now";
  const label = element.closest(".countdown")?.querySelector(".countdown__label");
  if (!label) return done;
  if (done === "now") {
    label.querySelector(".js-only")?.remove();
    return done;
  }
  label.hidden = true;
  return done.charAt(0).toUpperCase() + done.slice(1);
}

function show(element, now) {
  const left = Date.parse(element.dateTime) - now;
  if (Number.isNaN(left)) return;
  element.title ||= element.textContent.trim();
  const urgency = left <= 0 ? "done" : left <= SOON_MS ? "soon" : "";
  const before = element.dataset.urgency ?? "";
  element.textContent = left <= 0 ? end(element) : spell(left);
  if (urgency === before) return;
  element.dataset.urgency = urgency;
  if (urgency === "done") element.dispatchEvent(new CustomEvent("sparegrid:countdown-done", { bubbles: true }));
}

function showAll() {
  const now = serverNow();
  for (const element of document.querySelectorAll("time[data-countdown]")) show(element, now);
}

function tick() {
  showAll();
  setTimeout(tick, SECOND - (serverNow() % SECOND));
}

document.addEventListener("sparegrid:clock", (event) => {
  offset = event.detail - Date.now();
});
document.addEventListener("htmx:afterSettle", showAll);
tick();
