// The addressing playground: memory and key at the left, then each stage from w(t−1) to w.
import { Canvas, askForKernel, format, formatLong, largest, make, makeLive, makeRoot, nameSliders, readNumbers, showProblems } from "./shared.js";
import { Editors } from "./editing.js";

const GAP = 24; // between stages, with room for the slots' numbers
const LEFT = 24; // room for the slots' numbers
const HEAD = 78; // room for a stage's name and equation
const STAGES = [
  { name: "previous", symbol: "w(t−1)", does: "where the head was before", by: () => "" },
  { name: "content", symbol: "wᶜ", does: "softmax( β cos(k, M) )", by: (n) => `β = ${formatLong(n.key_strength.values[0])}` },
  { name: "interpolated", symbol: "wᵍ", does: "g wᶜ + (1−g) w(t−1)", by: (n) => `g = ${formatLong(n.gate.values[0])}` },
  { name: "shifted", symbol: "w̃", does: "Σⱼ wᵍ(j) s(i−j)", by: (n) => tellShift(n.shift.values) },
  { name: "weights", symbol: "w", does: "w̃^γ / Σ w̃^γ", by: (n) => `γ = ${formatLong(n.sharpening.values[0])}` },
];

/** The three shares in three digits each, for the room there is; their boxes have them all. */
function tellShift(shares) {
  const short = Array.from(shares, (share) => Number(share.toPrecision(3)));
  const same = short.every((share, index) => Math.abs(share - shares[index]) < 1e-6);
  return `s ${same ? "=" : "≈"} ${short.join(" · ")}`;
}

function drawMemory(c, numbers, editors, { x, y, width, height }) {
  const { memory, key } = numbers;
  const [slots, columns] = memory.shape;
  const limit = largest([...memory.values, ...key.values]);
  const nameKey = (_, column) => `key k, number ${column}`;
  const nameCell = (slot, column) => `memory M, slot ${slot}, number ${column}`;
  const tellKey = (_, column) => `${nameKey(0, column)}: ${formatLong(key.values[column])}`;
  c.text(x, 10, "key k", { bold: true });
  c.cells({ x, y: 20, width, height: 22 }, key, { name: "key", limit, tell: tellKey });
  c.text(x, y - 9, "memory M", { bold: true, fit: width });
  const tell = (slot, column) => `${nameCell(slot, column)}: ${formatLong(memory.values[slot * columns + column])}`;
  c.cells({ x, y, width, height }, memory, { name: "memory", limit, tell });
  if (!editors) return;
  editors.place("key", { x, y: 20, width, height: 22 }, key, "key k", nameKey);
  editors.place("memory", { x, y, width, height }, memory, `memory M, ${slots} slots`, nameCell);
}

/** How alike each slot and the key are, as the kernel computed it. */
function drawCosine(c, { cosine }, { x, y, width, height }) {
  const high = height / cosine.values.length;
  c.text(x, y - 9, "cos(k, M)", { size: 11, fit: width + 8 });
  c.drawn.cosine = cosine.values;
  const tell = (slot) => `cosine of the key and slot ${slot}: ${formatLong(cosine.values[slot])}`;
  c.regions.push({ x, y, width, height, rows: cosine.values.length, columns: 1, tell });
  if (high < 11) return;
  cosine.values.forEach((value, slot) => {
    c.text(x + width - 6, y + (slot + 0.5) * high, format(value), { align: "right", size: Math.min(12, high) });
  });
}

/** The equation of the stage that was changed last stands on a bar of the accent's colour. */
function drawEquation(c, stage, numbers, lit, { x, top, width, height }) {
  c.text(x, top + 12, stage.symbol, { bold: true, size: 16 });
  if (lit) {
    c.box(x - 18, top + 2, width + 23, HEAD + height + 24, { color: c.theme.accent, thick: 2.5 });
    c.text(x + width, top + 12, "changed", { size: 11, align: "right", bold: true });
    c.pen.fillStyle = c.theme.accent;
    c.pen.fillRect(x - 18, top + 23, width + 23, 40);
  }
  const ink = lit ? { color: c.theme.dark ? "#111111" : "#ffffff", bold: true } : {};
  c.text(x, top + 34, stage.does, { size: 11, fit: width + 4, ...ink });
  c.text(x, top + 52, stage.by(numbers), { size: 11, color: c.theme.soft, fit: width + 4, ...ink });
}

/** Where the bars should end: a dashed frame a slot. */
function drawTarget(c, { target }, { x, y, width, height }) {
  const high = height / target.values.length;
  const unit = width - (high >= 11 ? 44 : 0); // as long as a bar of 1
  target.values.forEach((value, slot) => {
    if (value < 0.005) return;
    c.box(x, y + slot * high + 1.5, value * unit, high - 3, { color: c.theme.accent, thick: 2, dash: [4, 3] });
  });
  c.keep("target", target);
}

