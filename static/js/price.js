// Updates what marketplace/figures.py draws. For modules that receive live prices.
const TICKS_PER_DOLLAR = 10_000;
const whole = new Intl.NumberFormat("en-US");

/** "$2.4950" for 24950 ticks; the same as marketplace.money.format_ticks. */
export function formatTicks(ticks) {
  const size = Math.abs(ticks);
  const rest = String(size % TICKS_PER_DOLLAR).padStart(4, "0");
  return `${ticks < 0 ? "−" : ""}$${whole.format(Math.floor(size / TICKS_PER_DOLLAR))}.${rest}`;
}

/**
 * Show `ticks` in `price` (an element with [data-price]); null means there is none. `changeTicks` is the change
 * against the reference price of the page, null to leave the change as it stands.
 */
export function updatePrice(price, ticks, changeTicks = null) {
  const before = price.dataset.ticks === "" ? null : Number(price.dataset.ticks);
  price.dataset.ticks = ticks ?? "";
  price.classList.toggle("price--none", ticks === null);
  price.querySelector("[data-price-value]").textContent = ticks === null ? "–" : formatTicks(ticks);
  if (before !== null && ticks !== null && before !== ticks) flash(price, ticks > before ? "up" : "down");
  if (changeTicks !== null) updateChange(price.querySelector("[data-price-change]"), changeTicks);
}

function updateChange(change, ticks) {
  if (!change) return;
  change.classList.remove("change--none");
  change.classList.toggle("change--up", ticks > 0);
  change.classList.toggle("change--down", ticks < 0);
  const [sign, word] = ticks > 0 ? ["▲", "up"] : ticks < 0 ? ["▼", "down"] : ["=", "unchanged"];
  change.querySelector("[data-change-sign]").textContent = sign;
  change.querySelector("[data-change-word]").textContent = word;
  change.querySelector("[data-change-value]").textContent = ticks === 0 ? "0" : formatTicks(Math.abs(ticks));
}

function flash(price, direction) {
  delete price.dataset.moved;
  void price.offsetWidth; // restarts the animation when the price moves again before it has faded
  price.dataset.moved = direction;
}
