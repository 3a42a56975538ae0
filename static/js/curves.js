// Draws the tables of demand and supply as two stepped curves over unit-hours. The tables are the source and stay.
import uPlot from "../vendor/uplot/uPlot.esm.js";
import { colour, keepDrawn } from "./chart.js";

const TICKS_PER_DOLLAR = 10_000;
const HEIGHT = 360;
const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", minimumFractionDigits: 4 });
const axisDollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const count = new Intl.NumberFormat("en-US");

const steps = (id) =>
  [...document.querySelectorAll(`#${id} tbody tr[data-price]`)].map((row) => ({
    price: Number(row.dataset.price) / TICKS_PER_DOLLAR,
    upTo: Number(row.dataset.upTo),
  }));

/** The price at each of `quantities`, from there to the next; at its own end a curve goes to `end`, then is no more. */
const along = (curve, quantities, end) =>
  quantities.map((at) => {
    const step = curve.find(({ upTo }) => at < upTo);
    if (step) return step.price;
    return curve.length && at === curve.at(-1).upTo ? end : null;
  });

const read = (figure) => {
  const [demand, supply] = [steps("demand"), steps("supply")];
  const top = Math.max(0, ...[...demand, ...supply].map(({ price }) => price)) * 1.1 || 1;
  const ends = [...demand, ...supply].map(({ upTo }) => upTo);
  const quantities = [...new Set([0, ...ends])].sort((a, b) => a - b);
  const paid = figure.dataset.paid ? Number(figure.dataset.paid) / TICKS_PER_DOLLAR : null;
  return {
    top,
    data: [quantities, along(demand, quantities, 0), along(supply, quantities, top), quantities.map(() => paid)],
  };
};

const options = (width, top, unit) => {
  const line = { stroke: colour("line"), width: 1 };
  const axis = { stroke: colour("ink-muted"), grid: line, ticks: line };
  const stepped = uPlot.paths.stepped({ align: 1 });
  const money = (_, value) => (value == null ? "–" : dollars.format(value));
  const series = (label, stroke, more) => ({ label, stroke: colour(stroke), width: 2, points: { show: false }, value: money, ...more });
  return {
    width,
    height: HEIGHT,
    scales: { x: { time: false }, y: { range: [0, top] } },
    series: [
      { label: "Unit-hours", value: (_, value) => (value == null ? "–" : count.format(value)) },
      series("Demand", "accent", { paths: stepped }),
      series("Supply", "ink", { paths: stepped, dash: [8, 4] }),
      series("Paid", "ink-muted", { width: 1.5, dash: [2, 4] }),
    ],
    axes: [
      { ...axis, space: 64, values: (_, values) => values.map((value) => count.format(value)), label: "unit-hours", labelSize: 20 },
      { ...axis, size: 60, values: (_, values) => values.map((value) => axisDollars.format(value)), label: `per ${unit}`, labelSize: 20 },
    ],
  };
};

for (const figure of document.querySelectorAll("[data-curves-chart]")) {
  const place = figure.querySelector(".chart__canvas");
  const { top, data } = read(figure);
  keepDrawn(place, (width) => new uPlot(options(width, top, figure.dataset.unit), data, place));
}
