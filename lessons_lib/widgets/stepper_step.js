// The tape stepper's lower half: one step, from the weightings over erase and add to the read.
import { at, format, formatLong, timeAxis } from "./shared.js";
import { GUTTER } from "./stepper_time.js";

const LEFT = 28; // room for the slots' numbers
const GAP = 12;
const ROW = 18; // of a vector above or below the memory
const CHANGED = 0.05; // a cell that moved by more is framed

/** The stages of a step; "whole" shows the end of all of them. */
export const STAGES = ["find", "erase", "add", "read"];
const TOLD = {
  find: "1 find: each head has its weighting w. The memory is as the last step left it.",
  findWrite: "1 find: the write head has its weighting w. The memory is as the last step left it.",
  erase: "2 erase: each slot fades by its write weight times e, number by number.",
  add: "3 add: each slot gets its write weight times a.",
  gated: "3 add: each slot gets its write weight times a, times the add gate f.",
  read: "4 read: each read head mixes the slots by its weights.",
};

const reached = (model, stage) => model.get("stage") === "whole" || STAGES.indexOf(stage) <= STAGES.indexOf(model.get("stage"));

/** The step in words, and what its stage does. */
function heading(c, tape, model, y) {
  const step = model.get("step");
  const symbols = ["inputs", "outputs"].map((name) => [name.slice(0, -1), tape.symbol(name, step)]);
  const words = [`step ${step}`, ...symbols.filter(([, symbol]) => symbol).map((pair) => pair.join(" "))].join(" · ");
  c.text(0, y, words, { bold: true, size: 13, fit: c.width });
  const stage = model.get("stage");
  if (stage === "whole") return y + 20;
  const odd = { add: tape.numbers.add_gate && "gated", find: tape.readsLate() && "findWrite" };
  const told = TOLD[odd[stage] || stage];
  return y + 20 + 16 * c.paragraph(0, y + 19, told, { fit: c.width - 4, color: c.theme.accentInk, bold: true });
}

/** Where each column of the lower half stands, for the width there is. */
function layout(c, tape, heads, y) {
  const slots = tape.slots.length;
  const count = tape.memory[0].erased ? 3 : 2;
  const bar = Math.max(34, Math.min(92, (c.width * 0.3) / heads.length));
  const gap = c.width < 640 ? 8 : GAP;
  const wide = (c.width - LEFT - heads.length * (bar + gap) - gap * (count - 1) - 4) / count;
  const high = Math.max(3, Math.min(22, 400 / slots));
  return { bar, gap, wide, high, y, height: slots * high };
}

/** An empty frame, for what comes in a later stage. */
function notYet(c, { x, y, width, height }) {
  c.box(x, y, width, height, { dash: [4, 4] });
  c.text(x + width / 2, y + height / 2, "not yet", { align: "center", size: 11, color: c.theme.soft, fit: width - 4 });
}

function slotRows(c, { y, high }, slots) {
  const every = Math.ceil(10 / high);
  slots.forEach((slot, row) => {
    if (row % every) return;
    c.text(LEFT - 5, y + (row + 0.5) * high, slot, { align: "right", size: 11, color: c.theme.soft });
  });
  c.text(0, y - 8, "slot", { size: 10, color: c.theme.soft });
}

function weighting(c, tape, { which, head, name }, step, { x, y, bar, height, gap }, hidden = false) {
  const weights = at(tape.numbers[`${which}.weights`], step, head);
  const short = bar < 64 ? name.replace(" head", "") : name;
  c.text(x, y - 24, short, { bold: true, size: 11, fit: bar + gap - 4 });
  c.text(x, y - 9, bar < 64 ? "w" : "weighting w", { size: 10, color: c.theme.soft, fit: bar });
  if (hidden) {
    notYet(c, { x, y, width: bar, height });
    return x + bar + gap;
  }
  const tell = (row) => `${name}, slot ${tape.slots[row]}: w = ${formatLong(weights.values[row])}${tape.wrote(step, row)}`;
  c.bars({ x, y, width: bar, height }, weights, { name: `${which}.weights ${head}`, tell, plain: bar < 64 });
  return x + bar + gap;
}

/** Subtract one picture of the memory from another. */
function difference(later, earlier) {
  return { shape: later.shape, values: later.values.map((value, index) => value - earlier.values[index]) };
}

