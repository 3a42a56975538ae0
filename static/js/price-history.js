// Draws a table of prices as a chart: a line for what was paid, bars for what was sold. The table is the source and
// stays for whoever cannot see the canvas. Colours come from the tokens, and change with the theme.
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { colour, keepDrawn } from "./chart.js";

const TICKS_PER_DOLLAR = 10_000;
const HEIGHT = 320;
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 4 });
const axisDollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const count = new Intl.NumberFormat("en-US");
const NARROW = 560;
const clock = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });
/** Hours within a day, the day itself at midnight and on the first mark. */
const times = (_, splits) =>
  splits.map((at, index) => {
    const when = new Date(at * 1000);
    return index === 0 || at % 86_400 === 0 ? day.format(when) : clock.format(when);
  });
const utc = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;

const read = (table) => {
  const rows = [...table.querySelectorAll("tbody tr")].reverse();
  return [
    rows.map((row) => Number(row.dataset.at)),
    rows.map((row) => Number(row.dataset.sold)),
    rows.map((row) => (row.dataset.paid ? Number(row.dataset.paid) / TICKS_PER_DOLLAR : null)),
  ];
};

const options = (width) => {
  const ink = colour("ink-muted");
  const axis = { stroke: ink, grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
  return {
    width,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: { sold: { range: (_, low, high) => [0, high * 3 || 1] } },
    series: [
      { value: (_, at) => (at == null ? "–" : utc(at)), label: "Closed" },
      {
        label: "Sold, unit-hours",
        scale: "sold",
        stroke: colour("line-strong"),
        fill: colour("line"),
        width: 1,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.6, 24] }),
        value: (_, sold) => (sold == null ? "–" : count.format(sold)),
      },
      {
        label: "Paid",
        stroke: colour("accent"),
        width: 2,
        spanGaps: true,
        points: { size: 4 },
        value: (_, paid, __, index) => (index == null ? "–" : paid == null ? "nothing sold" : dollars.format(paid)),
      },
    ],
    axes: [
      { ...axis, values: times, space: 64 },
      { ...axis, size: 56, values: (_, values) => values.map((value) => axisDollars.format(value)) },
      { ...axis, side: 1, scale: "sold", size: 56, show: width > NARROW, grid: { show: false }, values: (_, values) => values.map((value) => count.format(value)) },
    ],
  };
};

for (const figure of document.querySelectorAll("[data-price-chart]")) {
  const place = figure.querySelector(".chart__canvas");
  const data = read(document.getElementById(figure.dataset.priceChart));
  keepDrawn(place, (width) => new uPlot(options(width), data, place));
}
