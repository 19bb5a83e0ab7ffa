// The gate explorer's lanes: words, states, gates and the belt over the steps.
import { formatLong, largest, stepWord } from "./shared.js";
import { goToUnit } from "./gates_numbers.js";
import { go } from "./toolbar.js";

export const GUTTER = 124; // room for the lanes' names
export const RIGHT = 8;
const STRIP = 40; // heights
const GATE = 29;
const BELT = 72;
export const OUT = 26;

export function nameLane(c, y, height, name, more = "") {
  const two = more && height >= 24;
  c.text(0, y + height / 2 - (two ? 7 : 0), name, { bold: true, fit: GUTTER - 16, size: 12 });
  if (two) c.text(0, y + height / 2 + 8, more, { size: 10, color: c.theme.soft, fit: GUTTER - 4 });
}

export function place(c, y, height) {
  return { x: GUTTER, y, width: c.width - GUTTER - RIGHT, height };
}

/** Make a lane answer the pointer: a word on each step, a click goes there. */
export function answer(c, box, model, steps, tell) {
  c.regions.push({ ...box, rows: 1, columns: steps, tell: (_, step) => tell(step), pick: (_, step) => go(model, step) });
}

export function drawLabels(c, box, labels, model) {
  labels.forEach((_, step) => stepWord(c, box, labels, step));
  c.drawn.labels = labels;
  answer(c, box, model, labels.length, (step) => `step ${step}: ${labels[step]}`);
}

/** A heat strip of all units, the chosen one framed; a click chooses step and unit. */
export function drawStrip(c, y, network, name, title, model) {
  const grid = network.strip(name);
  const box = place(c, y, Math.max(STRIP, Math.min(network.units * 5, 64)));
  nameLane(c, y, box.height, title, "unit ↓ step →");
  const tell = (unit, step) => `${network.name}: ${title}, step ${step}, unit ${unit}: ${formatLong(grid.values[unit * network.steps + step])}`;
  const pick = (unit, step) => {
    goToUnit(model, unit);
    go(model, step);
  };
  const limit = largest(grid.values);
  c.cells(box, grid, { name: `${network.name} ${name} over time`, limit, tell, pick });
  const high = box.height / network.units;
  const top = box.y + network.own(model.get("unit")) * high;
  c.box(box.x, top, box.width, high, { color: c.theme.ink, thick: high > 6 ? 1.6 : 1 });
  c.text(box.x - 3, top + high / 2, "▸", { align: "right", size: 11 });
  return y + box.height + 5;
}

/** Bars from 0 to 1 for the unit, and a short line at the median of all units. */
export function drawGate(c, y, network, [name, title, more], model) {
  const box = place(c, y, GATE);
  const [own, median] = [network.unit(name, model.get("unit")), network.get(`${name} median`).values];
  const wide = box.width / network.steps;
  nameLane(c, y, GATE, title, more);
  const { pen, theme } = c;
  own.forEach((value, step) => {
    const left = box.x + step * wide;
    if (!Number.isFinite(value)) return c.cross(left, y, wide, GATE);
    pen.fillStyle = `rgb(${theme.positive.join(",")})`;
    pen.fillRect(left + wide * 0.14, y + GATE * (1 - value), wide * 0.72, GATE * value);
    pen.fillStyle = theme.ink;
    pen.fillRect(left, y + GATE * (1 - median[step]) - 1, wide, 2);
  });
  c.box(box.x, y, box.width, GATE);
  answer(c, box, model, network.steps, (step) => `${title}, step ${step}: ${formatLong(own[step])} (median of the units ${formatLong(median[step])})`);
  c.drawn[`${network.name} ${name} of the unit`] = own;
  return y + GATE + 5;
}

function hatch(c, x, y, width, height) {
  const { pen, theme } = c;
  pen.save();
  pen.beginPath();
  pen.rect(x, y, width, height);
  pen.clip();
  pen.strokeStyle = theme.accent;
  pen.lineWidth = 1.2;
  pen.beginPath();
  for (let from = x - height; from < x + width; from += 5) {
    pen.moveTo(from, y + height);
    pen.lineTo(from + height, y);
  }
  pen.stroke();
  pen.restore();
  c.box(x, y, width, height, { color: theme.accent, thick: 1.3 });
}

