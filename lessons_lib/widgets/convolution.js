// The convolution stepper: the kernel on the memory, the product, the score, and the pointers.
import { Canvas, askForKernel, at, bindKeys, format, formatLong, largest, make, makeRoot, readNumbers, showProblems } from "./shared.js";

const GAP = 14;
const TOP = 54;
const LEFT = 24; // room for the slots' numbers

function header(c, x, title, does, width, top = 0) {
  c.text(x, top + 10, title, { bold: true, size: 13, fit: width + 8 });
  c.text(x, top + 28, does, { size: 11, color: c.theme.soft, fit: width + 10 });
}

function slotNumbers(c, x, y, high, slots, position) {
  for (let slot = 0; slot < slots && high >= 9; slot++) {
    const bold = slot === position;
    c.text(x, y + (slot + 0.5) * high, slot, { align: "right", size: 11, bold, color: bold ? c.theme.ink : c.theme.soft });
  }
}

/** The memory with a dashed row of zeros beyond each end, and the kernel's window framed. */
function drawMemory(c, n, position, go, { x, y, width, high }) {
  const [slots, columns] = n.memory.shape;
  const half = (n.kernel.shape[0] - 1) / 2;
  header(c, x, "memory S", "framed: what K sees", width);
  const limit = largest(n.memory.values, 0.1);
  const tell = (slot, column) => `slot ${slot}, number ${column}: ${formatLong(n.memory.values[slot * columns + column])}`;
  c.cells({ x, y, width, height: slots * high }, n.memory, { name: "memory", limit, tell, pick: (slot) => go(slot) });
  for (let beyond = 1; beyond <= half; beyond++) {
    for (const row of [-beyond, slots + beyond - 1]) {
      c.box(x, y + row * high, width, high, { dash: [3, 3] });
      c.text(x + width / 2, y + (row + 0.5) * high, "0 beyond the end", { align: "center", size: 10, color: c.theme.soft, fit: width });
    }
  }
  const top = y + (position - half) * high;
  c.box(x - 3, top, width + 6, (2 * half + 1) * high, { color: c.theme.accent, thick: 3 });
  slotNumbers(c, x - 6, y, high, slots, position);
}

/** The kernel, and the product with what lies under it; their sum is the slot's score. */
function drawProduct(c, n, position, { x, width, y, high }) {
  const [size, columns] = n.kernel.shape;
  const half = (size - 1) / 2;
  const height = size * high;
  header(c, x, "kernel K", "a row an offset", width);
  const tell = (row, column) => `kernel, offset ${row - half}, number ${column}: ${formatLong(n.kernel.values[row * columns + column])}`;
  c.cells({ x, y, width, height }, n.kernel, { name: "kernel", tell });
  for (let row = 0; row < size && high >= 9; row++) {
    const offset = row - half;
    c.text(x - 4, y + (row + 0.5) * high, offset > 0 ? `+${offset}` : format(offset, 0), { align: "right", size: 10, color: c.theme.soft });
  }
  const below = y + height + 44;
  const product = at(n.products, position);
  c.text(x, below - 22, "S × K, cell by cell", { bold: true, size: 13, fit: width + 8 });
  c.text(x, below - 8, `at slot ${position}`, { size: 11, color: c.theme.soft });
  const tellProduct = (row, column) => `product, offset ${row - half}, number ${column}: ${formatLong(product.values[row * columns + column])}`;
  c.cells({ x, y: below, width, height }, product, { name: "product", limit: largest(n.products.values), tell: tellProduct });
  const score = n.scores.values[position];
  c.text(x, below + height + 16, `sum = score of slot ${position}`, { size: 12, fit: width + 10 });
  c.text(x, below + height + 34, format(score, 4), { bold: true, size: 15 });
  return below + height + 46;
}

function drawColumn(c, values, title, does, name, limit, position, go, { x, y, width, high }, top = 0) {
  header(c, x, title, does, width, top);
  const tell = (slot) => `${title}, slot ${slot}: ${formatLong(values[slot])}`;
  c.bars({ x, y, width, height: values.length * high }, { values }, { name, limit, tell, strong: position, pick: (slot) => go(slot) });
}

function drawWrite(c, n, position, go) {
  const [slots, columns] = n.memory.shape;
  const half = (n.kernel.shape[0] - 1) / 2;
  const narrow = c.width < 860;
  const high = Math.max(4, Math.min(24, 360 / slots));
  let y = TOP + half * high;
  const grid = Math.min(columns * (narrow ? 56 : 44), c.width * (narrow ? 0.42 : 0.24));
  drawMemory(c, n, position, go, { x: LEFT, y, width: grid, high });
  let x = LEFT + grid + GAP + 22;
  let low = drawProduct(c, n, position, { x, width: grid, y: TOP, high: Math.max(high, 8) });
  low = Math.max(low, y + (slots + half) * high + 10);
  x += grid + 2 * GAP;
  if (narrow) [x, y] = [LEFT, low + TOP];
  const wide = (c.width - x - 6 - 2 * GAP) / 3;
  const place = (index) => ({ x: x + index * (wide + GAP), y, width: wide, high });
  const top = narrow ? low : 0;
  const gamma = format(n.sharpening.values[0]);
  drawColumn(c, n.scores.values, "scores", "one a slot (eq. 6)", "scores", largest(n.scores.values), position, go, place(0), top);
  drawColumn(c, n.global_map.values, "softmax", "now sum 1 (eq. 7)", "global_map", 1, position, go, place(1), top);
  drawColumn(c, n.weights.values, "w write", `focus, γ = ${gamma} (eq. 8)`, "weights", 1, position, go, place(2), top);
  if (narrow) slotNumbers(c, x - 6, y, high, slots, position);
  c.box(x - 5, y + position * high, c.width - x + 2, high, { color: c.theme.accent, thick: 2 });
  return Math.max(low, y + slots * high + 10);
}

