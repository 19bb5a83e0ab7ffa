// The convolution stepper: the kernel on the memory, the product, the score, and the pointers.
import { Canvas, askForKernel, at, bindKeys, format, formatLong, largest, make, makeLive, makeRoot, nameSliders, readNumbers, showProblems } from "./shared.js";
import { Editors } from "./editing.js";
import { addRange } from "./toolbar.js";

const GAP = 14;
const TOP = 54;
const LEFT = 24; // room for the slots' numbers
const ROOM = 44; // that bars leave at their right for the number
const EDITING =
  "To change a number of a kernel or of the key, click it and type, or drag it up and down. " +
  "Keys: Tab to the grid, arrows to a number, then type; Page Up and Page Down change it by 0.1.";
const LOW = 20; // the height of a read kernel's row
const NARROW = 480; // a read pointer's kernel and its columns fit beside each other in more

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
      c.text(x + width / 2, y + (row + 0.5) * high, "0 beyond the end", { align: "center", size: 11, color: c.theme.soft, fit: width });
    }
  }
  const top = y + (position - half) * high;
  c.box(x - 3, top, width + 6, (2 * half + 1) * high, { color: c.theme.accent, thick: 3 });
  slotNumbers(c, x - 6, y, high, slots, position);
}

/** A kernel whose numbers can be changed where they stand, its offsets at the left. */
function drawKernel(c, kernel, name, editors, { x, y, width, high }) {
  const [size, columns] = kernel.shape;
  const half = (size - 1) / 2;
  const signed = (row) => (row > half ? `+${row - half}` : format(row - half, 0));
  const words = name === "kernel" ? "write kernel" : name.replace("read_", "read ");
  const nameCell = (row, column) => `${words}, offset ${signed(row)}, number ${column}`;
  const tell = (row, column) => `${nameCell(row, column)}: ${formatLong(kernel.values[row * columns + column])}`;
  c.cells({ x, y, width, height: size * high }, kernel, { name, tell });
  editors.place(name, { x, y, width, height: size * high }, kernel, words, nameCell);
  for (let row = 0; row < size && high >= 9; row++) {
    c.text(x - 4, y + (row + 0.5) * high, signed(row), { align: "right", size: 11, color: c.theme.soft });
  }
}

/** The kernel, and the product with what lies under it; their sum is the slot's score. */
function drawProduct(c, n, position, editors, { x, width, y, high }) {
  const [size, columns] = n.kernel.shape;
  const half = (size - 1) / 2;
  const height = size * high;
  header(c, x, "kernel K", "a row an offset", width);
  drawKernel(c, n.kernel, "kernel", editors, { x, y, width, high });
  const below = y + height + 44;
  const product = at(n.products, position);
  c.text(x, below - 22, "S × K, cell by cell", { bold: true, size: 13, fit: width + 24 });
  c.text(x, below - 8, `at slot ${position}`, { size: 11, color: c.theme.soft });
  const tellProduct = (row, column) => `product, offset ${row - half}, number ${column}: ${formatLong(product.values[row * columns + column])}`;
  c.cells({ x, y: below, width, height }, product, { name: "product", limit: largest(n.products.values), tell: tellProduct });
  const score = n.scores.values[position];
  c.text(x, below + height + 16, "sum = the score", { size: 12 });
  c.text(x, below + height + 34, format(score, 4), { bold: true, size: 15 });
  return below + height + 46;
}

function drawColumn(c, values, title, does, name, limit, position, go, { x, y, width, high }, top = 0) {
  header(c, x, title, does, width, top);
  const tell = (slot) => `${title}, slot ${slot}: ${formatLong(values[slot])}`;
  c.bars({ x, y, width, height: values.length * high }, { values }, { name, limit, tell, strong: position, pick: (slot) => go(slot) });
}

function sum(c, total, values, { x, y, high }) {
  c.text(x, y + values.length * high + 12, `sum ${format(total, 3)}`, { size: 12 });
}

