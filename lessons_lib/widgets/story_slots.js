// The machine at one word: what it writes, what the slots hold and whose it is, what it reads.
import { at, format, formatLong, inPercent } from "./shared.js";

const LABEL = 30; // room for the slots' numbers
const GAP = 16;
const TITLES = 48; // room above a panel
const CHANGED = 0.05; // a cell that moved by more is framed

/** Names of the origins: the start, the sentences, what comes after. */
function nameOrigin(origin, view) {
  if (origin === 0) return "start";
  return origin <= view.sentences ? String(origin) : "after";
}

/** Where weight is, in words: "slot 4, 0.83". */
export function strongestSlot(values, slots) {
  const most = values.reduce((best, value, row) => (value > values[best] ? row : best), 0);
  return Number.isNaN(values[most]) ? "no slot: the weights are not finite" : `slot ${slots[most]}, ${format(values[most])}`;
}

/** Names below each other at the left of a panel, as many as there is room for. */
function rowNames(c, { x, y, height }, names) {
  const high = height / names.length;
  const every = Math.ceil(11 / high);
  names.forEach((name, row) => {
    if (row % every === 0) c.text(x - 5, y + (row + 0.5) * high, name, { align: "right", size: 11, color: c.theme.soft });
  });
}

/** Names above the columns of a panel, as many as there is room for. */
function columnNames(c, { x, y, width }, names) {
  const wide = width / names.length;
  const every = Math.ceil(Math.max(...names.map((name) => name.length)) * 7 / wide);
  names.forEach((name, column) => {
    const last = column === names.length - 1;
    if (column % every && !last) return;
    if (!last && every > 1 && column + every > names.length - 1 && column > 0) return; // the last needs the room
    c.text(x + (column + 0.5) * wide, y - 7, name, { align: "center", size: 10, color: c.theme.soft });
  });
}

function writtenPanel(c, numbers, view, machine, step) {
  const values = at(numbers.written, step).values;
  const title = numbers.gate ? "written now, f · w" : "written now, w";
  const tell = (row) => `slot ${machine.slots[row]}: ${formatLong(values[row])} of “${view.words[step]}” is written here`;
  const draw = (box) => c.bars(box, { values }, { name: "written", limit: Math.max(1, ...values), digits: 2, tell });
  return { title, slots: true, least: 120, most: 150, draw };
}

function memoryPanel(c, numbers, view, machine, step) {
  const now = at(numbers.memory, step);
  const before = step ? at(numbers.memory, step - 1) : numbers.start;
  const columns = now.shape[1];
  const marked = (row, column) => Math.abs(now.values[row * columns + column] - before.values[row * columns + column]) > CHANGED;
  const tell = (row, column) => `slot ${machine.slots[row]}, number ${column}: ${formatLong(now.values[row * columns + column])}, before ${formatLong(before.values[row * columns + column])}`;
  const draw = (box) => c.cells(box, now, { name: "memory", limit: numbers.memory.limit, tell, marked });
  return { title: `the memory, ${columns} numbers a slot`, slots: true, least: 200, most: 330, draw };
}

function heldPanel(c, numbers, view, machine, step) {
  const held = at(numbers.held, step);
  const count = held.shape[1];
  const tell = (row, column) => `slot ${machine.slots[row]}: ${inPercent(held.values[row * count + column])} of what it holds is from ${tellOrigin(column, view)}`;
  const draw = (box) => {
    columnNames(c, box, Array.from({ length: count }, (_, origin) => nameOrigin(origin, view)));
    c.cells(box, held, { name: "held", limit: 1, tell });
  };
  return { title: "whose it is", below: "shares of a slot, by sentence", slots: true, least: Math.min(300, count * 27), most: Math.min(560, count * 46), draw };
}

function tellOrigin(origin, view) {
  if (origin === 0) return "the start of the memory";
  return origin <= view.sentences ? `sentence ${origin}` : "after the story";
}

function readPanel(c, numbers, view, machine, step) {
  const reads = at(numbers.reads, step);
  const count = reads.shape[1];
  const name = machine.kind === "LNTM" ? "pointer" : "head";
  const tell = (row, column) => `read ${name} ${column}, slot ${machine.slots[row]}: w = ${formatLong(reads.values[row * count + column])}`;
  const draw = (box) => {
    if (count > 1) columnNames(c, box, Array.from({ length: count }, (_, head) => String(head)));
    c.cells(box, reads, { name: "reads", limit: 1, tell });
  };
  return { title: "read, w", below: count > 1 ? `by ${name}` : "", slots: true, least: Math.max(64, Math.min(count * 26, 260)), most: Math.max(64, count * 30), draw };
}

