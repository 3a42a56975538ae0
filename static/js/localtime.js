// The market runs on UTC and every page says so. This adds the reader's own time as a tooltip on <time>, beside it
// where the page asks for that (data-local="beside"), and names the zone in [data-local-zone].
const zone = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });
const full = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" });
const short = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const readerIsOnUtc = (instant) => instant.getTimezoneOffset() === 0;

function annotate(time) {
  time.dataset.localized = "";
  const instant = new Date(time.dateTime);
  if (Number.isNaN(instant.getTime()) || readerIsOnUtc(instant)) return;
  time.title = `${time.title || time.textContent.trim()} · your time: ${full.format(instant)}`;
  if (time.dataset.local !== "beside") return;
  const beside = document.createElement("small");
  beside.className = "muted";
  beside.textContent = ` (${short.format(instant)} your time)`;
  time.append(beside);
}

function annotateAll() {
  for (const time of document.querySelectorAll("time[data-local][datetime]:not([data-localized])")) annotate(time);
}

for (const place of document.querySelectorAll("[data-local-zone]")) {
  const name = zone.formatToParts(new Date()).find((part) => part.type === "timeZoneName").value;
  if (!readerIsOnUtc(new Date())) place.textContent = `You are on ${name}.`;
}
annotateAll();
document.addEventListener("htmx:afterSettle", annotateAll);
