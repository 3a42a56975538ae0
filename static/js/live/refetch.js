// No news is lost on a fragment that is being fetched. htmx keeps a trigger that comes meanwhile for the element that
// asked, and drops it when the answer replaces that element; a fetch that fails is not repeated. Here, both ask again.
const NEWS = ["sparegrid:own", "sparegrid:board-changed"];
const RETRY_MS = 5_000;

const told = Object.fromEntries(NEWS.map((kind) => [kind, 0]));
const waiting = new Set(); // kinds of news that will be asked for again in a moment: once, however many fetches failed
const asked = new WeakMap(); // request -> the news it was sent for, and how much of that there had been

function again(kind) {
  document.body.dispatchEvent(new CustomEvent(kind, { detail: { kind: "again", data: {} }, bubbles: true }));
}

for (const kind of NEWS) document.addEventListener(kind, () => (told[kind] += 1), { capture: true });

document.addEventListener("htmx:beforeSend", ({ detail }) => {
  const kind = detail.requestConfig.triggeringEvent?.type;
  if (NEWS.includes(kind)) asked.set(detail.xhr, { kind, told: told[kind] });
});

document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const sent = asked.get(detail.xhr);
  asked.delete(detail.xhr);
  if (sent && told[sent.kind] > sent.told) again(sent.kind);
});

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const sent = asked.get(detail.xhr);
  if (!sent || detail.successful || waiting.has(sent.kind)) return;
  waiting.add(sent.kind);
  setTimeout(() => {
    waiting.delete(sent.kind);
    again(sent.kind);
  }, RETRY_MS);
});
