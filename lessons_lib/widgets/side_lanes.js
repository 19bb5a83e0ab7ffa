// Side by side, the lanes: the list on top, below it each machine's answer and writes, time to the right.
import { at, format, formatLong, largest, readNumbers, shade, sideways, timeAxis } from "./shared.js";
import { inkOn } from "./theme.js";
import { go } from "./toolbar.js";

const LANE_GUTTER = 118; // room for the lanes' names
const LANE_RIGHT = 12; // half of the last number below
const LANES_TOP = 16;
const BIT = 6; // heights: of a bit, of the bars of wrong bits, of what is stored
const BARS = 16;
const STORED = 44;
const NOW_CELL = 44;
const NOW_ROW = 21;
const CLEARLY_WRITTEN = 0.1; // a write weight that is named
const STORED_WORDS = { slots: ["writes", "slot"], cell: ["cell c", "unit"], hidden: ["state h", "unit"] };

/** One list and what every machine made of it, as the kernel sent it. */
export class SideRun {
  constructor(model) {
    this.numbers = readNumbers(model);
    Object.assign(this, model.get("view"));
    this.steps = 2 * this.length + 1;
    this.first = this.length + 1; // the step of the answer's first vector
    this.kept = new Map();
  }

  of(place, name) {
    return this.numbers[`${place}.${name}`];
  }

  once(key, find) {
    if (!this.kept.has(key)) this.kept.set(key, find());
    return this.kept.get(key);
  }

  /** A grid with time to the right. */
  lane(key) {
    return this.once(key, () => sideways(this.numbers[key]));
  }

  /** Whether the list has been heard; until then the moment stands where words would. */
  answers(model) {
    return model.get("step") >= this.first;
  }

  /** The wrong bits of a machine up to a step of the answer. */
  soFar(place, step) {
    return this.of(place, "so_far").values[step - this.first];
  }

  bitsAsked(step) {
    return (step - this.length) * this.bits;
  }
}

// --- The lanes -----------------------------------------------------------------------------------

function targetTop(run) {
  return LANES_TOP + (run.bits + 1) * BIT + 6;
}

/** Where the lanes of a machine begin; of the place after the last one, where they all end. */
function machineTop(run, place) {
  return targetTop(run) + run.bits * BIT + 8 + place * (run.bits * BIT + BARS + STORED + 15);
}

function laneName(c, y, height, name, more = "", bold = true) {
  const two = more && height >= 24;
  c.text(0, y + height / 2 - (two ? 7 : 0), name, { bold, fit: LANE_GUTTER - 8 });
  if (two) c.text(0, y + height / 2 + 8, more, { size: 10, color: c.theme.soft, fit: LANE_GUTTER - 6 });
}

function wholeBox(c, y, height) {
  return { x: LANE_GUTTER, y, width: c.width - LANE_GUTTER - LANE_RIGHT, height };
}

/** The part of a lane in which the answer is due. */
function answerBox(c, run, y, height) {
  const box = wholeBox(c, y, height);
  const column = box.width / run.steps;
  return { ...box, x: box.x + run.first * column, width: run.length * column };
}

function drawInput(c, run, model) {
  const y = LANES_TOP;
  const rows = run.bits + 1;
  const box = wholeBox(c, y, rows * BIT);
  laneName(c, y, box.height, "input", "last row: marker");
  const values = run.lane("inputs");
  const tell = (row, step) => `input, step ${step}, ${row < run.bits ? `bit ${row}` : "marker"}: ${values.values[row * run.steps + step]}`;
  c.cells(box, values, { name: "inputs", limit: 1, tell, pick: (_, step) => go(model, step) });
}

function drawTarget(c, run, model) {
  const y = targetTop(run);
  const box = answerBox(c, run, y, run.bits * BIT);
  laneName(c, y, box.height, "target", "what is to be said");
  const values = run.lane("targets");
  const tell = (row, index) => `target, vector ${index}, bit ${row}: ${values.values[row * run.length + index]}`;
  c.cells(box, values, { name: "targets", limit: 1, tell, pick: (_, index) => go(model, run.first + index) });
}

/** What stands before the target while the answer is given. */
function heardWords(c, run) {
  const { x, y, height } = answerBox(c, run, targetTop(run), run.bits * BIT);
  const words = "first the list is heard; then comes the answer →";
  c.paragraph(LANE_GUTTER + 4, y + height / 2 - 8, words, { size: 11, color: c.theme.soft, fit: x - LANE_GUTTER - 8 });
}

