// The gradient on its way back through a network, and the update that it makes.
import { format, formatLong } from "./shared.js";
import { decades, fromLog, power } from "./gates_numbers.js";
import { GUTTER, RIGHT, answer, nameLane, place } from "./gates_lanes.js";

const FLOW = 92;
const PART = 54;

/** Lines at powers of ten and their names; returns the height of a logarithm. */
function logLane(c, box, [low, high]) {
  const every = [1, 2, 3, 4, 5, 8].find((size) => (high - low) / size <= Math.max(2, box.height / 22)) ?? 12;
  const level = (log) => box.y + box.height - ((log - low) / (high - low)) * (box.height - 4) - 2;
  for (let exponent = Math.ceil(low / every) * every; exponent <= high; exponent += every) {
    c.pen.fillStyle = c.theme.line;
    c.pen.fillRect(box.x, level(exponent) - 0.5, box.width, 1);
    c.text(box.x - 3, level(exponent), power(exponent), { align: "right", size: 9, color: c.theme.soft });
  }
  c.box(box.x, box.y, box.width, box.height);
  return level;
}

const MARKS = {
  dot: (pen, x, y) => {
    pen.beginPath();
    pen.arc(x, y, 2.8, 0, 7);
    pen.fill();
  },
  square: (pen, x, y) => pen.strokeRect(x - 2.4, y - 2.4, 4.8, 4.8),
  none: () => {},
};

/** A line over steps `first` to `last`, broken where nothing finite is; a gradient of 0 is said. */
function drawLine(c, box, logs, level, [first, last], { color, thick, dash = [], mark }) {
  const { pen } = c;
  const wide = box.width / logs.length;
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height); // what is smaller leaves the lane at its foot
  pen.clip();
  pen.strokeStyle = pen.fillStyle = color;
  pen.lineWidth = thick;
  pen.setLineDash(dash);
  pen.beginPath();
  let drawing = false;
  for (let step = first; step <= last; step++) {
    const [x, finite] = [box.x + (step + 0.5) * wide, Number.isFinite(logs[step])];
    if (finite) pen[drawing ? "lineTo" : "moveTo"](x, level(logs[step]));
    drawing = finite;
  }
  pen.stroke();
  pen.setLineDash([]);
  for (let step = first; step <= last; step++) {
    const x = box.x + (step + 0.5) * wide;
    if (Number.isNaN(logs[step]) || logs[step] === Infinity) c.cross(x - wide / 2, box.y, wide, box.height);
    else if (!Number.isFinite(logs[step])) c.text(x, box.y + box.height - 7, "0", { align: "center", size: 10 });
    else if (wide > 7) MARKS[mark](pen, x, level(logs[step]));
  }
  pen.restore();
}

/** The gradient by step, logarithmic: what is carried, an LSTM's h beside it, and the unit alone. */
export function drawFlow(c, y, network, model, { range, first }) {
  const box = place(c, y, FLOW);
  const [unit, { last, symbol, state }] = [model.get("unit"), network];
  const seen = [first, last];
  nameLane(c, y, FLOW, "gradient ←", `‖∂L/∂${symbol}‖ by step`);
  const level = logLane(c, box, range);
  const [{ theme }, blue] = [c, `rgb(${c.theme.positive.join(",")})`];
  const own = network.unit(`${state} unit log`, unit);
  drawLine(c, box, own, level, seen, { color: theme.accent, thick: 1.3, dash: [2, 3], mark: "none" });
  const other = state === "cell" ? network.get("hidden log").values : undefined;
  if (other) drawLine(c, box, other, level, seen, { color: theme.soft, thick: 1.2, dash: [6, 4], mark: "square" });
  const logs = network.get(`${state} log`).values;
  drawLine(c, box, logs, level, seen, { color: blue, thick: 2.2, mark: "dot" });
  const wide = box.width / network.steps;
  if (last < network.steps - 1) c.text(box.x + (last + 1) * wide + 6, y + FLOW / 2, "after the loss: none", { size: 10, color: theme.soft, fit: (network.steps - 1 - last) * wide - 8 });
  const words = (step) => {
    if (step > last) return `step ${step} comes after the loss: no gradient`;
    const more = other ? `\n‖∂L/∂h‖ = ${fromLog(other[step])}` : "";
    return `${network.name}, step ${step}: ‖∂L/∂${symbol}‖ = ${fromLog(logs[step])}${more}\nunit ${network.own(unit)}: |∂L/∂${symbol}| = ${fromLog(own[step])}`;
  };
  answer(c, box, model, network.steps, words);
  Object.assign(c.drawn, { [`${network.name} log`]: logs, [`${network.name} unit log`]: own });
  return y + FLOW + 5;
}