/** The pictures of a step, left to right: what each is, when it is reached, what it changed. */
function pictures(tape, model) {
  const { before, erased, after } = tape.memory[model.get("step")];
  const alone = model.get("changes");
  const list = [{ name: "memory_before", title: "memory before", short: "before", stage: "find", shown: before }];
  if (erased) {
    const [name, title, short] = alone ? ["erase_takes", "what erase takes", "− erase"] : ["memory_erased", "after erase", "erased"];
    list.push({ name, title, short, stage: "erase", shown: erased, earlier: before, vector: ["erase_vector", "erase e"], verb: "erase took" });
  }
  const [name, title, short] = alone && erased ? ["add_puts", "what add puts", "+ add"] : ["memory_after", erased ? "after add" : "memory after", "after"];
  list.push({ name, title, short, stage: "add", shown: after, earlier: erased ?? before, vector: ["add_vector", "add a"], verb: "add put" });
  return list;
}

function drawPicture(c, tape, model, picture, place) {
  const { name, title, short, stage, shown, earlier, verb } = picture;
  const box = { x: place.x, y: place.y, width: place.wide, height: place.height };
  c.text(box.x, box.y - 9, box.width > 110 ? title : short, { bold: true, size: 11, fit: box.width });
  if (!reached(model, stage)) {
    notYet(c, box);
    return;
  }
  const step = model.get("step");
  const columns = shown.shape[1];
  const moved = earlier && difference(shown, earlier);
  const drawn = name === "erase_takes" || name === "add_puts" ? moved : shown;
  const marked = moved && drawn !== moved && ((row, column) => Math.abs(moved.values[row * columns + column]) > CHANGED);
  const tell = (row, column) => {
    const index = row * columns + column;
    const change = moved && drawn !== moved ? ` (${verb} ${format(moved.values[index], 4)})` : "";
    const whose = stage === "add" ? tape.wrote(step, row) : stage === "find" && step > 0 ? tape.wrote(step - 1, row) : "";
    return `${title}, slot ${tape.slots[row]}, number ${column}: ${formatLong(drawn.values[index])}${change}${whose}`;
  };
  c.cells(box, drawn, { name, limit: tape.memoryLimit(), tell, marked });
  if (model.get("stage") === stage) c.box(box.x - 2, box.y - 2, box.width + 4, box.height + 4, { color: c.theme.accent, thick: 2 });
}

/** The vectors of a write above their picture, one row a head. */
function vectorRows(c, tape, model, { vector, stage }, { x, wide }, y) {
  const [name, title] = vector;
  const vectors = at(tape.numbers[name], model.get("step"));
  if (!vectors) return;
  c.text(x, y - 8, title, { bold: true, size: 11, fit: wide });
  for (let head = 0; head < vectors.shape[0]; head++) {
    const box = { x, y: y + head * ROW, width: wide, height: ROW - 2 };
    if (!reached(model, stage)) {
      notYet(c, box);
      continue;
    }
    const { values } = at(vectors, head);
    const words = vectors.shape[0] > 1 ? `${title} of head ${head}` : title;
    const tell = (_, column) => `${words}, number ${column}: ${formatLong(values[column])}`;
    const limit = name === "erase_vector" ? 1 : tape.limit(name);
    c.cells(box, { shape: [1, values.length], values }, { name: `${name} ${head}`, limit, tell });
  }
}

/** What each read head reads, below the last picture, from which it is read. */
function readRows(c, tape, model, heads, { x, wide, gap }, y) {
  if (!tape.numbers.reads) return y;
  for (const { head, name } of heads) {
    const label = heads.length > 1 ? `${name} reads r` : "what is read, r";
    c.text(x - gap, y + 8, label, { align: "right", bold: true, size: 11 });
    const box = { x, y, width: wide, height: ROW - 2 };
    y += ROW;
    if (!reached(model, "read")) {
      notYet(c, box);
      continue;
    }
    const { values } = at(tape.numbers.reads, model.get("step"), head);
    const tell = (_, column) => `${name} reads, number ${column}: ${formatLong(values[column])}`;
    c.cells(box, { shape: [1, values.length], values }, { name: `reads ${head}`, limit: tape.memoryLimit(), tell });
    if (model.get("stage") === "read") c.box(x - 2, box.y - 2, wide + 4, ROW + 2, { color: c.theme.accent, thick: 2 });
  }
  return y + 6;
}