/** The wrong bits of a machine, [vector, bit], by the ink that can be read on what it said. */
function wrongByInk(c, run, place) {
  const wrong = run.of(place, "wrong").values;
  const said = run.of(place, "probability").values;
  const byInk = new Map();
  wrong.forEach((is, index) => {
    if (!is) return;
    const ink = inkOn(shade(c.theme, said[index], 1));
    if (!byInk.has(ink)) byInk.set(ink, []);
    byInk.get(ink).push([Math.floor(index / run.bits), index % run.bits]);
  });
  return byInk;
}

/** Cross out each wrong bit; where cells are narrow, a bar takes the cross's place. */
function crossOut(c, box, run, place) {
  const [wide, high] = [box.width / run.length, box.height / run.bits];
  const arm = Math.min(wide, high) * 0.36;
  const bar = Math.max(1.2, wide * 0.4);
  const { pen } = c;
  for (const [ink, found] of run.once(`${place} wrong ${c.theme.dark}`, () => wrongByInk(c, run, place))) {
    pen.beginPath();
    for (const [index, bit] of found) {
      const [x, y] = [box.x + (index + 0.5) * wide, box.y + (bit + 0.5) * high];
      if (wide < 5) {
        pen.rect(x - bar / 2, y - high * 0.3, bar, high * 0.6);
        continue;
      }
      pen.moveTo(x - arm, y - arm);
      pen.lineTo(x + arm, y + arm);
      pen.moveTo(x - arm, y + arm);
      pen.lineTo(x + arm, y - arm);
    }
    [pen.strokeStyle, pen.fillStyle, pen.lineWidth] = [ink, ink, 1.4];
    if (wide < 5) pen.fill();
    else pen.stroke();
  }
  c.drawn[`${run.machines[place].name} wrong`] = run.of(place, "wrong").values;
}

/** How many bits of each vector are wrong, as bars that stand on a line. */
function wrongBars(c, box, run, place, model) {
  const { name } = run.machines[place];
  const counts = run.of(place, "by_step").values;
  const wide = box.width / run.length;
  const { pen, theme } = c;
  pen.fillStyle = theme.accent;
  counts.forEach((count, index) => {
    const tall = (count / run.bits) * (box.height - 2);
    pen.fillRect(box.x + index * wide + wide * 0.1, box.y + box.height - tall, wide * 0.8, tall);
  });
  pen.fillStyle = theme.soft;
  pen.fillRect(box.x, box.y + box.height - 0.5, box.width, 1);
  c.drawn[`${name} by_step`] = counts;
  const tell = (_, index) => `${name}: ${counts[index]} of ${run.bits} bits of vector ${index} wrong`;
  c.regions.push({ ...box, rows: 1, columns: run.length, tell, pick: (_, index) => go(model, run.first + index) });
}

/** The wrong bits so far and in all, in the half of the lane where nothing is said yet. */
function countWords(c, run, place, step) {
  const y = machineTop(run, place);
  const fit = answerBox(c, run, y, 0).x - LANE_GUTTER - 8;
  const soft = { size: 11, color: c.theme.soft, fit };
  c.text(LANE_GUTTER + 4, y + 9, `${run.soFar(place, step)} of ${run.bitsAsked(step)}`, { bold: true, size: 14, fit });
  c.text(LANE_GUTTER + 4, y + 25, "bits wrong so far", soft);
  c.text(LANE_GUTTER + 4, y + 40, `${run.machines[place].wrong} of ${run.length * run.bits} in all`, soft);
}

/** What a machine says, its wrong bits crossed out and counted. */
function drawSaid(c, y, run, place, model) {
  const { name, wrong } = run.machines[place];
  const box = answerBox(c, run, y, run.bits * BIT);
  laneName(c, y, box.height, name, "says, 0 to 1");
  const values = run.lane(`${place}.probability`);
  const mistakes = run.of(place, "wrong").values;
  const tell = (bit, index) => `${name}, vector ${index}, bit ${bit}: says 1 with ${formatLong(values.values[bit * run.length + index])}${mistakes[index * run.bits + bit] ? ", wrong" : ""}`;
  const options = { name: `${name} probability`, limit: 1, tell, pick: (_, index) => go(model, run.first + index) };
  c.cells(box, values, options);
  crossOut(c, box, run, place);
  const room = box.x - LANE_GUTTER - 8;
  const bars = { ...box, y: y + box.height + 2, height: BARS };
  c.text(bars.x - 4, bars.y + BARS / 2, "wrong", { align: "right", size: 10, color: c.theme.soft, fit: room });
  wrongBars(c, bars, run, place, model);
  c.drawn[`${name} total`] = Float32Array.of(wrong);
}