function answerPanel(c, numbers, view, machine, step, answered) {
  const values = at(numbers.answers, step).values;
  const last = step === view.words.length - 1;
  const tell = (row) => `${machine.answers[row]}: probability ${formatLong(values[row])}`;
  const names = machine.answers.map((answer) => (answered && answer === machine.right ? `✓ ${answer}` : answer));
  const strong = values.indexOf(Math.max(...values)); // none where they are not finite
  const draw = (box) => {
    const room = 92;
    names.forEach((name, row) => {
      c.text(box.x + room - 6, box.y + ((row + 0.5) / names.length) * box.height, name, { align: "right", bold: row === strong, fit: room - 8 });
    });
    const bars = { ...box, x: box.x + room, width: box.width - room };
    c.bars(bars, { values }, { name: "answers", limit: 1, strong, tell });
  };
  const title = last ? "its answer, at GO" : "what it would say now";
  return { title, below: last ? "" : "it was trained to answer at GO only", least: 210, most: 300, high: Math.min(20, 260 / names.length) * names.length, draw };
}

function statePanel(c, numbers, view, machine, step) {
  const { values } = at(numbers.state, step);
  const rows = [8, 4, 2, 1].find((count) => values.length % count === 0);
  const grid = { shape: [rows, values.length / rows], values };
  const tell = (row, column) => `number ${row * grid.shape[1] + column} of the state: ${formatLong(values[row * grid.shape[1] + column])}`;
  const draw = (box) => c.cells(box, grid, { name: "state", limit: numbers.state.limit, tell });
  return { title: `all it carries: ${values.length} numbers`, least: 260, most: 560, high: rows * 18, draw };
}

/** Put panels in rows as wide as there is room, and share out what is left. */
function layOut(panels, width) {
  const rows = [[]];
  let used = 0;
  const room = (panel) => panel.least + GAP + (panel.slots ? LABEL : 0);
  for (const panel of panels) {
    if (used && used + room(panel) > width) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1).push(panel);
    used += room(panel);
  }
  for (const row of rows) {
    const left = Math.max(0, width - row.reduce((sum, panel) => sum + room(panel), 0));
    const wish = row.reduce((sum, panel) => sum + panel.most - panel.least, 0);
    for (const panel of row) panel.width = panel.least + (wish ? Math.min(1, left / wish) * (panel.most - panel.least) : 0);
  }
  return rows;
}

/** Draw all panels of a step; what is right is told once GO was read. Returns the height. */
export function drawSlots(c, { numbers, view, machine }, step, answered) {
  const kinds = numbers.memory ? [writtenPanel, memoryPanel, heldPanel, readPanel, answerPanel] : [statePanel, answerPanel];
  const panels = kinds.map((kind) => kind(c, numbers, view, machine, step, answered));
  const high = machine.slots.length * Math.max(3, Math.min(20, 400 / Math.max(1, machine.slots.length)));
  let y = 2;
  for (const row of layOut(panels, c.width)) {
    let x = 0;
    for (const panel of row) {
      if (panel.slots) x += LABEL;
      const box = { x, y: y + TITLES, width: panel.width, height: panel.high ?? high };
      const left = panel.slots ? x - LABEL : x;
      c.text(left, y + 9, panel.title, { bold: true, fit: panel.width + (panel.slots ? LABEL : 0) + GAP - 4 });
      if (panel.below) c.text(left, y + 23, panel.below, { size: 11, color: c.theme.soft, fit: panel.width + LABEL });
      if (panel.slots) {
        rowNames(c, box, machine.slots);
        if (!panel.below) c.text(left, y + 23, "slot", { size: 11, color: c.theme.soft });
      }
      panel.draw(box);
      x += panel.width + GAP;
    }
    y += TITLES + Math.max(...row.map((panel) => panel.high ?? high)) + 10;
  }
  for (const [name, tensor] of Object.entries(numbers)) c.drawn[`all ${name}`] ??= tensor.values;
  return y + legend(c, numbers, y);
}

function legend(c, numbers, y) {
  if (!numbers.memory) return 0;
  const words = `Deeper colour = larger · orange with a dash = below 0 · framed = changed by more than ${CHANGED} at this word · shares: by the summed sizes of the parts that add up to the slot`;
  return 16 * c.paragraph(0, y + 4, words, { size: 11, color: c.theme.soft, fit: c.width });
}
