// The game's pictures: the lists, the tape with its two heads, the paths beside the learned machine.
import { at, format, formatLong, readNumbers, timeAxis } from "./shared.js";

const LEFT = 96; // room for the names at the left
export const HEADS = ["write", "read"];

// --- The lists: what comes in, what goes out ---------------------------------------------------

/** Draw a symbol: eight numbers as two rows of four, deeper where larger, and its name below. */
function symbol(c, values, { x, y, width, height }, name, words, more = "") {
  const grid = { shape: [2, 4], values };
  const tell = (row, column) => `${more || words}, number ${row * 4 + column}: ${formatLong(values[row * 4 + column])}`;
  c.cells({ x, y, width, height }, grid, { name, limit: 1, tell });
  c.text(x + width / 2, y + height + 11, words, { align: "center", size: width < 26 ? 10 : 12, bold: true, fit: Math.max(30, width + 6) });
}

/** The name of what a slot holds, in few letters: "≈B" is a faint B, "≈" a blend. */
function brief(held) {
  return { empty: "", "a blend": "≈" }[held] ?? held.replace("faint ", "≈");
}

function placeholder(c, { x, y, width, height }, words, below, options = {}) {
  c.box(x, y, width, height, { dash: [3, 3], color: c.theme.soft, ...options });
  c.text(x + width / 2, y + height / 2, words, { align: "center", size: 11, color: c.theme.soft, fit: width });
  if (below) c.text(x + width / 2, y + height + 11, below, { align: "center", size: 11, color: c.theme.soft, fit: width + 10 });
}

function drawInputs(c, view, numbers, x, y, wide) {
  const count = view.names.length;
  c.text(x, y + 8, "input", { bold: true });
  c.text(x, y + 23, "one a step", { size: 10, color: c.theme.soft });
  for (let place = 0; place <= count; place++) {
    const box = { x: x + LEFT + place * wide, y, width: wide - 10, height: 24 };
    const marker = place === count;
    if (marker) placeholder(c, box, "marker", view.step > count ? "over" : "", { dash: [] });
    else if (place === view.step || view.finished) {
      symbol(c, at(numbers.inputs, place).values, box, `input ${place}`, view.names[place], `input ${view.names[place]}`);
    } else placeholder(c, box, place < view.step ? "" : "?", place < view.step ? "gone" : "to come");
    if (place === view.step) {
      c.box(box.x - 4, box.y - 4, box.width + 8, box.height + 24, { color: c.theme.accent, thick: 2.5 });
      c.text(box.x + box.width / 2, box.y - 11, "now", { align: "center", size: 11, bold: true });
    }
  }
  return LEFT + (count + 1) * wide;
}

function drawAnswers(c, view, numbers, x, y, wide) {
  c.text(x, y + 8, "answer", { bold: true });
  c.text(x, y + 23, "after marker", { size: 10, color: c.theme.soft });
  view.answers.forEach((answer, place) => {
    const box = { x: x + LEFT + place * wide, y, width: wide - 10, height: 24 };
    if (!answer) return placeholder(c, box, place + 1, "");
    const sign = `${answer.wrong ? "✗" : "✓"} ${brief(answer.got)}`;
    const more = answer.wrong ? `given ${answer.got}, wanted ${answer.wanted}, wrong bits ${answer.wrong}` : `given ${answer.got}, right`;
    symbol(c, at(numbers.answers, place).values, box, `answer ${place}`, sign, more);
    if (answer.wrong) c.box(box.x - 2, box.y - 2, box.width + 4, box.height + 4, { color: c.theme.ink, thick: 2, dash: [4, 3] });
  });
}

/** One line of lists, or two where the page is narrow; returns the height. */
function drawLists(c, view, numbers) {
  const boxes = view.names.length + 1 + view.answers.length;
  const oneLine = 2 * LEFT + 30 + boxes * 54 <= c.width;
  const longest = Math.max(view.names.length + 1, view.answers.length);
  const room = oneLine ? (c.width - 2 * LEFT - 30) / boxes : Math.min(58, (c.width - LEFT - 4) / longest);
  const wide = Math.min(72, room);
  const end = drawInputs(c, view, numbers, 4, 24, wide);
  if (oneLine) drawAnswers(c, view, numbers, end + 30, 24, wide);
  else drawAnswers(c, view, numbers, 4, 84, wide);
  return oneLine ? 72 : 130;
}