/** As many rows as can be told apart: each shows the strongest of its group, and knows which it is. */
function strongestRows({ shape: [rows, columns], values }, most) {
  const each = Math.ceil(rows / most);
  const count = Math.ceil(rows / each) * columns;
  const shown = { shape: [count / columns, columns], values: new Float32Array(count), source: new Int32Array(count), each };
  values.forEach((value, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    const place = Math.floor(row / each) * columns + column;
    const stronger = Math.abs(value) > Math.abs(shown.values[place]) || Number.isNaN(value);
    if (row % each && !stronger) return;
    shown.values[place] = value;
    shown.source[place] = row;
  });
  return shown;
}

/** The lane's place while the kernel has not sent what is stored. */
function drawNothingStored(c, y, box) {
  laneName(c, y, STORED, "memory", "", false);
  c.text(box.x + 4, y + STORED / 2, "what is stored where follows when the slider rests", { size: 11, color: c.theme.soft, fit: box.width - 8 });
  c.box(box.x, y, box.width, STORED, { dash: [4, 4] });
}

/** Where a machine wrote; for one without a memory, its units. */
function drawStored(c, y, run, place, model) {
  const machine = run.machines[place];
  const box = wholeBox(c, y, STORED);
  if (!run.of(place, "stored")) {
    drawNothingStored(c, y, box);
    return;
  }
  const [title, row] = STORED_WORDS[machine.stored];
  const slots = machine.stored === "slots";
  const name = slots ? `${title} ${machine.kind === "LNTM" ? "f·w" : "w"}` : title;
  const grid = run.lane(`${place}.stored`);
  const shown = run.once(`${place} shown`, () => strongestRows(grid, STORED));
  laneName(c, y, STORED, name, shown.each > 1 ? `${shown.each} ${row}s a row ↓` : `${row} ↓ step →`, false);
  const limit = slots ? 1 : run.once(`${place} limit`, () => largest(grid.values));
  const tell = (group, step) => {
    const index = group * run.steps + step;
    const among = shown.each > 1 ? `, the strongest of ${shown.each}` : "";
    return `${machine.name}, ${name}, step ${step}, ${row} ${machine.rows[shown.source[index]]}: ${formatLong(shown.values[index])}${among}`;
  };
  c.cells(box, shown, { name: `${machine.name} stored`, limit, tell, pick: (_, step) => go(model, step) });
  c.keep(`${machine.name} stored`, grid); // all of its numbers, not those of the strongest alone
}

/** Veil what comes after the step, and frame the step's column. */
function drawMoment(c, top, bottom, run, model) {
  const box = wholeBox(c, top, bottom - top);
  const column = box.width / run.steps;
  const { pen, theme } = c;
  const after = box.x + (model.get("step") + 1) * column;
  pen.globalAlpha = 0.82;
  pen.fillStyle = theme.background;
  pen.fillRect(after + 1, top, box.x + box.width - after, bottom - top);
  pen.globalAlpha = 1;
  c.box(after - column, top - 1, column, bottom - top, { color: theme.accent, thick: 2 });
  c.arrowDown(after - column / 2, top - 12, { color: theme.accent, filled: true });
}

// --- The step itself -----------------------------------------------------------------------------

/** The slot that a machine writes to most at a step, in words; "" where it has none. */
function mostWritten(run, place, step) {
  const machine = run.machines[place];
  if (machine.stored !== "slots") return "";
  const weights = at(run.of(place, "stored"), step).values;
  const best = weights.reduce((most, weight, row) => (weight > weights[most] ? row : most), 0);
  if (weights[best] < CLEARLY_WRITTEN) return "writes to no slot in particular";
  return `writes mostly to slot ${machine.rows[best]}, ${format(weights[best])}`;
}

