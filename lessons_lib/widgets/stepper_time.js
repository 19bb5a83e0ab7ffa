// The tape stepper's upper half: every panel over all steps, time to the right.
import { at, formatLong, timeAxis } from "./shared.js";
import { go } from "./toolbar.js";

export const GUTTER = 112; // room for the panels' names

/** Words or symbols in a row, one a step; upright where there is room. */
function symbolRow(c, box, tape, name, model) {
  const words = tape.labels[name];
  const column = box.width / words.length;
  const step = model.get("step");
  const turned = column < 44;
  words.forEach((word, index) => {
    const bold = index === step;
    if (column < 9 && !bold) return;
    const [center, size] = [box.x + (index + 0.5) * column, Math.min(12, Math.max(10, column))];
    if (turned) c.turnedText(center, box.y + box.height - 2, word, { size, bold, fit: 78, color: bold ? c.theme.ink : c.theme.soft });
    else c.text(center, box.y + box.height / 2, word, { align: "center", bold, fit: column - 2 });
  });
  c.regions.push({ ...box, rows: 1, columns: words.length, tell: (_, index) => `step ${index}: ${words[index]}`, pick: (_, index) => go(model, index) });
  c.drawn[name] = words;
}

function symbolHeight(words, width) {
  if (width / words.length >= 44) return 22;
  const longest = words.reduce((most, word) => Math.max(most, word.length), 1);
  return Math.min(80, Math.max(22, longest * 7));
}

/** A panel of cells: rows × steps. options: name, title, more, limit, high, tell(row, step), image. */
function gridPanel(c, tape, model, panel, { name, title, more, limit, high, tell, image = name }) {
  const rows = panel.shape[0];
  const height = Math.min(rows * high, Math.max(high, Math.min(rows * 6, 96)));
  const pick = (_, step) => go(model, step);
  const words = (row, step) => tell(row, step, formatLong(panel.values[row * tape.steps + step]));
  const draw = (box) => c.cells(box, panel, { name: `${name} over time`, limit, tell: words, pick, image });
  return { title, more, height, draw };
}

function symbolPanel(c, tape, model, name, title, width) {
  if (tape.labels[name]) {
    const height = symbolHeight(tape.labels[name], width);
    return [{ title, height, draw: (box) => symbolRow(c, box, tape, name, model) }];
  }
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

/** List the panels from top to bottom: {title, more, height, thin, draw}. */
function panels(c, tape, model, width) {
  const heads = tape.heads(model.get("read_head"));
  return [
    ...symbolPanel(c, tape, model, "inputs", "input", width),
    ...(tape.memory && !model.get("gates") ? [] : unitPanels(c, tape, model)),
    ...heads.map((head) => pathPanel(c, tape, model, head)),
    ...gateStrips(c, tape, model, heads),
    ...symbolPanel(c, tape, model, "outputs", "output", width),
  ];
}

/** Draw all panels, the step shown, and the step that wrote what is read there; returns the bottom. */
export function overTime(c, tape, model) {
  const [x, width] = [GUTTER, c.width - GUTTER - 4];
  const top = 16;
  let y = top;
  for (const { title, more, height, thin, draw } of panels(c, tape, model, width)) {
    const second = more && height > 24;
    c.text(0, y + height / 2 - (second ? 7 : 0), title, { bold: !thin, size: thin ? 11 : 12, fit: GUTTER - 8 });
    if (second) c.text(0, y + height / 2 + 7, more, { size: 10, color: c.theme.soft });
    draw({ x, y, width, height });
    y += height + (thin ? 3 : 6);
  }
  timeAxis(c, x, y - 4, width, tape.steps);
  c.text(0, y + 4, "step", { size: 10, color: c.theme.soft });
  const marks = { x, width, top, bottom: y - 6, steps: tape.steps };
  const source = tape.sources(model.get("step"))[0];
  if (source?.step >= 0) markColumn(c, marks, source.step, { dash: [3, 3] });
  c.drawn.written_at = Float32Array.of(source?.step ?? NaN);
  markColumn(c, marks, model.get("step"), { filled: true });
  return y + 18;
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
