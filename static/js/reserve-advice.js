// Draws the table of reserves tried: bars for the share sold, a line for the revenue. The table is the source and stays.
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { colour, keepDrawn } from "./chart.js";

const TICKS_PER_DOLLAR = 10_000;
const HEIGHT = 280;
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 4 });
const axisDollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });

const read = (table) => {
  const rows = [...table.querySelectorAll("tbody tr")];
  return [
    rows.map((row) => Number(row.dataset.reserve) / TICKS_PER_DOLLAR),
    rows.map((row) => Number(row.dataset.fill)),
    rows.map((row) => Number(row.dataset.revenue) / TICKS_PER_DOLLAR),
  ];
};

const options = (width) => {
  const line = { stroke: colour("line"), width: 1 };
  const axis = { stroke: colour("ink-muted"), grid: line, ticks: line };
  const money = (_, values) => values.map((value) => axisDollars.format(value));
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false }, y: { range: (_, __, high) => [0, high * 1.1 || 1] }, share: { range: [0, 100] } },
    series: [
      { label: "Reserve", value: (_, value) => (value == null ? "–" : dollars.format(value)) },
      {
        label: "Sold",
        scale: "share",
        stroke: colour("line-strong"),
        fill: colour("line"),
        width: 1,
        points: { show: false },
        paths: uPlot.paths.bars({ size: [0.6, 32] }),
        value: (_, value) => (value == null ? "–" : `${value} %`),
      },
      {
        label: "Revenue per unit-hour offered",
        stroke: colour("accent"),
        width: 2,
        points: { size: 5 },
        value: (_, value) => (value == null ? "–" : dollars.format(value)),
      },
    ],
    axes: [
      { ...axis, values: money, space: 64 },
      { ...axis, size: 56, values: money },
      { ...axis, side: 1, scale: "share", size: 48, grid: { show: false }, values: (_, values) => values.map((value) => `${value} %`) },
    ],
  };
};

for (const figure of document.querySelectorAll("[data-advice-chart]")) {
  const place = figure.querySelector(".chart__canvas");
  const data = read(document.getElementById(figure.dataset.adviceChart));
  keepDrawn(place, (width) => new uPlot(options(width), data, place));
}