function drawWrite(c, n, position, go, editors) {
  const [slots, columns] = n.memory.shape;
  const half = (n.kernel.shape[0] - 1) / 2;
  const narrow = c.width < 860;
  const high = Math.max(4, Math.min(24, 360 / slots));
  let y = TOP + half * high;
  const most = narrow ? (c.width - LEFT - GAP - 26) / 2 : c.width * 0.24;
  const grid = Math.min(Math.max(110, columns * (narrow ? 56 : 44)), most);
  drawMemory(c, n, position, go, { x: LEFT, y, width: grid, high });
  let x = LEFT + grid + GAP + 22;
  let low = drawProduct(c, n, position, editors, { x, width: grid, y: TOP, high: Math.max(high, 8) });
  low = Math.max(low, y + (slots + half) * high + 10);
  x += grid + 2 * GAP;
  if (narrow) [x, y] = [LEFT, low + TOP];
  const wide = (c.width - x - 6 - 2 * GAP) / 3;
  const place = (index) => ({ x: x + index * (wide + GAP), y, width: wide, high });
  const top = narrow ? low : 0;
  const gamma = formatLong(n.sharpening.values[0]);
  drawColumn(c, n.scores.values, "scores", "one a slot (eq. 6)", "scores", largest(n.scores.values), position, go, place(0), top);
  drawColumn(c, n.global_map.values, "softmax", "a weighting (eq. 7)", "global_map", 1, position, go, place(1), top);
  drawColumn(c, n.weights.values, "w write", `focus, γ = ${gamma} (eq. 8)`, "weights", 1, position, go, place(2), top);
  if (narrow) slotNumbers(c, x - 6, y, high, slots, position);
  c.box(x - 5, y + position * high, c.width - x + 2, high, { color: c.theme.accent, thick: 2 });
  [n.global_map, n.weights].forEach(({ values }, index) => sum(c, n.sums.values[index], values, place(index + 1)));
  return Math.max(low, y + slots * high + 24);
}

/** From g = 0, the map alone, to g = 1, the key alone: where this pointer's gate stands. */
function drawGate(c, gate, { x, y, width }) {
  const [from, to] = [x + 16, x + width - 20];
  c.text(x, y, "wˡ", { size: 12, bold: true });
  c.text(x + width, y, "wᶜ", { size: 12, bold: true, align: "right" });
  c.pen.fillStyle = c.theme.soft;
  c.pen.fillRect(from, y - 1, to - from, 2);
  c.pen.fillStyle = c.theme.accent;
  c.pen.beginPath();
  c.pen.arc(from + gate * (to - from), y, 6, 0, 2 * Math.PI);
  c.pen.fill();
}

/** On each bar of the blend: a ring where wᶜ ends, a square where wˡ does, and the way between. */
function drawBlend(c, content, map, { x, y, width, high }) {
  if (high < 8) return;
  const { pen, theme } = c;
  content.forEach((value, slot) => {
    const [ring, square] = [value, map[slot]].map((part) => x + part * (width - ROOM));
    const middle = y + (slot + 0.5) * high;
    if (!Number.isFinite(ring + square) || Math.max(value, map[slot]) < 0.01) return;
    pen.fillStyle = theme.ink;
    pen.fillRect(Math.min(ring, square), middle - 0.75, Math.abs(ring - square), 1.5);
    pen.fillStyle = theme.background;
    pen.beginPath();
    pen.arc(ring, middle, 3.5, 0, 2 * Math.PI);
    pen.fill();
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.fillStyle = theme.background;
    pen.fillRect(square - 3, middle - 3, 6, 6);
    c.box(square - 3, middle - 3, 6, 6, { color: theme.ink, thick: 1.5 });
  });
}

/** One read pointer: its kernel, what the key finds, the map, and the blend of the two. */
function drawRead(c, n, map, position, go, editors, { x, y, width, high }) {
  const [size, columns] = n.kernel.shape;
  const stacked = width < NARROW; // the columns stand below the kernel then
  const grid = Math.min(Math.max(110, columns * 40), width * (stacked ? 0.7 : 0.27));
  header(c, x, `kernel of read ${map}`, "a row an offset", grid, y);
  drawKernel(c, at(n.read_kernels, map), `read_kernel ${map}`, editors, { x, y: y + 56, width: grid, high: LOW });
  if (stacked) y += 56 + size * LOW + 14;
  const top = y + 56;
  const start = stacked ? x : x + grid + GAP + 18;
  const wide = (x + width - start - 2 * GAP) / 3;
  const place = (index) => ({ x: start + index * (wide + GAP), y: top, width: wide, high });
  const gate = `g = ${formatLong(n.gates.values[map])}`;
  const [content, looked, read] = [n.content, at(n.read_maps, map), at(n.read_weights, map)].map(({ values }) => values);
  drawColumn(c, content, "wᶜ ○", stacked ? "the key finds" : "what the key finds", `content ${map}`, 1, position, go, place(0), y);
  drawColumn(c, looked, "wˡ □", stacked ? "the kernel sees" : "what the kernel sees", `read_map ${map}`, 1, position, go, place(1), y);
  drawColumn(c, read, `w read ${map}`, stacked ? gate : "g wᶜ + (1−g) wˡ", `read_weights ${map}`, 1, position, go, place(2), y);
  if (!stacked) c.text(place(2).x + wide, y + 10, gate, { size: 12, align: "right", fit: wide - 56 });
  drawGate(c, n.gates.values[map], { ...place(2), y: y + 45 });
  drawBlend(c, content, looked, place(2));
  slotNumbers(c, start - 6, top, high, content.length, position);
  sum(c, n.sums.values[map + 2], read, place(2));
}