/** Weightings, the memory before, erased and added to, and the reads. */
export function memoryStep(c, tape, model, top) {
  const step = model.get("step");
  const heads = tape.heads(model.get("read_head"));
  const writes = heads.filter(({ which }) => which === "write");
  const reads = heads.filter(({ which }) => which === "read");
  const vectors = heading(c, tape, model, top + 12) + 10;
  const place = layout(c, tape, heads, vectors + Math.max(writes.length, 1) * ROW + 18);
  slotRows(c, place, tape.slots);
  let x = LEFT;
  for (const head of writes) x = weighting(c, tape, head, step, { ...place, x });
  const list = pictures(tape, model);
  let last = x;
  for (const picture of list) {
    if (picture.vector) vectorRows(c, tape, model, picture, { ...place, x }, vectors);
    drawPicture(c, tape, model, picture, { ...place, x });
    last = x;
    x += place.wide + place.gap;
  }
  const bottom = readRows(c, tape, model, reads, { ...place, x: last }, place.y + place.height + 8);
  const hidden = tape.readsLate() && !reached(model, "read");
  for (const head of reads) x = weighting(c, tape, head, step, { ...place, x }, hidden);
  const below = Math.max(bottom, place.y + place.height + 10);
  const frames = model.get("changes") ? "" : ` · framed = changed by more than ${CHANGED} in that stage`;
  const legend = `Deeper colour = larger · orange with a dash = below 0${frames} · hover for numbers`;
  const options = { size: 11, color: c.theme.soft, fit: c.width - 4 };
  const lines = c.paragraph(0, below + 8, `${model.get("note")} ${legend}`.trim(), options);
  return headNumbers(c, tape, heads, step, below + 10 + 15 * lines);
}

const SCALARS = [
  ["key_strength", "β key strength"],
  ["gate", "g gate"],
  ["shift", "s(−1) · s(0) · s(+1)"],
  ["sharpening", "γ sharpening"],
  ["add_gate", "f add gate"],
];

/** A table of the heads' scalars, one row a head; where that has no room, a sentence a head. */
function headNumbers(c, tape, heads, step, y) {
  const has = (field) => heads.some((head) => tape.scalar(head, field, step).length);
  const columns = SCALARS.filter(([field]) => has(field));
  const told = (head, field) => Array.from(tape.scalar(head, field, step), (value) => format(value)).join(" · ") || "–";
  for (const head of heads) {
    for (const [field] of columns) {
      const values = tape.scalar(head, field, step);
      if (values.length) c.drawn[`${head.which}.${field} ${head.head}`] = values;
    }
  }
  if (c.width < 640) {
    for (const head of heads) {
      const words = columns.map(([field, title]) => `${title} ${told(head, field)}`).join("; ");
      y += 16 * c.paragraph(0, y + 8, `${head.name}: ${words}`, { fit: c.width - 4 }) + 4;
    }
    return y + 6;
  }
  const gutter = 100;
  const parts = columns.map(([field]) => (field === "shift" ? 1.6 : 1));
  const wide = (c.width - gutter) / Math.max(parts.reduce((sum, part) => sum + part, 0), 1);
  const lefts = parts.map((_, index) => gutter + wide * parts.slice(0, index).reduce((sum, part) => sum + part, 0));
  columns.forEach(([, title], index) => {
    c.text(lefts[index], y + 6, title, { size: 11, color: c.theme.soft, fit: wide * parts[index] - 6 });
  });
  heads.forEach((head, row) => {
    const middle = y + 24 + row * ROW;
    c.text(0, middle, head.name, { bold: true, fit: gutter - 6 });
    columns.forEach(([field], index) => {
      c.text(lefts[index], middle, told(head, field), { fit: wide * parts[index] - 6 });
    });
  });
  return y + 24 + heads.length * ROW;
}

/** Each unit's gates and state at this step, for a machine without memory or a controller. */
export function unitStep(c, tape, model, top) {
  const step = model.get("step");
  const names = Object.keys(tape.names);
  const [x, width] = [GUTTER, c.width - GUTTER - 4];
  const symbols = ["inputs", "outputs"].map((name) => [name.slice(0, -1), tape.symbol(name, step)]);
  const said = symbols.filter(([, symbol]) => symbol).map((pair) => ` · ${pair.join(" ")}`).join("");
  c.text(0, top + 10, `step ${step}${tape.memory ? "" : said}, ${tape.memory ? "the controller " : ""}unit by unit`, { bold: true });
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
