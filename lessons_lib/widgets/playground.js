// The addressing playground: memory and key at the left, then each stage from w(t−1) to w.
import { Canvas, askForKernel, format, formatLong, largest, makeRoot, readNumbers, showProblems } from "./shared.js";

const GAP = 16;
const LEFT = 24; // room for the slots' numbers
const HEAD = 78; // room for a stage's name and equation
const STAGES = [
  { name: "previous", symbol: "w(t−1)", does: "where the head was before", by: () => "" },
  { name: "content", symbol: "wᶜ", does: "softmax( β cos(k, M) )", by: (n) => `β = ${format(n.key_strength.values[0])}` },
  { name: "interpolated", symbol: "wᵍ", does: "g wᶜ + (1−g) w(t−1)", by: (n) => `g = ${format(n.gate.values[0])}` },
  { name: "shifted", symbol: "w̃", does: "Σⱼ wᵍ(j) s(i−j)", by: (n) => `s = ${Array.from(n.shift.values, (value) => format(value)).join(" · ")}` },
  { name: "weights", symbol: "w", does: "w̃^γ / Σ w̃^γ", by: (n) => `γ = ${format(n.sharpening.values[0])}` },
];

function drawMemory(c, numbers, { x, y, width, height }) {
  const { memory, key } = numbers;
  const [slots, columns] = memory.shape;
  const limit = largest([...memory.values, ...key.values]);
  const tellKey = (_, column) => `key, number ${column}: ${formatLong(key.values[column])}`;
  c.text(x, 10, "key k", { bold: true });
  c.cells({ x, y: 20, width, height: 22 }, key, { name: "key", limit, tell: tellKey });
  c.text(x, y - 9, "memory M", { bold: true, fit: width });
  const tell = (slot, column) => `slot ${slot}, number ${column}: ${formatLong(memory.values[slot * columns + column])}`;
  c.cells({ x, y, width, height }, memory, { name: "memory", limit, tell });
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

function drawStage(c, numbers, stage, index, lit, { x, y, width, height }) {
  const stageNumbers = numbers[stage.name];
  const { values } = stageNumbers;
  const top = y - HEAD;
  if (stage.name === lit) {
    c.box(x - 5, top + 2, width + 10, HEAD + height + 24, { color: c.theme.accent, thick: 2.5 });
    c.text(x + width, top + 12, "changed", { size: 10, align: "right", color: c.theme.accent, bold: true });
  }
  c.text(x, top + 12, stage.symbol, { bold: true, size: 16 });
  c.text(x, top + 34, stage.does, { size: 11, fit: width + 6 });
  c.text(x, top + 52, stage.by(numbers), { size: 11, color: c.theme.soft, fit: width + 6 });
  const strong = values.indexOf(Math.max(...values));
  const tell = (slot) => `${stage.symbol}, slot ${slot}: ${formatLong(values[slot])}`;
  c.bars({ x, y, width, height }, stageNumbers, { name: stage.name, tell, strong });
  const sum = numbers.sums.values[index];
  c.text(x, y + height + 14, `sum ${format(sum, 3)}`, { size: 12 });
}

function slotNumbers(c, y, high, slots) {
  for (let slot = 0; slot < slots && high >= 9; slot++) {
    c.text(15, y + (slot + 0.5) * high, slot, { align: "right", size: 11, color: c.theme.soft });
  }
}

/** One row of stages, or two where the page is narrow. */
function draw(c, model) {
  const numbers = readNumbers(model);
  if (!numbers.memory) return 20;
  const [slots, columns] = numbers.memory.shape;
  const high = Math.max(3, Math.min(26, 440 / slots));
  const [y, height] = [HEAD, slots * high];
  const narrow = c.width < 860;
  const grid = Math.min(columns * 44, c.width * (narrow ? 0.36 : 0.26));
  drawMemory(c, numbers, { x: LEFT, y, width: grid, height });
  slotNumbers(c, y, high, slots);
  drawCosine(c, numbers, { x: LEFT + grid + 8, y, width: 58, height });
  const start = LEFT + grid + 66 + GAP;
  const first = narrow ? 2 : 5; // how many stages stand beside the memory
  const rows = [{ from: 0, to: first, x: start, y }];
  if (narrow) rows.push({ from: first, to: 5, x: LEFT, y: y + height + 32 + HEAD });
  for (const row of rows) {
    const count = row.to - row.from;
    const wide = (c.width - row.x - 8 - GAP * (count - 1)) / count;
    for (let index = row.from; index < row.to; index++) {
      const x = row.x + (index - row.from) * (wide + GAP);
      drawStage(c, numbers, STAGES[index], index, model.get("lit"), { x, y: row.y, width: wide, height });
    }
    slotNumbers(c, row.y, high, slots);
  }
  c.drawn.sums = numbers.sums.values;
  return rows.at(-1).y + height + 32;
}

function summary(model) {
  const numbers = readNumbers(model);
  if (!numbers.memory) return "addressing playground";
  const parts = STAGES.map(({ name }) => {
    const { values } = numbers[name];
    const most = values.indexOf(Math.max(...values));
    return `${name} mostly at slot ${most}, ${format(values[most])}`;
  });
  return `stages of addressing over ${numbers.memory.shape[0]} slots: ${parts.join("; ")}`;
}

function render({ model, el }) {
  const root = makeRoot(el, "addressing playground");
  const stopProblems = showProblems(root, model);
  const stopAsking = askForKernel(root, model);
  const canvas = new Canvas(root, (c) => draw(c, model));
  const redraw = () => {
    canvas.now();
    canvas.say(summary(model));
  };
  model.on("change:numbers", redraw);
  model.on("change:lit", redraw);
  canvas.later();
  canvas.say(summary(model));
  return () => {
    stopProblems();
    stopAsking();
    canvas.stop();
    model.off("change:numbers", redraw);
    model.off("change:lit", redraw);
  };
}

export default { render };