// --- The tape and its heads ----------------------------------------------------------------------

/** Bars of a weighting: full for where the head is, a dashed frame for where the choice leads. */
function drawWeights(c, view, numbers, which, { x, y, wide, high, up }) {
  const now = numbers[`${which}.previous`].values;
  const next = numbers[`${which}.weights`].values;
  const top = (size) => (up ? y + high - size : y);
  now.forEach((weight, slot) => {
    const center = x + (slot + 0.5) * wide;
    const [solid, dashed] = [weight * high, next[slot] * high];
    c.pen.fillStyle = `rgb(${c.theme.positive.join(",")})`;
    c.pen.fillRect(center - wide * 0.16, top(solid), wide * 0.32, solid);
    if (view.finished || next[slot] < 0.005) return;
    c.box(center - wide * 0.28, top(dashed), wide * 0.56, dashed, { color: c.theme.ink, thick: 1.6, dash: [4, 3] });
    const longer = Math.max(solid, dashed);
    const beyond = up ? top(longer) - 8 : y + longer + 9;
    c.text(center, beyond, format(next[slot]), { align: "center", size: 11 });
  });
  c.pen.fillStyle = c.theme.soft;
  c.pen.fillRect(x, up ? y + high : y - 1, wide * now.length, 1);
  c.keep(`${which}.previous`, numbers[`${which}.previous`]);
  c.keep(`${which}.weights`, numbers[`${which}.weights`]);
  const tell = (_, slot) => `${which} head, slot ${slot}: now ${formatLong(now[slot])}, with this choice ${formatLong(next[slot])}`;
  c.regions.push({ x, y, width: wide * now.length, height: high, rows: 1, columns: now.length, tell });
}

export function most(values) {
  return values.reduce((best, value, slot) => (value > values[best] ? slot : best), 0);
}

/** The name of a head on its slot, and an arrow to where the choice leads. */
function drawTag(c, view, numbers, which, { x, y, wide }) {
  const [from, next] = ["previous", "weights"].map((name) => most(numbers[`${which}.${name}`].values));
  const to = view.finished ? from : next;
  const [start, end] = [from, to].map((slot) => x + (slot + 0.5) * wide);
  c.pen.fillStyle = c.theme.ink;
  c.pen.beginPath();
  c.pen.roundRect(start - 11, y - 9, 22, 18, 4);
  c.pen.fill();
  c.text(start, y + 0.5, which === "write" ? "W" : "R", { align: "center", bold: true, color: c.theme.background });
  c.pen.fillStyle = c.theme.ink;
  if (to !== from) {
    const side = Math.sign(end - start);
    c.pen.fillRect(Math.min(start + side * 11, end), y - 1, Math.abs(end - start) - 11, 2);
    c.pen.beginPath();
    c.pen.moveTo(end, y);
    c.pen.lineTo(end - side * 8, y - 5);
    c.pen.lineTo(end - side * 8, y + 5);
    c.pen.fill();
  }
  if (!view.plan[which].act || view.finished) return;
  const words = which === "write" ? "writes" : "gives out";
  const beside = Math.max(start + 16, end + 8);
  const over = beside + 56 > x + 12 * wide;
  c.text(over ? Math.min(start - 16, end - 8) : beside, y, words, { size: 11, bold: true, align: over ? "right" : "left" });
}

