// The tape stepper's upper half: every panel over all steps, time to the right.
import { at, formatLong, stepWord, timeAxis, wordsHeight } from "./shared.js";
import { go } from "./toolbar.js";

export const GUTTER = 112; // room for the panels' names
const TOP = 16; // room for the arrows
const AXIS = 18;

/** Words or symbols in a row, one a step; `shown` writes that of the step shown once more. */
function wordsPanel(c, tape, model, { name, title, width }) {
  const words = tape.labels[name];
  const draw = (box) => {
    words.forEach((_, step) => stepWord(c, box, words, step));
    c.regions.push({ ...box, rows: 1, columns: words.length, tell: (_, index) => `step ${index}: ${words[index]}`, pick: (_, index) => go(model, index) });
    c.drawn[name] = words;
  };
  const shown = (box) => stepWord(c, box, words, model.get("step"), true);
  return { title, height: wordsHeight(words, width), draw, shown };
}

/** A panel of cells: rows × steps. options: name, title, more, limit, high, tell(row, step). */
function gridPanel(c, tape, model, panel, { name, title, more, limit, high, tell }) {
  const rows = panel.shape[0];
  const height = Math.min(rows * high, Math.max(high, Math.min(rows * 6, 96)));
  const pick = (_, step) => go(model, step);
  const words = (row, step) => tell(row, step, formatLong(panel.values[row * tape.steps + step]));
  const draw = (box) => c.cells(box, panel, { name: `${name} over time`, limit, tell: words, pick });
  return { title, more, height, draw };
}

function symbolPanel(c, tape, model, name, title, width) {
  if (tape.labels[name]) return [wordsPanel(c, tape, model, { name, title, width })];
  if (!tape.numbers[name]) return [];
  const tell = (row, step, value) => `${tape.symbol(name, step) ? `${title} ${tape.symbol(name, step)}, ` : `${title}, `}step ${step}, row ${row}: ${value}`;
  return [gridPanel(c, tape, model, tape.panel(name), { name, title, limit: tape.limit(name), high: 10, tell })];
}

/** A head's path: how much weight each slot gets at each step. */
function pathPanel(c, tape, model, head) {
  const tell = (row, step, value) => `${head.name}, step ${step}, slot ${tape.slots[row]}: w = ${value}${tape.wrote(step, row)}`;
  const options = { name: `${head.which} ${head.head}`, title: head.name, more: "slot ↓ step →", limit: 1, high: 12, tell };
  return gridPanel(c, tape, model, tape.path(head), options);
}

/** Gates of the heads over time, from 0 to 1, a strip each: g of each head, f of each write head. */
function gateStrips(c, tape, model, heads) {
  const strips = [];
  for (const head of heads) {
    for (const [field, symbol, words] of [["gate", "g", "gate"], ["add_gate", "f", "add gate"]]) {
      if (!tape.scalar(head, field, 0).length) continue;
      const values = tape.once(`${field} of ${head.name}`, () =>
        Float32Array.from({ length: tape.steps }, (_, step) => tape.scalar(head, field, step)[0]),
      );
      const tell = (_, step, value) => `${words} ${symbol} of the ${head.name}, step ${step}: ${value}`;
      const options = { name: `${head.which}.${field} ${head.head}`, title: `${symbol} ${head.name}`, limit: 1, high: 14, tell };
      strips.push({ ...gridPanel(c, tape, model, { shape: [1, tape.steps], values }, options), thin: true });
    }
  }
  return strips;
}

function unitPanels(c, tape, model) {
  return Object.entries(tape.names).map(([name, title]) => {
    const limit = name.endsWith("gate") ? 1 : tape.limit(name);
    const tell = (unit, step, value) => `${title}, step ${step}, unit ${unit}: ${value}`;
    return gridPanel(c, tape, model, tape.panel(name), { name, title, more: "unit ↓ step →", limit, high: 12, tell });
  });
}

/** Where the panel after this one begins. */
function below({ box, thin }) {
  return box.y + box.height + (thin ? 3 : 6);
}

/** List the panels from top to bottom: {title, more, box, thin, draw, shown}. */
function panels(c, tape, model) {
  const [x, width] = [GUTTER, c.width - GUTTER - 4];
  const heads = tape.heads(model.get("read_head"));
  const list = [
    ...symbolPanel(c, tape, model, "inputs", "input", width),
    ...(tape.memory && !model.get("gates") ? [] : unitPanels(c, tape, model)),
    ...heads.map((head) => pathPanel(c, tape, model, head)),
    ...gateStrips(c, tape, model, heads),
    ...symbolPanel(c, tape, model, "outputs", "output", width),
  ];
  let y = TOP;
  for (const panel of list) {
    panel.box = { x, y, width, height: panel.height };
    y = below(panel);
  }
  return list;
}

/** What stepping leaves as it is: the panels with their names, and the axis; returns the bottom. */
function drawPanels(c, steps, list) {
  for (const { title, more, box, thin, draw } of list) {
    const second = more && box.height > 24;
    const middle = box.y + box.height / 2;
    c.text(0, middle - (second ? 7 : 0), title, { bold: !thin, size: thin ? 11 : 12, fit: GUTTER - 8 });
    if (second) c.text(0, middle + 7, more, { size: 10, color: c.theme.soft });
    draw(box);
  }
  const end = below(list.at(-1));
  timeAxis(c, list[0].box.x, end - 4, list[0].box.width, steps);
  c.text(0, end + 4, "step", { size: 10, color: c.theme.soft });
  return end + AXIS;
}

/** Draw all panels, the step shown, and the step that wrote what is read there; returns the bottom. */
export function overTime(c, tape, model) {
  const list = panels(c, tape, model);
  const key = `${model.get("read_head")} ${model.get("gates")}`;
  const bottom = c.layer("over time", 0, key, () => drawPanels(c, tape.steps, list));
  for (const { shown, box } of list) shown?.(box);
  const { x, width } = list[0].box;
  const marks = { x, width, top: TOP, bottom: bottom - AXIS - 6, steps: tape.steps };
  const source = tape.sources(model.get("step"))[0];
  if (source?.step >= 0) markColumn(c, marks, source.step, { dash: [3, 3] });
  c.drawn.written_at = Float32Array.of(source?.step ?? NaN);
  markColumn(c, marks, model.get("step"), { filled: true });
  return bottom;
}

/** Frame a column through all panels, with an arrow above: filled, or hollow and dashed. */
function markColumn(c, { x, width, top, bottom, steps }, step, { dash, filled }) {
  const column = width / steps;
  const left = x + step * column;
  const color = c.theme.accent;
  c.box(left - 1, top - 2, column + 2, bottom - top + 4, { color, thick: filled ? 2 : 1.5, dash });
  c.arrowDown(left + column / 2, 2, { color, filled });
}

/** The slot that a head weighs most at a step, and how much. */
export function strongest(tape, head, step) {
  const { values } = at(tape.numbers[`${head.which}.weights`], step, head.head);
  const most = values.reduce((best, value, slot) => (value > values[best] ? slot : best), 0);
  return { slot: tape.slots[most], weight: values[most] };
}
