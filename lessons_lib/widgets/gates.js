// The gate explorer: each network is a row of lanes, time runs to the right, the gradient back.
import { Canvas, at, bindKeys, format, formatLong, largest, make, makeRoot, readNumbers, showProblems, timeAxis } from "./shared.js";

const GUTTER = 124; // room for the lanes' names
const RIGHT = 8;
const STRIP = 40; // heights
const GATE = 29;
const BELT = 72;
const OUT = 26;
const FLOW = 92;
const PART = 54;
const GATES = [
  ["forget_gate", "f forget gate", "1 keeps, 0 clears"],
  ["update_gate", "z update gate", "1 keeps the past"],
  ["reset_gate", "r reset gate", "past seen by h̃"],
  ["input_gate", "i input gate", "1 takes in"],
  ["output_gate", "o output gate", "1 shows, 0 hides"],
];
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

// --- Numbers in words --------------------------------------------------------------------------------

/** Write 10 to a whole power: 10⁻⁵. */
function power(exponent) {
  const digits = Array.from(String(Math.abs(exponent)), (digit) => RAISED[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** Write a size given by its logarithm: 0.031, or 3.1·10⁻⁷ where that is too small or large. */
function fromLog(log) {
  if (Number.isNaN(log)) return "NaN";
  if (!Number.isFinite(log)) return log < 0 ? "0" : "∞";
  if (log >= -3 && log < 4) return String(Number((10 ** log).toPrecision(3)));
  let exponent = Math.floor(log);
  let digits = (10 ** (log - exponent)).toFixed(1);
  if (digits === "10.0") [digits, exponent] = ["1.0", exponent + 1];
  return `${digits}·${power(exponent)}`;
}

/** Turn (T, n) into (n, T), so that time runs to the right. */
function sideways({ shape: [steps, count], values }) {
  const turned = new Float32Array(values.length);
  values.forEach((value, place) => (turned[(place % count) * steps + Math.floor(place / count)] = value));
  return { shape: [count, steps], values: turned };
}

// --- One network -------------------------------------------------------------------------------------

class Network {
  constructor(numbers, { name, kind, units }, steps) {
    Object.assign(this, { numbers, name, kind, units, steps });
    this.state = kind === "LSTM" ? "cell" : "hidden"; // what is carried along
    this.symbol = kind === "LSTM" ? "c" : "h";
    this.made = new Map();
    this.last = this.get("loss_at").values[0];
  }

  get(name) {
    return this.numbers[`${this.name} ${name}`];
  }

  strip(name) {
    if (!this.made.has(name)) this.made.set(name, sideways(this.get(name)));
    return this.made.get(name);
  }

  own(unit) {
    return Math.min(unit, this.units - 1);
  }

  /** One unit of (T, C), over the steps. */
  unit(name, unit) {
    const own = this.own(unit);
    return at(this.strip(name), own).values;
  }
}

class Explorer {
  constructor(model) {
    const numbers = readNumbers(model);
    this.steps = model.get("steps");
    this.networks = model.get("models").map((one) => new Network(numbers, one, this.steps));
    this.labels = model.get("labels");
    this.last = this.networks[0].last; // the step of the loss
  }

  shown(model) {
    const chosen = model.get("shown");
    return this.networks.filter(({ name }) => chosen === "all" || chosen === name);
  }

}

/** Whole powers of ten around these tensors of logarithms; at most 24 of them. */
function decades(tensors) {
  const finite = tensors.flatMap((tensor) => Array.from(tensor?.values ?? [])).filter(Number.isFinite);
  const high = finite.length ? Math.ceil(Math.max(...finite) + 0.05) : 0;
  const low = finite.length ? Math.floor(Math.min(...finite) - 0.05) : -1;
  return [Math.max(low, high - 24), high];
}

// --- Lanes -------------------------------------------------------------------------------------------

function nameLane(c, y, height, name, more = "") {
  const two = more && height >= 24;
  c.text(0, y + height / 2 - (two ? 7 : 0), name, { bold: true, fit: GUTTER - 16, size: 12 });
  if (two) c.text(0, y + height / 2 + 8, more, { size: 10, color: c.theme.soft, fit: GUTTER - 4 });
}

function place(c, y, height) {
  return { x: GUTTER, y, width: c.width - GUTTER - RIGHT, height };
}

/** Make a lane answer the pointer: a word on each step, a click goes there. */
function answer(c, box, model, steps, tell) {
  c.regions.push({ ...box, rows: 1, columns: steps, tell: (_, step) => tell(step), pick: (_, step) => go(model, "step", step) });
}

function labelHeight(labels, width) {
  if (!labels.length) return 0;
  const longest = labels.reduce((most, word) => Math.max(most, word.length), 1);
  return width / labels.length < longest * 7.5 + 4 ? Math.min(80, longest * 7 + 8) : 20;
}

function drawLabels(c, box, labels, model) {
  const [column, step] = [box.width / labels.length, model.get("step")];
  labels.forEach((word, index) => {
    const bold = index === step;
    if (column < 9 && !bold) return;
    const center = box.x + (index + 0.5) * column;
    const color = bold ? c.theme.ink : c.theme.soft;
    if (box.height <= 20) return c.text(center, box.y + 10, word, { align: "center", bold, color });
    c.pen.save();
    c.pen.translate(center, box.y + box.height);
    c.pen.rotate(-Math.PI / 2);
    c.text(2, 0.5, word, { size: Math.min(12, Math.max(10, column)), bold, fit: box.height - 4, color });
    c.pen.restore();
  });
  c.drawn.labels = labels;
  answer(c, box, model, labels.length, (index) => `step ${index}: ${labels[index]}`);
}

/** A heat strip of all units, the chosen one framed; a click chooses step and unit. */
function drawStrip(c, y, network, name, title, model) {
  const grid = network.strip(name);
  const box = place(c, y, Math.max(STRIP, Math.min(network.units * 5, 64)));
  nameLane(c, y, box.height, title, "unit ↓ step →");
  const tell = (unit, step) => `${network.name}: ${title}, step ${step}, unit ${unit}: ${formatLong(grid.values[unit * network.steps + step])}`;
  const pick = (unit, step) => {
    go(model, "unit", unit);
    go(model, "step", step);
  };
  const limit = largest(grid.values);
  c.cells(box, grid, { name: `${network.name} ${name} over time`, limit, tell, pick, image: `${network.name} ${name}` });
  const high = box.height / network.units;
  const top = box.y + network.own(model.get("unit")) * high;
  c.box(box.x, top, box.width, high, { color: c.theme.ink, thick: high > 6 ? 1.6 : 1 });
  c.text(box.x - 3, top + high / 2, "▸", { align: "right", size: 11 });
  return y + box.height + 5;
}

/** Bars from 0 to 1 for the unit, and a short line at the median of all units. */
function drawGate(c, y, network, [name, title, more], model) {
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
function drawBelt(c, y, network, model) {
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
function drawShown(c, y, network, model, title, more, high) {
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

// --- The gradient ------------------------------------------------------------------------------------

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
function drawFlow(c, y, network, model, { range, first }) {
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

// --- The step in words -------------------------------------------------------------------------------

/** The step's arithmetic for one unit: one line, or two. */
function equations(network, unit, step) {
  const get = (name) => format(network.unit(name, unit)[step]);
  if (network.kind === "RNN") return [`h = ${get("hidden")}, mixed anew from the input and all of the last h`];
  if (network.kind === "GRU") {
    return [`h = z · h(t−1) + (1−z) · h̃ = ${get("update_gate")} × ${get("before")} + ${get("added")} = ${get("hidden")}`];
  }
  const cell = `${get("forget_gate")} × ${get("before")} + ${get("input_gate")} × ${get("candidate")} = ${get("cell")}`;
  const shown = `${get("output_gate")} × ${get("squashed")} = ${get("hidden")}`;
  return [`c = f · c(t−1) + i · c̃ = ${cell}`, `h = o · tanh c = ${shown}`];
}

function arrival(network, step) {
  const { last, state, symbol } = network;
  if (step > last) return `after the loss at step ${last}: no gradient`;
  const size = `‖∂L/∂${symbol}‖ = ${fromLog(network.get(`${state} log`).values[step])}`;
  if (step === last) return `the loss is here: ${size}`;
  const ratio = format(network.get(`${state} ratio`).values[step]);
  const gate = network.get(network.kind === "LSTM" ? "forget_gate median" : "update_gate median");
  const name = network.kind === "LSTM" ? "f" : "z";
  const beside = gate ? ` (median ${name} there ${format(gate.values[step + 1])})` : "";
  return `${size}, × ${ratio} on the way from step ${step + 1}${beside}`;
}

/** Every number of the step, kept for whoever reads it back. */
function keepStep(c, network, unit, step) {
  const names = ["hidden", "cell", "candidate", ...GATES.map(([name]) => name), "hidden gradient", "cell gradient"];
  for (const name of names) {
    const tensor = network.get(name);
    if (tensor) c.drawn[`${network.name} ${name}`] = at(tensor, step).values;
  }
  for (const name of ["hidden norm", "cell norm", "hidden ratio", "cell ratio"]) {
    const tensor = network.get(name);
    if (tensor) c.drawn[`${network.name} ${name}`] = tensor.values.subarray(step, step + 1);
  }
}

// --- The picture -------------------------------------------------------------------------------------

function drawNetwork(c, y, network, model, flow) {
  const [unit, step] = [model.get("unit"), model.get("step")];
  c.text(0, y + 10, network.name, { bold: true, size: 15 });
  const left = c.width - GUTTER - RIGHT;
  const [first, second] = equations(network, unit, step);
  const lines = [`step ${step}, unit ${network.own(unit)}: ${first}`, second, arrival(network, step)].filter(Boolean);
  if (second && left > 620) lines.splice(0, 2, `${lines[0]};   ${second}`);
  lines.forEach((words, line) => c.text(GUTTER, y + 3 + 15 * line, words, { size: 12, fit: left }));
  y += 15 * lines.length - 1;
  y = drawStrip(c, y, network, "hidden", "h hidden state", model);
  if (network.kind === "LSTM") y = drawStrip(c, y, network, "cell", "c cell state", model);
  for (const gate of GATES) if (network.get(gate[0])) y = drawGate(c, y, network, gate, model);
  if (network.kind === "RNN") y = drawShown(c, y, network, model, "h of the unit", "no belt", 44);
  else y = drawBelt(c, y, network, model);
  if (network.kind === "LSTM") y = drawShown(c, y, network, model, "h let out", "o · tanh c", OUT);
  keepStep(c, network, unit, step);
  return drawFlow(c, y, network, model, flow) + 8;
}

function drawInputs(c, y, explorer, model) {
  if (explorer.labels.length) {
    const box = place(c, y, labelHeight(explorer.labels, c.width - GUTTER - RIGHT));
    drawLabels(c, box, explorer.labels, model);
    nameLane(c, y, box.height, "input");
    return y + box.height + 6;
  }
  const grid = explorer.networks[0].strip("inputs");
  const box = place(c, y, Math.max(20, Math.min(grid.shape[0] * 8, 56)));
  nameLane(c, y, box.height, "input");
  const tell = (row, step) => `input, step ${step}, number ${row}: ${formatLong(grid.values[row * explorer.steps + step])}`;
  c.cells(box, grid, { name: "inputs over time", tell, pick: (_, step) => go(model, "step", step), image: "inputs" });
  return y + box.height + 8;
}

/** The column of the step, framed, and the dashed line that ends the step of the loss. */
function markColumns(c, [top, bottom], explorer, model) {
  const { x, width } = place(c, 0, 0);
  const column = width / explorer.steps;
  const [left, loss] = [x + model.get("step") * column, x + (explorer.last + 1) * column];
  c.pen.strokeStyle = c.theme.ink;
  c.pen.lineWidth = 1.4;
  c.pen.setLineDash([5, 4]);
  c.pen.beginPath();
  c.pen.moveTo(loss, top);
  c.pen.lineTo(loss, bottom);
  c.pen.stroke();
  c.pen.setLineDash([]);
  c.box(left - 1, top, column + 2, bottom - top, { color: c.theme.accent, thick: 2 });
}

function drawSteps(c, explorer, model, playing) {
  const top = 18;
  let y = drawInputs(c, top + 2, explorer, model);
  const labelled = y;
  // played back, the gradient is drawn as far as it has come
  const flow = { range: decades(explorer.networks.flatMap((one) => [one.get("hidden log"), one.get("cell log")])), first: playing.back() ? model.get("step") : 0 };
  const spans = [[top, labelled]];
  for (const network of explorer.shown(model)) {
    const from = y + 28;
    y = drawNetwork(c, y + 4, network, model, flow);
    spans.push([from, y - 8]);
  }
  timeAxis(c, GUTTER, y - 8, c.width - GUTTER - RIGHT, explorer.steps);
  c.text(0, y, "step", { size: 10, color: c.theme.soft });
  for (const span of spans) markColumns(c, span, explorer, model);
  const loss = GUTTER + ((explorer.last + 1) / explorer.steps) * (c.width - GUTTER - RIGHT);
  c.text(Math.max(loss + 4, GUTTER + 50), top - 9, "loss L ↓", { align: "right", size: 11, bold: true });
  const legend =
    "Strips: deeper = larger, orange with a dash = below 0. Gates: bar = the unit, line = median of all units. " +
    "Belt: filled = kept from the last step, hatched = added now, heavy line = the new load. " +
    "Gradient, logarithmic and on one scale for all: solid with dots = what is carried; dashed with squares = h of an LSTM; dotted = the unit alone.";
  return y + 14 + 15 * c.paragraph(0, y + 20, legend, { size: 11, color: c.theme.soft, fit: c.width - 4 });
}

// --- The update --------------------------------------------------------------------------------------

/** How the bound is the slider's place in the list of bounds. */
function boundIndex(model) {
  const [bounds, clip] = [model.get("bounds"), model.get("clip")];
  return Math.max(0, bounds.findIndex((bound) => bound >= clip * 0.999999));
}

function drawUpdate(c, explorer, model) {
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
  c.text(GUTTER, y + 8, does, { size: 12, fit: c.width - GUTTER - RIGHT });
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

// --- The widget --------------------------------------------------------------------------------------

function go(model, name, wanted) {
  const most = name === "unit" ? Math.max(...model.get("models").map(({ units }) => units)) : model.get("steps");
  const value = Math.min(Math.max(wanted, 0), most - 1);
  if (value === model.get(name)) return;
  model.set(name, value);
  model.save_changes();
}

function button(bar, text, label, action) {
  const made = make(bar, "button", "", text);
  made.setAttribute("aria-label", label);
  made.title = label;
  made.addEventListener("click", action);
  return made;
}

function select(bar, words, label, options, action) {
  const made = make(make(bar, "label", "", words), "select");
  made.setAttribute("aria-label", label);
  for (const [text, value] of options) made.add(new Option(text, value));
  made.addEventListener("change", () => action(made.value));
  return made;
}

/** Plays forward to the end, or back from the loss, one step at a time. */
function player(model, pause) {
  let timer;
  let direction = 0;
  const show = [];
  const stop = () => {
    clearInterval(timer);
    direction = 0;
    show.forEach((call) => call(direction));
  };
  const play = (wanted) => {
    const before = direction;
    stop();
    if (before === wanted) return;
    const [step, last] = [model.get("step"), model.get("loss_at")];
    if (wanted > 0 && step === model.get("steps") - 1) go(model, "step", 0);
    if (wanted < 0 && (step === 0 || step > last)) go(model, "step", last);
    direction = wanted;
    show.forEach((call) => call(direction));
    timer = setInterval(() => {
      const from = model.get("step");
      go(model, "step", from + direction);
      if (model.get("step") === from) stop();
    }, pause());
  };
  return { play, stop, show, back: () => direction < 0 };
}

/** Buttons, sliders and choices above the picture; returns how they follow and what keys do. */
function controls(bar, model, playing) {
  const move = (by) => go(model, "step", model.get("step") + by);
  button(bar, "|◀", "first step", () => go(model, "step", 0));
  button(bar, "◀", "one step back", () => move(-1));
  const back = button(bar, "", "play the gradient back from the loss, or pause (B)", () => playing.play(-1));
  const forward = button(bar, "", "play forward, or pause (space)", () => playing.play(1));
  button(bar, "▶", "one step on", () => move(1));
  button(bar, "▶|", "last step", () => go(model, "step", Infinity));
  playing.show.push((direction) => {
    back.textContent = direction < 0 ? "❚❚ pause" : "◀ gradient back";
    forward.textContent = direction > 0 ? "❚❚ pause" : "play ▶";
  });
  playing.stop();
  const slider = make(bar, "input");
  Object.assign(slider, { type: "range", min: 0, max: model.get("steps") - 1, step: 1 });
  slider.setAttribute("aria-label", "step");
  slider.addEventListener("input", () => go(model, "step", Number(slider.value)));
  const said = make(bar, "output");
  const update = () => {
    slider.value = model.get("step");
    said.textContent = `step ${model.get("step")} of 0–${model.get("steps") - 1}`;
  };
  const keys = {
    ArrowLeft: () => move(-1), ArrowRight: () => move(1), PageUp: () => move(10), PageDown: () => move(-10),
    ArrowUp: () => go(model, "unit", model.get("unit") - 1), ArrowDown: () => go(model, "unit", model.get("unit") + 1),
    Home: () => go(model, "step", 0), End: () => go(model, "step", Infinity), " ": () => playing.play(1),
    b: () => playing.play(-1), B: () => playing.play(-1),
  };
  return { update, keys };
}

/** A box for the number of the unit; returns how it follows. */
function unitBox(bar, model) {
  const unit = make(make(bar, "label", "", "unit "), "input");
  const units = Math.max(...model.get("models").map((one) => one.units));
  Object.assign(unit, { type: "number", min: 0, max: units - 1, step: 1 });
  unit.setAttribute("aria-label", `unit, from 0 to ${units - 1}`);
  unit.style.width = "4.5em";
  unit.addEventListener("input", () => unit.value !== "" && go(model, "unit", Math.round(Number(unit.value))));
  const update = () => {
    if (document.activeElement !== unit || unit.value !== "") unit.value = model.get("unit");
  };
  return update;
}

/** The choice of the networks, the unit, and the button that moves the loss, which the kernel computes anew. */
function choices(bar, model) {
  const names = model.get("models").map(({ name }) => name);
  let shown;
  if (names.length > 1) {
    const options = [[names.join(" and "), "all"], ...names.map((name) => [`${name} alone`, name])];
    shown = select(bar, "show ", "which networks are shown", options, (value) => {
      model.set("shown", value);
      model.save_changes();
    });
  }
  const updateUnit = unitBox(bar, model);
  const here = () => loss.disabled || go(model, "loss_at", model.get("step"));
  const loss = button(bar, "loss here", "put the loss at this step (L); needs a running kernel", here);
  loss.disabled = true;
  const heard = (content) => {
    if (content?.kind === "a kernel is here") loss.disabled = false;
  };
  model.on("msg:custom", heard);
  try {
    model.send({ kind: "is a kernel there?" });
  } catch {
    /* no connection: the button stays as it is */
  }
  const update = () => {
    if (shown) shown.value = model.get("shown");
    updateUnit();
  };
  return { update, keys: { l: here, L: here }, stop: () => model.off("msg:custom", heard) };
}

function bound(bar, model) {
  const label = make(bar, "label", "", "clip the gradient at v ");
  label.style.cssText = "display: flex; flex: 0 1 420px; align-items: center; gap: 6px";
  const slider = make(label, "input");
  Object.assign(slider, { type: "range", min: 0, step: 1 });
  slider.setAttribute("aria-label", "v, the bound on the gradient's norm");
  slider.addEventListener("input", () => {
    model.set("clip", model.get("bounds")[Number(slider.value)]);
    model.save_changes();
  });
  const said = make(bar, "output");
  return () => {
    slider.max = model.get("bounds").length - 1;
    slider.value = boundIndex(model);
    said.textContent = `v = ${formatLong(model.get("clip"))}`;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
}

function summary(explorer, model) {
  const step = model.get("step");
  const label = explorer.labels[step] ? `, input ${explorer.labels[step]}` : "";
  const parts = explorer.shown(model).map((one) => `${one.name}, unit ${one.own(model.get("unit"))}: ${equations(one, model.get("unit"), step).join("; ")}; ${arrival(one, step)}`);
  return [`step ${step} of 0 to ${explorer.steps - 1}${label}`, ...parts].join(". ");
}

function updateSummary(explorer, model) {
  const index = boundIndex(model);
  const parts = explorer.shown(model).map((one) => `${one.name}: norm of the gradient ${formatLong(one.get("total").values[0])} before, ${formatLong(one.get("clipped").values[index])} after clipping`);
  return `v = ${formatLong(model.get("clip"))}. ${parts.join(". ")}`;
}

/** Keep the keys of the number box and the sliders for themselves. */
function ownKeys(event) {
  const { type } = event.target;
  const range = type === "range" && /^(Arrow|Home|End|Page)/.test(event.key);
  if (range || (type === "number" && event.key !== " ")) event.stopPropagation();
}

function render({ model, el }) {
  const root = makeRoot(el, "gate explorer");
  if (model.get("title")) make(root, "strong", "", model.get("title"));
  const stopProblems = showProblems(root, model);
  let explorer = new Explorer(model);
  const bar = make(root, "div", "toolbar");
  const more = make(root, "div", "toolbar");
  let speed;
  const playing = player(model, () => Number(speed.value));
  const { update, keys } = controls(bar, model, playing);
  const chosen = choices(more, model);
  speed = select(more, "speed ", "speed of playing", [["slow", 1000], ["medium", 400], ["fast", 100]], playing.stop);
  speed.value = "400";
  make(more, "span", "hint", "keys: ← → step, ↑ ↓ unit, space plays, B back; click a column or a unit");
  const steps = new Canvas(root, (c) => drawSteps(c, explorer, model, playing));
  const lower = make(root, "div", "toolbar");
  const updateBound = bound(lower, model);
  const parts = new Canvas(root, (c) => drawUpdate(c, explorer, model));
  steps.element.tabIndex = 0;
  playing.show.push(() => steps.later());
  for (const place of [bar, more, lower]) place.addEventListener("keydown", ownKeys);
  bindKeys(root, { ...keys, ...chosen.keys });
  const redraw = () => {
    update();
    chosen.update();
    steps.now();
    steps.say(summary(explorer, model));
  };
  const redrawParts = () => {
    updateBound();
    parts.now();
    parts.say(updateSummary(explorer, model));
  };
  const all = () => {
    redraw();
    redrawParts();
  };
  const reload = () => {
    explorer = new Explorer(model);
    for (const canvas of [steps, parts]) canvas.images.clear();
    all();
  };
  const events = { step: redraw, unit: redraw, clip: redrawParts, shown: all, numbers: reload };
  for (const [name, call] of Object.entries(events)) model.on(`change:${name}`, call);
  update();
  chosen.update();
  updateBound();
  steps.later();
  parts.later();
  steps.say(summary(explorer, model));
  parts.say(updateSummary(explorer, model));
  return () => {
    playing.stop();
    stopProblems();
    chosen.stop();
    steps.stop();
    parts.stop();
    for (const [name, call] of Object.entries(events)) model.off(`change:${name}`, call);
  };
}

export default { render };
