// Finance's lists by keyboard: j and k move over the rows, Enter opens, x chooses where a row can be chosen, / goes to
// the filter where there is one. Keys stay ordinary keys while something is typed, and with Ctrl, Alt or Meta.
const rows = [...document.querySelectorAll("[data-queue-row]")];
const all = document.querySelector("[data-queue-all]");
const boxOf = (row) => row?.querySelector("input[type=checkbox]");
const boxes = rows.map(boxOf).filter(Boolean);
const links = rows.map((row) => row.querySelector("th a"));

const current = () => rows.findIndex((row) => row.contains(document.activeElement));

const move = (by) => {
  const at = current();
  const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1);
  links[next]?.focus();
};

const showAll = () => {
  const n = boxes.filter((box) => box.checked).length;
  all.checked = n === boxes.length && n > 0;
  all.indeterminate = n > 0 && n < boxes.length;
};

const keys = {
  j: () => move(1),
  k: () => move(-1),
  x: () => {
    boxOf(rows[current()])?.click();
  },
  "/": () => {
    const filters = document.querySelector("#filters");
    const around = filters?.closest("details");
    if (around) around.open = true;
    filters?.querySelector("input:not([type=hidden]), select")?.focus();
  },
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea")) return;
  const act = keys[event.key];
  if (!act || !rows.length) return;
  event.preventDefault();
  act();
});

all?.addEventListener("change", () => {
  for (const box of boxes) box.checked = all.checked;
});
if (all) {
  for (const box of boxes) box.addEventListener("change", showAll);
  showAll();
}
