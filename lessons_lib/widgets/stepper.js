// The tape stepper: time runs to the right in every panel; below, the step itself.
import { Canvas, at, bindKeys, format, formatLong, largest, make, makeRoot, readNumbers, showProblems, timeAxis } from "./shared.js";

const LEFT = 28; // room for the slots' numbers
const GUTTER = 112; // room for the panels' names
const GAP = 12;
const CHANGED = 0.05; // a cell that moved by more is framed

/** Turn (T, n) into (n, T), so that time runs to the right. */
function sideways({ shape: [steps, count], values }) {
  const turned = new Float32Array(values.length);
  for (let step = 0; step < steps; step++) {
    for (let row = 0; row < count; row++) turned[row * steps + step] = values[step * count + row];
  }
  return { shape: [count, steps], values: turned };
}

/** Take head h of (T, H, n) as (T, n). */
function ofHead({ shape: [steps, heads, count], values }, head) {
  const taken = new Float32Array(steps * count);
  for (let step = 0; step < steps; step++) {
    const from = (step * heads + head) * count;
    taken.set(values.subarray(from, from + count), step * count);
  }
  return { shape: [steps, count], values: taken };
}

class Tape {
  constructor(model) {
    this.numbers = readNumbers(model);
    this.labels = model.get("labels");
    this.names = model.get("names");
    this.steps = model.get("steps");
    this.slots = model.get("slots"); // the numbers of the slots drawn, from top to bottom
    this.made = new Map();
    this.limits = new Map();
  }

  /** The heads drawn: all that write, and those that read or the chosen one of many. */
  heads(chosen) {
    const list = [];
    const count = (which) => this.numbers[`${which}.weights`]?.shape[1] ?? 0;
    const many = count("write") > 1;
    for (let head = 0; head < count("write"); head++) {
      list.push({ which: "write", head, name: many ? `write head ${head}` : "write head" });
    }
    const reads = count("read");
    for (let head = 0; head < reads; head++) {
      if (reads > 3 && head !== chosen) continue;
      list.push({ which: "read", head, name: reads > 1 ? `read head ${head}` : "read head" });
    }
    return list;
  }

  once(key, build) {
    if (!this.made.has(key)) this.made.set(key, build());
    return this.made.get(key);
  }

  panel(name) {
    return this.once(name, () => sideways(this.numbers[name]));
  }

  path({ which, head }) {
    return this.once(`${which} ${head}`, () => sideways(ofHead(this.numbers[`${which}.weights`], head)));
  }

  limit(name) {
    if (!this.limits.has(name)) this.limits.set(name, largest(this.numbers[name].values));
    return this.limits.get(name);
  }

  before(step) {
    const { memory_before: start, memory_after: after } = this.numbers;
    if (start.shape[0] > 1 || step === 0) return at(start, step);
    return at(after, step - 1);
  }
}

// --- Over time ---------------------------------------------------------------------------------------

function symbols(c, box, tape, name, model) {
  const words = tape.labels[name];
  const column = box.width / words.length;
  const step = model.get("step");
  const turned = column < 44;
  const widest = turned ? 78 : column - 2;
  words.forEach((word, index) => {
    if (column < 9 && index !== step) return;
    const bold = index === step;
    const size = Math.min(12, Math.max(10, column));
    if (!turned) {
      c.text(box.x + (index + 0.5) * column, box.y + box.height / 2, word, { align: "center", bold, fit: widest });
      return;
    }
    c.pen.save();
    c.pen.translate(box.x + (index + 0.5) * column, box.y + box.height);
    c.pen.rotate(-Math.PI / 2);
    c.text(2, 0.5, word, { size, bold, fit: widest, color: bold ? c.theme.ink : c.theme.soft });
    c.pen.restore();
  });
  c.regions.push({ ...box, rows: 1, columns: words.length, tell: (_, index) => `step ${index}: ${words[index]}`, pick: (_, index) => go(model, index) });
  c.drawn[name] = words;
}

function symbolHeight(words, width) {
  const turned = width / words.length < 44;
  const longest = words.reduce((most, word) => Math.max(most, word.length), 1);
  return turned ? Math.min(80, Math.max(22, longest * 7)) : 22;
}