function wrongWords(run, place, index) {
  const wrong = Array.from(at(run.of(place, "wrong"), index).values);
  const named = wrong.flatMap((is, bit) => (is ? [bit] : []));
  if (!named.length) return "right";
  return `${named.length} wrong: bit${named.length > 1 ? "s" : ""} ${named.join(", ")}`;
}

/** How far a row is from the next: words beside narrow cells may take two lines at any step. */
function nowPitch(c) {
  return NOW_ROW + (c.width < 640 ? 16 : 0);
}

/** A row of the step's numbers, where there are any, and words beside it; `wrong` bits are framed. */
function nowRow(c, y, name, words, values, wrong) {
  const height = NOW_ROW - 3;
  laneName(c, y, height, name);
  let beside = LANE_GUTTER;
  if (values) {
    const count = values.length;
    const box = { x: LANE_GUTTER, y, width: Math.min(NOW_CELL * count, c.width * 0.55 - LANE_GUTTER), height };
    const marked = wrong && ((_, bit) => wrong[bit]);
    c.cells(box, { shape: [1, count], values }, { name: `${name} now`, limit: 1, marked });
    beside += box.width + 10;
  }
  if (words) c.paragraph(beside, y + height / 2, words, { size: 12, fit: c.width - beside - 4 });
  return y + nowPitch(c);
}

/** The step shown, in numbers: the target or the input, and each machine. */
function drawNow(c, y, run, model) {
  const step = model.get("step");
  const index = step - run.first;
  const answering = index >= 0;
  c.paragraph(0, y + 8, momentWords(run, step), { bold: true, fit: c.width });
  let bottom = y + 4 + (c.width < 460 ? 32 : 16);
  if (answering) bottom = nowRow(c, bottom, "target", "", at(run.numbers.targets, index).values);
  else bottom = nowRow(c, bottom, "input", "", at(run.numbers.inputs, step).values);
  run.machines.forEach(({ name }, place) => {
    const written = mostWritten(run, place, step);
    if (!answering) {
      bottom = nowRow(c, bottom, name, written || "listens");
      return;
    }
    const wrong = at(run.of(place, "wrong"), index).values;
    const count = run.of(place, "by_step").values[index];
    const words = [count ? `${count} of ${run.bits} wrong` : "right", written].filter(Boolean).join("; ");
    bottom = nowRow(c, bottom, name, words, at(run.of(place, "probability"), index).values, wrong);
  });
  return bottom;
}

function momentWords(run, step) {
  const when = `step ${step} of 0 to ${run.steps - 1}`;
  if (step === run.length) return `${when}: the marker, the list is over`;
  return step < run.length ? `${when}: vector ${step} of the list is heard` : `${when}: vector ${step - run.first} of the answer is due`;
}

/** What the picture shows, for those who do not see it. */
export function sideSummary(run, model) {
  const step = model.get("step");
  const all = run.length * run.bits;
  const each = run.machines.map(({ name, wrong }, place) => {
    const here = step >= run.first ? `${wrongWords(run, place, step - run.first)} here, ` : "";
    return `${name}: ${here}${wrong} of ${all} bits wrong in all`;
  });
  const length = `a list of ${run.length} vector${run.length > 1 ? "s" : ""}`;
  return [`${length}, ${momentWords(run, step)}`, ...each].join("; ");
}

/** The lanes and the axis, the same at every step; returns the bottom. */
function drawLanes(c, run, model) {
  drawInput(c, run, model);
  drawTarget(c, run, model);
  run.machines.forEach((_, place) => {
    const y = machineTop(run, place);
    drawSaid(c, y, run, place, model);
    drawStored(c, y + run.bits * BIT + BARS + 5, run, place, model);
  });
  const end = machineTop(run, run.machines.length);
  timeAxis(c, LANE_GUTTER, end - 6, wholeBox(c, 0, 0).width, run.steps);
  c.text(0, end + 2, "step", { size: 10, color: c.theme.soft });
  return end + 16;
}

/** Draw the lanes and the step; returns the bottom. */
export function drawSide(c, run, model) {
  const bottom = c.layer("lanes", 0, "", () => drawLanes(c, run, model));
  if (run.answers(model)) {
    heardWords(c, run);
    run.machines.forEach((_, place) => countWords(c, run, place, model.get("step")));
  }
  drawMoment(c, LANES_TOP, machineTop(run, run.machines.length) - 6, run, model);
  return drawNow(c, bottom, run, model) + 4;
}