function drawStage(c, numbers, stage, index, { lit, editors }, { x, y, width, height }) {
  const stageNumbers = numbers[stage.name];
  const { values } = stageNumbers;
  drawEquation(c, stage, numbers, stage.name === lit, { x, top: y - HEAD, width, height });
  slotNumbers(c, x - 4, y, height / values.length, values.length);
  const strong = values.indexOf(Math.max(...values));
  const tell = (slot) => `${stage.symbol}, slot ${slot}: ${formatLong(values[slot])}`;
  c.bars({ x, y, width, height }, stageNumbers, { name: stage.name, tell, strong });
  if (stage.name === "weights" && numbers.target) {
    drawTarget(c, numbers, { x, y, width, height });
    c.text(x + width, y + height + 14, "dashed: target", { size: 11, align: "right", fit: width - 60 });
  }
  if (stage.name === "previous" && editors) {
    editors.choose("previous", { x, y, width, height }, values, "w(t−1): put the head on a slot");
    c.text(x, y - HEAD + 52, "click a slot to move it", { size: 11, color: c.theme.soft, fit: width + 4 });
  }
  const sum = numbers.sums.values[index];
  c.text(x, y + height + 14, `sum ${format(sum, 3)}`, { size: 12 });
}

function slotNumbers(c, x, y, high, slots) {
  for (let slot = 0; slot < slots && high >= 9; slot++) {
    c.text(x, y + (slot + 0.5) * high, slot, { align: "right", size: 11, color: c.theme.soft });
  }
}

/** How many stages stand beside the memory, and in each row below it, for the width there is. */
function rowsOf(width) {
  if (width < 560) return [0, 2, 2, 1];
  return width < 860 ? [2, 3] : [5];
}

/** The memory and the stages, in as many rows as the width asks for. */
function draw(c, model, everyEditor) {
  const numbers = readNumbers(model);
  if (!numbers.memory) return 20;
  const editors = model.get("editable") ? everyEditor : undefined;
  everyEditor.begin();
  const [slots, columns] = numbers.memory.shape;
  const high = Math.max(3, Math.min(26, 440 / slots));
  const [y, height] = [HEAD, slots * high];
  const rows = rowsOf(c.width);
  const grid = Math.min(columns * 44, c.width * { 1: 0.26, 2: 0.36, 4: 0.7 }[rows.length]);
  drawMemory(c, numbers, editors, { x: LEFT, y, width: grid, height });
  slotNumbers(c, LEFT - 9, y, high, slots);
  drawCosine(c, numbers, { x: LEFT + grid + 8, y, width: 58, height });
  const start = LEFT + grid + 66 + GAP;
  const down = height + 32 + HEAD; // from a row to the next
  let index = 0;
  rows.forEach((count, row) => {
    const x = row ? LEFT : start;
    const wide = (c.width - x - 8 - GAP * (count - 1)) / count;
    for (let column = 0; column < count; column++, index++) {
      const place = { x: x + column * (wide + GAP), y: y + row * down, width: wide, height };
      drawStage(c, numbers, STAGES[index], index, { lit: model.get("lit"), editors }, place);
    }
  });
  c.drawn.sums = numbers.sums.values;
  everyEditor.finish();
  return y + (rows.length - 1) * down + height + 32;
}

function summary(model) {
  const numbers = readNumbers(model);
  if (!numbers.memory) return "addressing playground";
  const parts = STAGES.map(({ name }) => {
    const { values } = numbers[name];
    const most = values.indexOf(Math.max(...values));
    return most < 0 ? `${name} not finite` : `${name} mostly at slot ${most}, ${format(values[most])}`;
  });
  return `stages of addressing over ${numbers.memory.shape[0]} slots: ${parts.join("; ")}`;
}

/** Show the lines of the challenge above the canvas; they are read aloud when they change. */
function showStatus(root, model) {
  const place = make(root, "div", "challenge-status");
  place.setAttribute("role", "status");
  const update = () => {
    const lines = model.get("status") ?? [];
    place.hidden = !lines.length;
    place.classList.toggle("won", Boolean(model.get("won")));
    place.replaceChildren();
    for (const words of lines) make(place, "p", "", words);
  };
  model.on("change:status", update);
  update();
  return () => model.off("change:status", update);
}

function hintAt(root, model) {
  const words =
    "To change a number of k or M, click it and type, or drag it up and down. " +
    "Keys: Tab to the grid, arrows to a number, then type; Page Up and Page Down change it by 0.1.";
  const place = make(root, "div", "toolbar");
  make(place, "span", "hint", words);
  const update = () => (place.hidden = !model.get("editable"));
  model.on("change:editable", update);
  update();
  return () => model.off("change:editable", update);
}

function render({ model, el }) {
  const root = makeRoot(el, "addressing playground");
  const stops = [showProblems(root, model)];
  const live = makeLive(root);
  stops.push(askForKernel(root, model, live), showStatus(live, model));
  const canvas = new Canvas(live, (c) => {
    nameSliders(root); // another level of the challenge has others
    return draw(c, model, editors);
  });
  const editors = new Editors(root, canvas, model);
  stops.push(hintAt(live, model));
  const redraw = () => {
    canvas.now();
    canvas.say(summary(model));
  };
  model.on("change:numbers", redraw);
  model.on("change:lit", redraw);
  canvas.later();
  canvas.say(summary(model));
  return () => {
    stops.forEach((stop) => stop());
    editors.stop();
    canvas.stop();
    model.off("change:numbers", redraw);
    model.off("change:lit", redraw);
  };
}

export default { render };