/** List the panels from top to bottom: {name, height, draw}. */
function panels(c, tape, model, width) {
  const list = [];
  const pick = (_, step) => go(model, step);
  const shown = (name, title) => {
    if (tape.labels[name]) {
      const height = symbolHeight(tape.labels[name], width);
      list.push({ title, height, draw: (box) => symbols(c, box, tape, name, model) });
    } else if (tape.numbers[name]) grid(name, title, tape.panel(name), tape.limit(name), 10);
  };
  const grid = (name, title, panel, limit, high, rowName = (row) => row) => {
    const rows = panel.shape[0];
    const height = Math.min(rows * high, Math.max(high, Math.min(rows * 6, 96)));
    const [what, kind] = [title.split("\n")[0], title.split("\n")[1]?.split(" ")[0] ?? "row"];
    const tell = (row, step) => `${what}, step ${step}, ${kind} ${rowName(row)}: ${formatLong(panel.values[row * tape.steps + step])}`;
    list.push({ title, height, draw: (box) => c.cells(box, panel, { name: `${name} over time`, limit, tell, pick, image: name }) });
  };
  shown("inputs", "input");
  for (const name of Object.keys(tape.names)) {
    const limit = name.endsWith("gate") ? 1 : tape.limit(name);
    grid(name, tape.names[name] + "\nunit ↓ step →", tape.panel(name), limit, 12);
  }
  for (const head of tape.heads(model.get("read_head"))) {
    grid(`${head.which} ${head.head}`, head.name + "\nslot ↓ step →", tape.path(head), 1, 12, (row) => tape.slots[row]);
    if (head.which === "write" && tape.numbers.add_gate) list.push(gatePanel(c, tape, head.head, pick));
  }
  shown("outputs", "output");
  return list;
}

/** Bars over time: how much of each word the add gate lets in. */
function gatePanel(c, tape, head, pick) {
  const { shape, values } = tape.numbers.add_gate;
  const of = (step) => values[step * shape[1] + head];
  const draw = (box) => {
    const wide = box.width / tape.steps;
    c.pen.fillStyle = `rgb(${c.theme.positive.join(",")})`;
    for (let step = 0; step < tape.steps; step++) {
      const high = (Number.isFinite(of(step)) ? of(step) : 0) * box.height;
      c.pen.fillRect(box.x + step * wide + wide * 0.1, box.y + box.height - high, wide * 0.8, high);
    }
    c.box(box.x, box.y, box.width, box.height);
    c.regions.push({ ...box, rows: 1, columns: tape.steps, pick, tell: (_, step) => `add gate f, step ${step}: ${formatLong(of(step))}` });
  };
  return { title: "f add gate\nfrom 0 to 1", height: 30, draw };
}

function overTime(c, tape, model) {
  const [x, width] = [GUTTER, c.width - GUTTER - 4];
  const top = 14;
  let y = top;
  for (const { title, height, draw } of panels(c, tape, model, width)) {
    const [name, more] = title.split("\n");
    const middle = y + height / 2 - (more && height > 24 ? 7 : 0);
    c.text(0, middle, name, { bold: true, fit: GUTTER - 8 });
    if (more && height > 24) c.text(0, middle + 14, more, { size: 10, color: c.theme.soft });
    draw({ x, y, width, height });
    y += height + 6;
  }
  timeAxis(c, x, y - 4, width, tape.steps);
  c.text(0, y + 4, "step", { size: 10, color: c.theme.soft });
  markStep(c, x, width, top, y - 6, model.get("step"), tape.steps);
  return y + 18;
}

/** Frame the step shown, through all panels, with an arrow above. */
function markStep(c, x, width, top, bottom, step, steps) {
  const column = width / steps;
  const left = x + step * column;
  c.box(left - 1, top - 2, column + 2, bottom - top + 4, { color: c.theme.accent, thick: 2 });
  const center = left + column / 2;
  c.pen.fillStyle = c.theme.accent;
  c.pen.beginPath();
  c.pen.moveTo(center - 6, 1);
  c.pen.lineTo(center + 6, 1);
  c.pen.lineTo(center, 10);
  c.pen.fill();
}

// --- At this step -------------------------------------------------------------------------------------

function slotRows(c, x, y, high, slots) {
  const every = Math.ceil(9 / high);
  slots.forEach((slot, row) => {
    if (row % every) return;
    c.text(x, y + (row + 0.5) * high, slot, { align: "right", size: 11, color: c.theme.soft });
  });
}