/** Zero line, scale and frame of a lane of signed numbers; returns the height of a number. */
function signedLane(c, box, limit) {
  const middle = box.y + box.height / 2;
  c.pen.fillStyle = c.theme.soft;
  c.pen.fillRect(box.x, middle - 0.5, box.width, 1);
  c.box(box.x, box.y, box.width, box.height);
  const scale = String(Number(limit.toPrecision(2)));
  c.text(box.x - 3, box.y + 5, scale, { align: "right", size: 9, color: c.theme.soft });
  c.text(box.x - 3, box.y + box.height - 5, `−${scale}`, { align: "right", size: 9, color: c.theme.soft });
  return (value) => middle - (value / limit) * (box.height / 2 - 2);
}

/**
 * The belt of one unit. In each column the load comes in from the left as the last step left it
 * and sinks to what the gate keeps; then, hatched, what is added; the heavy line is the new load.
 */
export function drawBelt(c, y, network, model) {
  const unit = model.get("unit");
  const [before, kept, added, carried] = ["before", "kept", "added", "carried"].map((name) => network.unit(name, unit));
  const box = place(c, y, BELT);
  nameLane(c, y, BELT, `${network.symbol} belt`, `of unit ${network.own(unit)}`);
  const level = signedLane(c, box, largest([...before, ...kept, ...carried]) * 1.05);
  const wide = box.width / network.steps;
  const zero = level(0);
  const { pen, theme } = c;
  carried.forEach((after, step) => {
    const left = box.x + step * wide;
    if (![after, kept[step], before[step]].every(Number.isFinite)) return c.cross(left, y, wide, BELT);
    const [from, to, end] = [level(before[step]), level(kept[step]), level(after)];
    pen.fillStyle = `rgb(${(kept[step] < 0 ? theme.negative : theme.positive).join(",")})`;
    pen.globalAlpha = 0.75;
    pen.beginPath();
    pen.moveTo(left, zero);
    pen.lineTo(left, from);
    pen.lineTo(left + wide * 0.4, to);
    pen.lineTo(left + wide, to);
    pen.lineTo(left + wide, zero);
    pen.fill();
    pen.globalAlpha = 1;
    if (Math.abs(to - end) > 0.7) hatch(c, left + wide * 0.45, Math.min(to, end), wide * 0.42, Math.abs(to - end));
    pen.fillStyle = theme.ink;
    pen.fillRect(left + wide * 0.4, end - 1.2, wide * 0.6, 2.4);
  });
  const sign = network.kind === "LSTM" ? "f·c" : "z·h";
  answer(c, box, model, network.steps, (step) => `${network.name}, belt of unit ${network.own(unit)}, step ${step}: came in with ${formatLong(before[step])}\nkept (${sign}) ${formatLong(kept[step])}, added ${formatLong(added[step])}, now ${formatLong(carried[step])}`);
  Object.assign(c.drawn, { [`${network.name} kept`]: kept, [`${network.name} added`]: added, [`${network.name} carried`]: carried });
  return y + BELT + 5;
}

/** What the unit shows at each step: bars around zero. */
export function drawShown(c, y, network, model, title, more, high) {
  const unit = model.get("unit");
  const values = network.unit("hidden", unit);
  const box = place(c, y, high);
  nameLane(c, y, high, title, more);
  const level = signedLane(c, box, largest(values) * 1.05);
  const wide = box.width / network.steps;
  values.forEach((value, step) => {
    const left = box.x + step * wide;
    if (!Number.isFinite(value)) return c.cross(left, y, wide, high);
    c.pen.fillStyle = `rgb(${(value < 0 ? c.theme.negative : c.theme.positive).join(",")})`;
    c.pen.fillRect(left + wide * 0.14, Math.min(level(0), level(value)), wide * 0.72, Math.abs(level(value) - level(0)));
  });
  answer(c, box, model, network.steps, (step) => `${network.name}: h of unit ${network.own(unit)}, step ${step}: ${formatLong(values[step])}`);
  c.drawn[`${network.name} hidden of the unit`] = values;
  return y + high + 5;
}