/** Each read pointer: what the key finds, the gate, the map, and their blend. */
function drawReads(c, n, position, go, top) {
  const [maps, slots] = n.read_maps.shape;
  const high = Math.max(3, Math.min(20, 260 / slots));
  const perRow = c.width < 900 ? 1 : 2;
  const block = c.width / perRow;
  const tall = slots * high + 74;
  const words = "Reading: what the key finds (wᶜ) and each kernel's own map (wˡ), blended by a gate (eqs. 9–10)";
  top += 18 * (c.paragraph(0, top + 10, words, { bold: true, size: 13, fit: c.width }) - 1);
  for (let map = 0; map < maps; map++) {
    const left = LEFT + (map % perRow) * block;
    const upper = top + 24 + Math.floor(map / perRow) * tall;
    const wide = (block - LEFT - 12 - 2 * GAP) / 3;
    const place = (index) => ({ x: left + index * (wide + GAP), y: upper + 42, width: wide, high });
    const gate = n.gates.values[map];
    const shown = { content: n.content.values, map: at(n.read_maps, map).values, read: at(n.read_weights, map).values };
    drawColumn(c, shown.content, "wᶜ", "what the key finds", `content ${map}`, 1, position, go, place(0), upper);
    drawColumn(c, shown.map, `wˡ(${map})`, "what the kernel sees", `read_map ${map}`, 1, position, go, place(1), upper);
    drawColumn(c, shown.read, `w read ${map}`, `g wᶜ + (1−g) wˡ, g = ${format(gate)}`, `read_weights ${map}`, 1, position, go, place(2), upper);
    slotNumbers(c, left - 6, upper + 42, high, slots, position);
  }
  return top + 24 + Math.ceil(maps / perRow) * tall;
}

function controls(bar, model, go) {
  make(bar, "label", "", "slot under the kernel");
  const slider = make(bar, "input");
  Object.assign(slider, { type: "range", min: 0, max: model.get("slots") - 1, step: 1 });
  slider.setAttribute("aria-label", "slot under the kernel");
  slider.addEventListener("input", () => go(Number(slider.value)));
  const said = make(bar, "output");
  make(bar, "span", "hint", "keys: ↑ ↓ or ← →, home, end; click a slot");
  return () => {
    slider.value = model.get("position");
    said.textContent = `slot ${model.get("position")} of 0–${model.get("slots") - 1}`;
  };
}

function summary(model) {
  const n = readNumbers(model);
  if (!n.scores) return "convolution stepper";
  const position = model.get("position");
  const numbers = [n.scores, n.global_map, n.weights].map(({ values }) => format(values[position], 3));
  return `kernel at slot ${position}: score ${numbers[0]}, softmax ${numbers[1]}, write weight ${numbers[2]}`;
}

function render({ model, el }) {
  const root = makeRoot(el, "convolution stepper");
  const stopProblems = showProblems(root, model);
  const stopAsking = askForKernel(root, model);
  const go = (slot) => {
    model.set("position", Math.min(Math.max(slot, 0), model.get("slots") - 1));
    model.save_changes();
  };
  const update = controls(make(root, "div", "toolbar"), model, go);
  let numbers = readNumbers(model);
  const canvas = new Canvas(root, (c) => {
    if (!numbers.memory) return 20;
    const position = model.get("position");
    return drawReads(c, numbers, position, go, drawWrite(c, numbers, position, go) + 8);
  });
  canvas.element.tabIndex = 0;
  const move = (by) => () => go(model.get("position") + by);
  const [back, on] = [move(-1), move(1)];
  bindKeys(root, { ArrowUp: back, ArrowLeft: back, ArrowDown: on, ArrowRight: on, Home: () => go(0), End: () => go(Infinity) });
  const redraw = () => {
    update();
    canvas.now();
    canvas.say(summary(model));
  };
  const reload = () => {
    numbers = readNumbers(model);
    redraw();
  };
  model.on("change:position", redraw);
  model.on("change:numbers", reload);
  update();
  canvas.later();
  canvas.say(summary(model));
  return () => {
    stopProblems();
    stopAsking();
    canvas.stop();
    model.off("change:position", redraw);
    model.off("change:numbers", reload);
  };
}

export default { render };