/** The key and all read pointers, one or two in a row. */
function drawReads(c, n, position, go, editors, top) {
  const [maps, slots] = n.read_maps.shape;
  const high = Math.max(3, Math.min(20, 260 / slots));
  const perRow = c.width < 1100 ? 1 : 2;
  const block = c.width / perRow;
  const kernel = n.kernel.shape[0] * LOW;
  const narrow = block - LEFT - 12 < NARROW;
  const tall = narrow ? slots * high + kernel + 162 : Math.max(slots * high, kernel) + 92;
  const words = "Reading: a gate puts each pointer between what the key finds (wᶜ ○) and what its own kernel sees (wˡ □) (eqs. 9–10)";
  let y = top + 18 * (c.paragraph(0, top + 10, words, { bold: true, size: 13, fit: c.width }) - 1) + 28;
  const wide = Math.min(n.key.shape[1] * 44, c.width * 0.4);
  const nameKey = (_, column) => `key c, number ${column}`;
  const tell = (_, column) => `${nameKey(0, column)}: ${formatLong(n.key.values[column])}`;
  c.text(LEFT, y + 11, "key c", { bold: true });
  c.cells({ x: LEFT + 46, y, width: wide, height: 22 }, n.key, { name: "key", tell });
  editors.place("key", { x: LEFT + 46, y, width: wide, height: 22 }, n.key, "key c", nameKey);
  const strength = `wᶜ = softmax( β cos(c, S) ), β = ${formatLong(n.key_strength.values[0])}`;
  if (narrow) y += 22;
  const left = narrow ? LEFT : LEFT + 58 + wide;
  c.text(left, y + 11, strength, { size: 12, color: c.theme.soft, fit: c.width - left - 2 });
  y += 40;
  for (let map = 0; map < maps; map++) {
    const x = LEFT + (map % perRow) * block;
    const place = { x, y: y + Math.floor(map / perRow) * tall, width: block - LEFT - 12, high };
    drawRead(c, n, map, position, go, editors, place);
  }
  return y + Math.ceil(maps / perRow) * tall;
}

function controls(bar, model, go) {
  make(bar, "label", "", "slot under the kernel");
  const slider = addRange(bar, "slot under the kernel", { min: 0, max: model.get("slots") - 1 }, go);
  const said = make(bar, "output");
  make(bar, "span", "hint", "click a slot, or ↑ ↓ home end in the picture");
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
  const go = (slot) => {
    model.set("position", Math.min(Math.max(slot, 0), model.get("slots") - 1));
    model.save_changes();
  };
  const update = controls(make(root, "div", "toolbar"), model, go);
  let numbers = readNumbers(model);
  const live = makeLive(root); // the slot under the kernel is chosen by the page alone
  const stopAsking = askForKernel(root, model, live);
  const canvas = new Canvas(live, (c) => {
    nameSliders(root);
    if (!numbers.memory) return 20;
    const position = model.get("position");
    editors.begin();
    const low = drawReads(c, numbers, position, go, editors, drawWrite(c, numbers, position, go, editors) + 8);
    editors.finish();
    return low;
  });
  const editors = new Editors(root, canvas, model);
  make(make(live, "div", "toolbar"), "span", "hint", EDITING);
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
    editors.stop();
    canvas.stop();
    model.off("change:position", redraw);
    model.off("change:numbers", reload);
  };
}

export default { render };