// --- The update --------------------------------------------------------------------------------------

/** How the bound is the slider's place in the list of bounds. */
export function boundIndex(model) {
  const [bounds, clip] = [model.get("bounds"), model.get("clip")];
  return Math.max(0, bounds.findIndex((bound) => bound >= clip * 0.999999));
}

export function drawUpdate(c, explorer, model) {
  const index = boundIndex(model);
  let y = 4;
  for (const network of explorer.shown(model)) y = drawParts(c, y, network, model, index) + 8;
  const words =
    "Each step's own use of W, U and b adds its part to the gradient g of all parameters: outline = before clipping, filled = after. " +
    "Clipping comes last, when the whole journey is over: it multiplies every part by the same min(1, v/‖g‖) (survey eq. 44). " +
    "So it changes the length of the update, not its direction and not the flow through time above; a part that faded stays as small beside the others as it was.";
  return y + 6 + 15 * c.paragraph(0, y + 6, words, { size: 11, color: c.theme.soft, fit: c.width - 4 });
}

/** What each step adds to the gradient of the weights, before clipping and after. */
function drawParts(c, y, network, model, index) {
  const take = (name) => network.get(name).values[index];
  const [total, factor, clipped] = [network.get("total").values[0], take("factor"), take("clipped")];
  let does = `‖g‖ = ${formatLong(total)} is within the bound: nothing is changed`;
  if (factor < 1) does = `‖g‖ = ${formatLong(total)} is clipped to ${formatLong(clipped)}: every part × ${fromLog(take("factor log"))}`;
  if (!Number.isFinite(total)) does = `‖g‖ = ${format(total)}: no bound can make an update of it`;
  c.text(0, y + 8, network.name, { bold: true });
  y += 16 * (c.paragraph(GUTTER, y + 8, does, { fit: c.width - GUTTER - RIGHT }) - 1);
  const box = place(c, y + 20, PART);
  nameLane(c, box.y, PART, "part of g", "by each step");
  const [low, high] = decades([network.get("by_step log")]);
  const level = logLane(c, box, [low + Math.floor(take("factor log")), high]);
  const [logs, scale, wide] = [network.get("by_step log").values, take("factor log"), box.width / network.steps];
  const bottom = box.y + box.height;
  logs.forEach((log, step) => {
    const left = box.x + step * wide + wide * 0.14;
    if (Number.isNaN(log)) return c.cross(box.x + step * wide, box.y, wide, PART);
    if (step > network.last || !Number.isFinite(log)) return;
    c.pen.fillStyle = `rgb(${c.theme.positive.join(",")})`;
    c.pen.fillRect(left, level(log + scale), wide * 0.72, bottom - level(log + scale));
    c.box(left, level(log), wide * 0.72, bottom - level(log), { color: c.theme.ink });
  });
  answer(c, box, model, network.steps, (step) => `${network.name}: step ${step} adds a part of norm ${fromLog(logs[step])} to g;\nafter clipping ${fromLog(logs[step] + scale)}`);
  Object.assign(c.drawn, { [`${network.name} by_step`]: network.get("by_step").values, [`${network.name} total`]: network.get("total").values, [`${network.name} clipped`]: [clipped], [`${network.name} factor`]: [factor] });
  return bottom;
}
