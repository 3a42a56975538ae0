// The availability map by keyboard: arrow keys move over the hours that can be picked, Home and End along a day. One
// cell at a time is in the tab order, so that Tab leads past the map.
const table = document.querySelector("[data-hour-map]");
const rows = [...(table?.tBodies[0].rows ?? [])].map((row) => [...row.cells].slice(1).map((cell) => cell.querySelector("a")));
const links = rows.flat().filter(Boolean);

const select = (link, focus) => {
  for (const each of links) each.tabIndex = each === link ? 0 : -1;
  if (focus) link.focus();
};

const near = (at, down, right) => {
  let [day, hour] = [at.day + down, at.hour + right];
  while (rows[day] && hour >= 0 && hour < rows[day].length) {
    if (rows[day][hour]) return rows[day][hour];
    day += down;
    hour += right;
  }
  return null;
};

const steps = {
  ArrowUp: (at) => near(at, -1, 0),
  ArrowDown: (at) => near(at, 1, 0),
  ArrowLeft: (at) => near(at, 0, -1),
  ArrowRight: (at) => near(at, 0, 1),
  Home: (at) => rows[at.day].find(Boolean),
  End: (at) => rows[at.day].findLast(Boolean),
};

table?.addEventListener("keydown", (event) => {
  const day = rows.findIndex((row) => row.includes(document.activeElement));
  const step = steps[event.key];
  if (day < 0 || !step || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  const next = step({ day, hour: rows[day].indexOf(document.activeElement) });
  if (next) select(next, true);
});

if (links.length) select(table.querySelector(".heat__cell--picked a") ?? links[0], false);
