// The gate explorer's upper picture: each network is a row of lanes, and the step in words.
import { at, format, formatLong, stepWord, timeAxis, wordsHeight } from "./shared.js";
import { decades, fromLog } from "./gates_numbers.js";
import { go } from "./toolbar.js";
import { GUTTER, OUT, RIGHT, drawBelt, drawGate, drawLabels, drawShown, drawStrip, nameLane, place } from "./gates_lanes.js";
import { drawFlow } from "./gates_flow.js";

const GATES = [
  ["forget_gate", "f forget gate", "1 keeps, 0 clears"],
  ["update_gate", "z update gate", "1 keeps the past"],
  ["reset_gate", "r reset gate", "past seen by h̃"],
  ["input_gate", "i input gate", "1 takes in"],
  ["output_gate", "o output gate", "1 shows, 0 hides"],
];

// --- The step in words -------------------------------------------------------------------------------

/** The step's arithmetic for one unit: one line, or two. */
export function equations(network, unit, step) {
  const get = (name) => format(network.unit(name, unit)[step]);
  if (network.kind === "RNN") return [`h = ${get("hidden")}, mixed anew from the input and all of the last h`];
  if (network.kind === "GRU") {
    return [`h = z · h(t−1) + (1−z) · h̃ = ${get("update_gate")} × ${get("before")} + ${get("added")} = ${get("hidden")}`];
  }
  const cell = `${get("forget_gate")} × ${get("before")} + ${get("input_gate")} × ${get("candidate")} = ${get("cell")}`;
  const shown = `${get("output_gate")} × ${get("squashed")} = ${get("hidden")}`;
  return [`c = f · c(t−1) + i · c̃ = ${cell}`, `h = o · tanh c = ${shown}`];
}

export function arrival(network, step) {
  const { last, state, symbol } = network;
  if (step > last) return `after the loss at step ${last}: no gradient`;
  const size = `‖∂L/∂${symbol}‖ = ${fromLog(network.get(`${state} log`).values[step])}`;
  if (step === last) return `the loss is here: ${size}`;
  if (network.get(`${state} norm`).values.subarray(step, step + 2).every((norm) => norm === 0)) return `${size}: nothing came from step ${step + 1}`;
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

/** The step of one network in words; returns the bottom. */
function drawWords(c, y, network, unit, step) {
  c.text(0, y + 10, network.name, { bold: true, size: 15 });
  const left = c.width - GUTTER - RIGHT;
  const [first, second] = equations(network, unit, step);
  const lines = [`step ${step}, unit ${network.own(unit)}: ${first}`, second, arrival(network, step)].filter(Boolean);
  if (second && left > 620) lines.splice(0, 2, `${lines[0]};   ${second}`);
  const room = left < 420 ? 2 : 1; // lines, so that stepping does not move what is below
  for (const words of lines) y += 16 * Math.max(room, c.paragraph(GUTTER, y + 3, words, { fit: left }));
  return y - 2;
}

/** One network's lanes from its states down to its gradient, the same at every step; returns the bottom. */
function drawLanes(c, y, network, model, flow) {
  y = drawStrip(c, y, network, "hidden", "h hidden state", model);
  if (network.kind === "LSTM") y = drawStrip(c, y, network, "cell", "c cell state", model);
  for (const gate of GATES) if (network.get(gate[0])) y = drawGate(c, y, network, gate, model);
  if (network.kind === "RNN") y = drawShown(c, y, network, model, "h of the unit", "no belt", 44);
  else y = drawBelt(c, y, network, model);
  if (network.kind === "LSTM") y = drawShown(c, y, network, model, "h let out", "o · tanh c", OUT);
  return drawFlow(c, y, network, model, flow) + 8;
}

/** One network: its words, then its lanes; returns where its lanes begin, and the end. */
function drawNetwork(c, y, network, model, flow) {
  const [unit, step] = [model.get("unit"), model.get("step")];
  const top = drawWords(c, y, network, unit, step);
  keepStep(c, network, unit, step);
  const bottom = c.layer(`lanes of ${network.name}`, top - 3, `${unit} ${flow.first}`, () => drawLanes(c, top, network, model, flow));
  return [top - 3, bottom];
}

/** What comes in: words, that of the step written once more, or numbers; returns the bottom. */
function drawInputs(c, y, explorer, model) {
  const { labels } = explorer;
  if (!labels.length) return c.layer("inputs", y - 2, "", () => drawNumbers(c, y, explorer, model));
  const box = place(c, y, wordsHeight(labels, c.width - GUTTER - RIGHT));
  const bottom = c.layer("inputs", y - 2, "", () => {
    drawLabels(c, box, labels, model);
    nameLane(c, y, box.height, "input");
    return y + box.height + 6;
  });
  stepWord(c, box, labels, model.get("step"), true);
  return bottom;
}

function drawNumbers(c, y, explorer, model) {
  const grid = explorer.networks[0].strip("inputs");
  const box = place(c, y, Math.max(20, Math.min(grid.shape[0] * 8, 56)));
  nameLane(c, y, box.height, "input");
  const tell = (row, step) => `input, step ${step}, number ${row}: ${formatLong(grid.values[row * explorer.steps + step])}`;
  c.cells(box, grid, { name: "inputs over time", tell, pick: (_, step) => go(model, step) });
  return y + box.height + 8;
}

/** The steps' numbers below the lanes, and what is drawn how; returns the bottom. */
function drawFoot(c, y, steps) {
  timeAxis(c, GUTTER, y - 8, c.width - GUTTER - RIGHT, steps);
  c.text(0, y, "step", { size: 10, color: c.theme.soft });
  const legend =
    "Strips: deeper = larger, orange with a dash = below 0. Gates: bar = the unit, line = median of all units. " +
    "Belt: filled = kept from the last step, hatched = added now, heavy line = the new load. " +
    "Gradient, logarithmic and on one scale for all: solid with dots = what is carried; dashed with squares = h of an LSTM; dotted = the unit alone.";
  return y + 14 + 15 * c.paragraph(0, y + 20, legend, { size: 11, color: c.theme.soft, fit: c.width - 4 });
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

export function drawSteps(c, explorer, model, playing) {
  const top = 18;
  let y = drawInputs(c, top + 2, explorer, model);
  const labelled = y;
  // played back, the gradient is drawn as far as it has come
  const flow = { range: decades(explorer.networks.flatMap((one) => [one.get("hidden log"), one.get("cell log")])), first: playing.back() ? model.get("step") : 0 };
  const spans = [[top, labelled]];
  for (const network of explorer.shown(model)) {
    const [from, below] = drawNetwork(c, y + 4, network, model, flow);
    spans.push([from, below - 8]);
    y = below;
  }
  const bottom = c.layer("foot", y - 6, "", () => drawFoot(c, y, explorer.steps));
  for (const span of spans) markColumns(c, span, explorer, model);
  const loss = GUTTER + ((explorer.last + 1) / explorer.steps) * (c.width - GUTTER - RIGHT);
  c.text(Math.max(loss + 4, GUTTER + 50), top - 9, "loss L ↓", { align: "right", size: 11, bold: true });
  return bottom;
}