/** Memory before and after, the write between them, the read beside. */
function memoryStep(c, tape, model, top) {
  const step = model.get("step");
  const before = tape.before(step);
  const after = at(tape.numbers.memory_after, step);
  const [slots, columns] = after.shape;
  const high = Math.max(3, Math.min(22, 400 / slots));
  const heads = tape.heads(model.get("read_head"));
  const bar = heads.length > 2 ? 64 : 92;
  const writes = heads.filter(({ which }) => which === "write");
  const reads = heads.filter(({ which }) => which === "read");
  const wide = (c.width - LEFT - heads.length * (bar + GAP) - GAP * 2 - 4) / 2;
  const vectors = Math.max(writes.length, 1) * 18;
  const y = top + 34 + vectors;
  const height = slots * high;
  const limit = tape.limit("memory_after");
  let x = LEFT;
  slotRows(c, x - 5, y, high, tape.slots);
  c.text(0, y - 8, "slot", { size: 10, color: c.theme.soft });
  for (const head of writes) x = weighting(c, tape, head, step, { x, y, width: bar, height });
  const grids = { y, width: wide, height };
  memoryGrid(c, tape, "memory_before", before, { ...grids, x }, limit, "memory before");
  vectorRows(c, tape, "erase_vector", step, { x, y: top + 28, width: wide }, "erase e");
  x += wide + GAP;
  const marked = (row, column) => Math.abs(after.values[row * columns + column] - before.values[row * columns + column]) > CHANGED;
  memoryGrid(c, tape, "memory_after", after, { ...grids, x }, limit, "memory after", marked);
  vectorRows(c, tape, "add_vector", step, { x, y: top + 28, width: wide }, "add a");
  const bottom = readRows(c, tape, reads, step, { x, y: y + height + 6, width: wide }, limit);
  x += wide + GAP;
  for (const head of reads) x = weighting(c, tape, head, step, { x, y, width: bar, height });
  const below = Math.max(bottom, y + height + 8);
  const legend = `Deeper colour = larger · orange with a dash = below 0 · framed = changed by more than ${CHANGED} in this step`;
  const lines = c.paragraph(0, below + 6, `${model.get("note")} ${legend}`.trim(), { size: 11, color: c.theme.soft, fit: c.width });
  return headNumbers(c, tape, heads, step, below + 9 + 15 * lines);
}

function weighting(c, tape, { which, head, name }, step, box) {
  const weights = at(tape.numbers[`${which}.weights`], step, head);
  c.text(box.x, box.y - 24, name, { bold: true, size: 11, fit: box.width + 6 });
  c.text(box.x, box.y - 9, "weighting w", { size: 10, color: c.theme.soft, fit: box.width });
  const tell = (row) => `${name}, slot ${tape.slots[row]}: w = ${formatLong(weights.values[row])}`;
  c.bars(box, weights, { name: `${which}.weights ${head}`, tell });
  return box.x + box.width + GAP;
}

function memoryGrid(c, tape, name, memory, box, limit, title, marked) {
  const columns = memory.shape[1];
  c.text(box.x, box.y - 9, box.width > 260 ? `${title}, ${columns} numbers a slot` : title, { bold: true, size: 11, fit: box.width });
  const tell = (row, column) => `${title}, slot ${tape.slots[row]}, number ${column}: ${formatLong(memory.values[row * columns + column])}`;
  c.cells(box, memory, { name, limit, tell, marked });
}

function vectorRows(c, tape, name, step, { x, y, width }, title) {
  const vectors = at(tape.numbers[name], step);
  if (!vectors) return;
  const count = vectors.shape[0];
  for (let head = 0; head < count; head++) {
    const vector = at(vectors, head);
    const row = { shape: [1, vector.values.length], values: vector.values };
    const words = count > 1 ? `${title} of head ${head}` : title;
    c.text(x, y - 21, title, { bold: true, size: 11 });
    const tell = (_, column) => `${words}, number ${column}: ${formatLong(row.values[column])}`;
    const limit = name === "erase_vector" ? 1 : tape.limit(name);
    c.cells({ x, y: y - 13 + head * 18, width, height: 16 }, row, { name: `${name} ${head}`, limit, tell });
  }
}

