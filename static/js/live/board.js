// Live prices on whatever page marks them up (docs/live.md): writes figures into rows, phases onto windows, and asks
// fragments to re-fetch themselves when what is shown is no longer what there is.
import { updatePrice } from "../price.js";
import "./refetch.js";
import { LiveSocket } from "./socket.js";

const BOARD_CHANGED = "sparegrid:board-changed";
const SPREAD_MS = 800; // readers do not all re-fetch in the same instant
const POLL_MS = 30_000; // while nothing comes by itself
const RUNNING = new Set(["open", "frozen", "closed"]);
const count = new Intl.NumberFormat("en-US");

const rows = new Map(); // the latest of each product and window, by "window product"
const windows = new Map(); // the latest of each window, by its id as text
const passedOver = new Set(); // asked for once, and the page does not show it
let state = "offline";
let asOf = null; // when the figures shown were surely the market's; null: when the page was drawn
let isPaused = false;
let refetchTimer = 0;
let refetchWhenSeen = false;

const keyOf = (row) => `${row.window} ${row.product}`;
const elementsOf = (row) => document.querySelectorAll(`[data-window="${row.window}"][data-product="${CSS.escape(row.product)}"]`);
const elementsOfWindow = (id) => document.querySelectorAll(`[data-window="${id}"][data-phase]`);

/** The windows this page is about; null when it is a board of all of them. */
function windowsOfInterest() {
  const marked = [...document.querySelectorAll("[data-live-windows]")];
  return marked.length ? new Set(marked.flatMap((element) => element.dataset.liveWindows.split(/\s+/))) : null;
}

function receive(frame) {
  if (frame.type === "snapshot") {
    rows.clear();
    windows.clear();
  }
  let isOutdated = false;
  for (const window of frame.windows) isOutdated = takeWindow(window) || isOutdated;
  for (const row of frame.rows) isOutdated = takeRow(row) || isOutdated;
  if (frame.type === "snapshot") isOutdated = showsEndedWindow() || isOutdated;
  if (!isPaused) show(frame.windows, frame.rows);
  if (isOutdated) refetchSoon();
}

/** Remember a window; say whether the page shows it otherwise, or not at all. */
function takeWindow(window) {
  const id = String(window.id);
  if (RUNNING.has(window.phase)) windows.set(id, window);
  else forget(id);
  if (!(windowsOfInterest()?.has(id) ?? true)) return false;
  const shown = [...elementsOfWindow(id)];
  if (shown.length) return shown.some((element) => element.dataset.phase !== window.phase);
  return RUNNING.has(window.phase) && isNews(`${id} ${window.phase}`);
}

/** Remember a product's row; say whether it is missing on the page, or its lots are others than those shown. */
function takeRow(row) {
  const before = rows.get(keyOf(row));
  rows.set(keyOf(row), row);
  if (!(windowsOfInterest()?.has(String(row.window)) ?? true)) return false;
  const [shown] = elementsOf(row);
  if (!shown) return row.lots > 0 && isNews(`${keyOf(row)} ${row.lots}`);
  const lotsShown = before?.lots ?? numberIn(shown.querySelector('[data-field="lots"]')) ?? row.lots;
  return lotsShown !== row.lots;
}

const showsEndedWindow = () =>
  [...document.querySelectorAll("[data-window][data-phase]")].some(
    (element) => RUNNING.has(element.dataset.phase) && !windows.has(element.dataset.window) && isNews(`${element.dataset.window} ended`),
  );

/** Say whether `what` was not asked for before: a page that leaves something out on purpose is asked only once. */
function isNews(what) {
  if (passedOver.has(what)) return false;
  passedOver.add(what);
  return true;
}

function forget(windowId) {
  windows.delete(windowId);
  for (const [key, row] of rows) if (String(row.window) === windowId) rows.delete(key);
}

function numberIn(element) {
  return element ? Number(element.textContent.replaceAll(",", "")) : null;
}

function show(windowsNow, rowsNow) {
  for (const window of windowsNow) for (const element of elementsOfWindow(window.id)) element.dataset.phase = window.phase;
  for (const row of rowsNow) for (const element of elementsOf(row)) showRow(element, row);
}

function showRow(element, row) {
  for (const field of element.querySelectorAll("[data-field]")) {
    const { field: name } = field.dataset;
    if (name === "paid" || name === "entry") {
      const price = field.matches("[data-price]") ? field : field.querySelector("[data-price]");
      if (price && price.dataset.ticks !== String(row[name] ?? "")) updatePrice(price, row[name]);
    } else if (name === "offered" || name === "lots") {
      const text = count.format(row[name]);
      if (field.textContent !== text) field.textContent = text;
    } else if (name === "estimate") {
      field.hidden = !row.estimate;
    }
  }
}

/** Let fragments re-fetch themselves, once for all that changes within a moment; a page in the background waits. */
function refetchSoon() {
  if (isPaused || refetchTimer) return;
  refetchTimer = setTimeout(() => {
    refetchTimer = 0;
    if (document.hidden) refetchWhenSeen = true;
    else document.body.dispatchEvent(new CustomEvent(BOARD_CHANGED, { bubbles: true }));
  }, Math.random() * SPREAD_MS);
}

function showState() {
  for (const badge of document.querySelectorAll("[data-freshness]")) {
    badge.dataset.state = isPaused ? "paused" : state;
    const time = badge.querySelector("time");
    if (!time || !asOf || time.dateTime === asOf.toISOString()) continue;
    time.dateTime = asOf.toISOString();
    time.textContent = `${time.dateTime.slice(11, 19)} UTC`;
    time.removeAttribute("title");
    time.removeAttribute("data-localized"); // js/localtime.js then says it in the reader's zone anew
  }
}

/** Ask for the figures while they do not come by themselves. */
function poll() {
  if (state === "offline") refetchSoon();
}

/** A fragment's answer is as fresh as the server says; what a socket said last may be older. */
function takeAnswer(xhr) {
  const said = Date.parse(xhr?.getResponseHeader("Date") ?? "");
  if (state !== "live" && !Number.isNaN(said)) asOf = new Date(said);
}

function pauseOrGoOn(button) {
  isPaused = !isPaused;
  button.setAttribute("aria-pressed", String(isPaused));
  showState();
  if (isPaused) return;
  show(windows.values(), rows.values());
  refetchSoon();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-live-pause]");
  if (button) pauseOrGoOn(button);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden || !refetchWhenSeen) return;
  refetchWhenSeen = false;
  refetchSoon();
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (detail.requestConfig?.triggeringEvent?.type === BOARD_CHANGED) takeAnswer(detail.xhr);
  showState();
  if (!isPaused) show([], rows.values()); // a fragment was drawn a moment ago; what came since stands in `rows`
});

new LiveSocket("/ws/board/", {
  onFrame: receive,
  onState(now, at) {
    state = now;
    asOf = at ?? asOf;
    showState();
  },
});
setInterval(poll, POLL_MS);
