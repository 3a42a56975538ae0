// Has the bell counted anew while somebody looks at the page: once a minute, and when they come back to it. Where the page
// follows the organization's own stream, js/live/own.js rings it besides, at once.
const EVERY_MS = 60_000;
const JUST_NOW_MS = 5_000;

let askedAt = Date.now(); // the bell counts by itself when the page has loaded

function ring() {
  if (document.hidden || Date.now() - askedAt < JUST_NOW_MS) return;
  askedAt = Date.now();
  document.body.dispatchEvent(new CustomEvent("sparegrid:notifications"));
}

setInterval(ring, EVERY_MS);
document.addEventListener("visibilitychange", ring);
window.addEventListener("focus", ring);
window.addEventListener("pageshow", (event) => event.persisted && ring());