function readRows(c, tape, heads, step, { x, y, width }, limit) {
  if (!tape.numbers.reads) return y;
  for (const { head, name } of heads) {
    const vector = at(tape.numbers.reads, step, head);
    const row = { shape: [1, vector.values.length], values: vector.values };
    const tell = (_, column) => `${name} reads, number ${column}: ${formatLong(row.values[column])}`;
    c.cells({ x, y, width, height: 16 }, row, { name: `reads ${head}`, limit, tell });
    c.text(x + width + GAP, y + 8, heads.length > 1 ? `r of ${name}` : "r, what was read", { bold: true, size: 11 });
    y += 18;
  }
  return y + 6;
}

const SCALARS = [
  ["key_strength", "β key strength"],
  ["gate", "g gate"],
  ["shift", "s(−1) · s(0) · s(+1)"],
  ["sharpening", "γ sharpening"],
  ["add_gate", "f add gate"],
];

/** One of a head's scalars at a step, as a list; empty where the head has none. */
function scalar(tape, { which, head }, field, step) {
  const name = field === "add_gate" && which === "write" ? field : `${which}.${field}`;
  const now = at(tape.numbers[name], step);
  if (!now) return [];
  if (now.shape.length > 1) return at(now, head).values;
  const own = Math.min(head, now.values.length - 1); // one for all heads, or one each
  return now.values.subarray(own, own + 1);
}

/** A table of the heads' scalars, one row a head. */
function headNumbers(c, tape, heads, step, y) {
  const has = (field) => heads.some((head) => scalar(tape, head, field, step).length);
  const columns = SCALARS.filter(([field]) => has(field));
  const wide = (c.width - GUTTER) / Math.max(columns.length, 1);
  const x = (index) => GUTTER + index * wide;
  columns.forEach(([, title], index) => {
    c.text(x(index), y + 6, title, { size: 11, color: c.theme.soft, fit: wide - 6 });
  });
  heads.forEach((head, row) => {
    const middle = y + 24 + row * 18;
    c.text(0, middle, head.name, { bold: true, fit: GUTTER - 6 });
    columns.forEach(([field], index) => {
      const values = scalar(tape, head, field, step);
      const words = Array.from(values, (value) => format(value)).join(" · ") || "–";
      c.text(x(index), middle, words, { fit: wide - 6 });
      if (values.length) c.drawn[`${head.which}.${field} ${head.head}`] = values;
    });
  });
  return y + 24 + heads.length * 18;
}

/** A machine without memory: each unit's gates and state at this step. */
function unitStep(c, tape, model, top) {
  const step = model.get("step");
  const names = Object.keys(tape.names);
  const [x, width] = [GUTTER, c.width - GUTTER - 4];
  c.text(0, top + 10, `step ${step}, unit by unit`, { bold: true });
  let y = top + 24;
  for (const name of names) {
    const { values } = at(tape.numbers[name], step);
    const row = { shape: [1, values.length], values };
    const limit = name.endsWith("gate") ? 1 : tape.limit(name);
    const tell = (_, unit) => `${tape.names[name]}, unit ${unit}: ${formatLong(values[unit])}`;
    c.text(0, y + 10, tape.names[name], { fit: GUTTER - 6 });
    c.cells({ x, y, width, height: 20 }, row, { name, limit, tell });
    y += 24;
  }
  const units = at(tape.numbers[names[0]], step).values.length;
  timeAxis(c, x, y - 4, width, units);
  c.text(0, y + 4, "unit", { size: 10, color: c.theme.soft });
  return y + 16;
}

// --- The widget ---------------------------------------------------------------------------------------

function go(model, step) {
  const wanted = Math.min(Math.max(step, 0), model.get("steps") - 1);
  if (wanted === model.get("step")) return;
  model.set("step", wanted);
  model.save_changes();
}

function summary(tape, model) {
  const step = model.get("step");
  const parts = [`step ${step} of 0 to ${tape.steps - 1}`];
  for (const name of ["inputs", "outputs"]) {
    if (tape.labels[name]) parts.push(`${name.slice(0, -1)} ${tape.labels[name][step]}`);
  }
  for (const head of tape.heads(model.get("read_head"))) {
    const { values } = at(tape.numbers[`${head.which}.weights`], step, head.head);
    const most = values.reduce((best, value, slot) => (value > values[best] ? slot : best), 0);
    parts.push(`${head.name} mostly at slot ${tape.slots[most]}, ${format(values[most])}`);
  }
  return parts.join("; ");
}