function drawTape(c, view, numbers, top) {
  const count = view.slots.length;
  const wide = Math.min(100, (c.width - LEFT - 6) / count);
  const [x, bars] = [LEFT, 44];
  const weights = top + 34;
  const tape = weights + bars + 8;
  const cell = Math.min(34, wide * 0.62);
  const below = tape + cell + 38;
  for (const which of HEADS) {
    const middle = which === "write" ? weights + bars / 2 : below + bars / 2;
    const active = view.active === which && !view.demo;
    c.text(0, middle - 8, `${active ? "▶ " : ""}${which} head`, { bold: true, color: active ? c.theme.accentInk : c.theme.ink, fit: LEFT - 4 });
    c.text(0, middle + 8, "weighting w", { size: 10, color: c.theme.soft });
  }
  drawTag(c, view, numbers, "write", { x, y: top + 8, wide });
  drawWeights(c, view, numbers, "write", { x, y: weights, wide, high: bars, up: true });
  c.text(0, tape + cell / 2 - 7, "tape", { bold: true });
  c.text(0, tape + cell / 2 + 8, `${count} slots, a ring`, { size: 10, color: c.theme.soft });
  view.slots.forEach((held, slot) => {
    const box = { x: x + slot * wide + 3, y: tape, width: wide - 6, height: cell };
    symbol(c, at(numbers.memory, slot).values, box, `memory ${slot}`, brief(held), `slot ${slot}, ${held}`);
    c.text(box.x + box.width / 2, tape + cell + 23, slot, { align: "center", size: 10, color: c.theme.soft });
  });
  drawWeights(c, view, numbers, "read", { x, y: below, wide, high: bars, up: false });
  drawTag(c, view, numbers, "read", { x, y: below + bars + 28, wide });
  return below + bars + 42;
}

/** All numbers that stand on the page outside the canvas, for whoever reads them back. */
function keepOthers(c, numbers) {
  for (const [name, tensor] of Object.entries(numbers)) c.drawn[name] ??= tensor.values;
}

export function drawGame(c, model) {
  const [view, numbers] = [model.get("view"), readNumbers(model)];
  if (!numbers.memory) return 20;
  const bottom = drawTape(c, view, numbers, drawLists(c, view, numbers) + 14);
  const faint = view.slots.some((held) => brief(held).startsWith("≈")) ? " ≈: faint, or a blend." : "";
  const dashed = view.finished ? "" : " Dashed: where your choice leads, with its weight.";
  const legend = `Full bar: where the head is.${dashed}${faint}`;
  const lines = c.paragraph(LEFT, bottom + 4, legend, { size: 11, color: c.theme.soft, fit: c.width - LEFT });
  keepOthers(c, numbers);
  return bottom + 15 * lines;
}

// --- Beside the learned machine --------------------------------------------------------------------

export function drawPaths(c, model) {
  const [view, numbers] = [model.get("view"), readNumbers(model)];
  if (!numbers["own write"]) return 1;
  const wide = (c.width - 44 - 64 - 6) / 2;
  const owners = [["own", "your moves"], ["learned", "the learned machine (ntm-copy)"]];
  owners.forEach(([owner, title], side) => {
    const x = 44 + side * (wide + 64);
    c.text(x, 10, title, { bold: true, fit: wide });
    HEADS.forEach((which, row) => {
      const y = 38 + row * 176;
      const path = numbers[`${owner} ${which}`];
      const [slots, steps] = path.shape;
      c.text(x, y - 10, `${which} head`, { size: 12 });
      const tell = (slot, step) => `${title}: ${which} head, step ${step}, slot ${slot}: ${formatLong(path.values[slot * steps + step])}`;
      const column = wide / steps;
      c.cells({ x, y, width: wide, height: slots * 11 }, path, { name: `${owner} ${which}`, limit: 1, tell });
      const marker = x + view.names.length * column;
      c.box(marker, y - 2, column, slots * 11 + 4, { color: c.theme.ink, thick: 1.4, dash: [4, 3] });
      for (let slot = 0; slot < slots; slot++) c.text(x - 5, y + (slot + 0.5) * 11, slot, { align: "right", size: 9, color: c.theme.soft });
      timeAxis(c, x, y + slots * 11, wide, steps);
    });
  });
  const words = `Columns are steps, rows are slots; deeper is more weight; the dashed column is the marker. ${view.compared}`;
  return 38 + 2 * 176 + 15 * c.paragraph(0, 390, words, { fit: c.width - 4 }) + 4;
}