/** Buttons, slider and the choice of speed; returns what stops the playing. */
function controls(bar, model) {
  const button = (text, label, action) => {
    const made = make(bar, "button", "", text);
    made.setAttribute("aria-label", label);
    made.title = label;
    made.addEventListener("click", action);
    return made;
  };
  const move = (by) => go(model, model.get("step") + by);
  let timer;
  const play = () => {
    if (timer) return stop();
    if (model.get("step") === model.get("steps") - 1) go(model, 0);
    timer = setInterval(() => (model.get("step") < model.get("steps") - 1 ? move(1) : stop()), Number(speed.value));
    player.textContent = "❚❚ pause";
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    player.textContent = "▶ play";
  };
  button("|◀", "first step", () => go(model, 0));
  button("◀", "one step back", () => move(-1));
  const player = button("▶ play", "play or pause (space)", play);
  button("▶", "one step on", () => move(1));
  button("▶|", "last step", () => go(model, Infinity));
  const slider = make(bar, "input");
  Object.assign(slider, { type: "range", min: 0, max: model.get("steps") - 1, step: 1 });
  slider.setAttribute("aria-label", "step");
  slider.addEventListener("input", () => go(model, Number(slider.value)));
  const said = make(bar, "output");
  const speed = make(bar, "select");
  speed.setAttribute("aria-label", "speed of playing");
  for (const [words, pause] of [["slow", 1000], ["medium", 400], ["fast", 100]]) speed.add(new Option(words, pause));
  speed.value = "400";
  speed.addEventListener("change", () => timer && (stop(), play()));
  const update = () => {
    slider.value = model.get("step");
    said.textContent = `step ${model.get("step")} of 0–${model.get("steps") - 1}`;
  };
  update();
  const keys = {
    ArrowLeft: () => move(-1), ArrowRight: () => move(1), ArrowDown: () => move(-1), ArrowUp: () => move(1),
    PageUp: () => move(10), PageDown: () => move(-10), Home: () => go(model, 0), End: () => go(model, Infinity), " ": play,
  };
  return { update, stop, keys };
}

function chooseHead(bar, model, tape) {
  const count = tape.numbers["read.weights"]?.shape[1] ?? 0;
  if (count <= 3) return () => {};
  const label = make(bar, "label", "", "read head ");
  const select = make(label, "select");
  select.setAttribute("aria-label", "which read head is drawn");
  for (let head = 0; head < count; head++) select.add(new Option(`${head} of 0–${count - 1}`, head));
  select.addEventListener("change", () => {
    model.set("read_head", Number(select.value));
    model.save_changes();
  });
  const update = () => (select.value = model.get("read_head"));
  update();
  return update;
}

function render({ model, el }) {
  const root = makeRoot(el, "tape stepper");
  if (model.get("title")) make(root, "strong", "", model.get("title"));
  const stopProblems = showProblems(root, model);
  const bar = make(root, "div", "toolbar");
  let tape = new Tape(model);
  const { update, stop, keys } = controls(bar, model);
  const updateHead = chooseHead(bar, model, tape);
  make(bar, "span", "hint", "keys: ← → step, home, end, space plays; click a column");
  const canvas = new Canvas(root, (c) => {
    const bottom = overTime(c, tape, model);
    const draw = tape.numbers.memory_after ? memoryStep : unitStep;
    return draw(c, tape, model, bottom + 6) + 4;
  });
  canvas.element.tabIndex = 0;
  bindKeys(root, keys);
  const redraw = () => {
    update();
    updateHead();
    canvas.now();
    canvas.say(summary(tape, model));
  };
  const reload = () => {
    tape = new Tape(model);
    canvas.images.clear();
    redraw();
  };
  model.on("change:step", redraw);
  model.on("change:read_head", redraw);
  model.on("change:numbers", reload);
  canvas.later();
  canvas.say(summary(tape, model));
  return () => {
    stop();
    stopProblems();
    canvas.stop();
    model.off("change:step", redraw);
    model.off("change:read_head", redraw);
    model.off("change:numbers", reload);
  };
}

export default { render };
