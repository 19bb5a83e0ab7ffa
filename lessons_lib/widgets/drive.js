// Drive the machine: the tape with its two heads, what the learner chose, and what that choice
// emits. Every key is sent to the kernel, which answers with all numbers; nothing is computed here.
import { Canvas, askForKernel, at, format, formatLong, make, makeRoot, readNumbers, showProblems, timeAxis } from "./shared.js";

const LEFT = 96; // room for the names at the left
const HEADS = ["write", "read"];
const SYMBOLS = {
  key: "k", key_strength: "β", gate: "g", shift: "s", sharpening: "γ", erase: "e", add: "a",
};
const KEYS = [
  ["↑ ↓", "write or read head"], ["← →", "its step"], ["Home", "from the start mark"], ["J", "the next key to look for"],
  ["1–4", "look for a priority"], ["Esc", "from here"], ["space", "write, or give out"], ["Enter", "do the step"],
  ["U", "undo"], ["X", "restart"], ["S", "show me how"], ["N", "next level"], ["L", "the learned machine's moves"], ["?", "these keys"],
];

// --- The lists: what comes in, what goes out ---------------------------------------------------

/** Draw a symbol: eight numbers as two rows of four, deeper where larger, and its name below. */
function symbol(c, values, { x, y, width, height }, name, words, more = "") {
  const grid = { shape: [2, 4], values };
  const tell = (row, column) => `${more || words}, number ${row * 4 + column}: ${formatLong(values[row * 4 + column])}`;
  c.cells({ x, y, width, height }, grid, { name, limit: 1, tell });
  c.text(x + width / 2, y + height + 11, words, { align: "center", size: 12, bold: true, fit: width + 6 });
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

function most(values) {
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
    c.text(0, middle - 8, `${active ? "▶ " : ""}${which} head`, { bold: true, color: active ? c.theme.accent : c.theme.ink, fit: LEFT - 4 });
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

function drawGame(c, model) {
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

// --- The choices and what they emit --------------------------------------------------------------

function drawPattern(place, values) {
  const box = make(place, "span", "pattern");
  box.setAttribute("role", "img");
  box.setAttribute("aria-label", Array.from(values, (value) => format(value)).join(" "));
  box.title = box.getAttribute("aria-label");
  for (const value of values) make(box, "i").style.opacity = String(Math.min(1, Math.max(0, value)));
}

/** Two digits at most, and none that are not needed: 0.9, 1, 20. */
function short(value) {
  return String(Number(value.toFixed(2))).replace("-", "−");
}

/** A button that says whether it is chosen, and sends a press. */
function choice(place, words, press, send) {
  const made = make(place, "button", "", words);
  made.type = "button";
  made.addEventListener("click", () => send(press));
  return made;
}

/** One head's panel: its choices, and beside them the numbers a controller has to emit. */
class Panel {
  constructor(place, which, send) {
    this.which = which;
    this.send = send;
    this.element = make(place, "section", "head");
    this.element.setAttribute("aria-label", `${which} head`);
    const title = make(this.element, "h4");
    this.title = make(title, "span");
    make(title, "small", "", which === "write" ? "key ↑" : "key ↓");
    this.rows = {};
    for (const name of ["from", "step", "then"]) this.rows[name] = this.row(name);
    this.buttons = {};
    for (const [step, words] of [[-1, "← left"], [0, "stay"], [1, "right →"]]) {
      this.buttons[`step ${step}`] = choice(this.rows.step, words, { name: "step", value: step, head: which }, send);
    }
    const acts = which === "write" ? ["nothing", "write the input"] : ["nothing", "give out the read"];
    acts.forEach((words, act) => {
      this.buttons[`act ${Boolean(act)}`] = choice(this.rows.then, words, { name: "act", value: Boolean(act), head: which }, send);
    });
    this.emits = make(this.element, "div", "emits");
  }

  row(name) {
    const made = make(this.element, "div", "choices");
    made.setAttribute("role", "group");
    made.setAttribute("aria-label", `${this.which} head, ${name}`);
    make(made, "span", "", name);
    return made;
  }

  /** Make the buttons of the origins anew where another level has others. */
  origins(list) {
    const wanted = list.map(([name]) => name).join();
    if (this.known === wanted) return;
    this.known = wanted;
    this.rows.from.querySelectorAll("button").forEach((button) => button.remove());
    for (const [name, words] of list) {
      const made = choice(this.rows.from, words, { name: "origin", value: name, head: this.which }, this.send);
      if (/^\d$/.test(name)) made.title = `look for priority ${name}`;
      this.buttons[`origin ${name}`] = made;
    }
  }

  update(view, numbers) {
    const { which } = this;
    const plan = view.plan[which];
    const active = view.active === which && !view.demo;
    this.element.classList.toggle("active", active);
    this.title.textContent = `${active ? "▶ " : ""}${which === "write" ? "Write" : "Read"} head${active ? ", active" : ""}`;
    this.origins(view.origins);
    for (const [name, button] of Object.entries(this.buttons)) {
      const [kind, value] = name.split(" ");
      button.setAttribute("aria-pressed", String(String(plan[kind]) === value));
    }
    this.numbers(view, numbers, plan.means);
  }

  numbers(view, numbers, means) {
    const { which, emits } = this;
    emits.replaceChildren();
    const line = (symbolText, fill, words) => {
      make(emits, "b", "", symbolText);
      fill(make(emits, "span", "value"));
      make(emits, "span", "means", words);
    };
    const own = { erase: "erase_vector", add: "add_vector" };
    for (const [name, words] of Object.entries(means)) {
      const { values } = numbers[own[name] ?? `${which}.${name}`];
      const fill = (place) => {
        if (values.length === 8) drawPattern(place, values);
        else place.textContent = Array.from(values, short).join(" · ");
        if (name === "shift") place.title = "back · stay · forward";
      };
      line(SYMBOLS[name], fill, words);
    }
    if (which === "read") line("r", (place) => drawPattern(place, numbers.reads.values), `it then reads: ${view.reads}`);
  }
}

// --- Beside the learned machine --------------------------------------------------------------------

function drawPaths(c, model) {
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

// --- The widget --------------------------------------------------------------------------------------

function toolbar(place, send) {
  const bar = make(place, "div", "toolbar");
  const button = (words, press, title = "") => {
    const made = choice(bar, words, press, send);
    made.title = title;
    return made;
  };
  const level = make(bar, "select");
  level.setAttribute("aria-label", "level");
  level.addEventListener("change", () => send({ name: "level", value: level.value }));
  button("new list", { name: "list" });
  button("restart", { name: "restart" }, "key X");
  const undo = button("undo", { name: "undo" }, "key U");
  button("show me how", { name: "show" }, "key S");
  const soft = make(make(bar, "label", "", "soft shifts "), "input");
  soft.type = "checkbox";
  soft.addEventListener("change", () => send({ name: "soft", value: soft.checked }));
  const label = make(bar, "label", "", "γ ");
  const gamma = make(label, "input");
  Object.assign(gamma, { type: "range", min: 1, max: 20, step: 0.05 });
  gamma.style.width = "110px";
  gamma.setAttribute("aria-label", "γ, sharpening");
  gamma.addEventListener("input", () => send({ name: "sharpening", value: Number(gamma.value) }));
  const said = make(label, "output");
  said.style.minWidth = "3em";
  return (view) => {
    if (level.options.length === 0) view.levels.forEach((name, place) => level.add(new Option(`${place + 1}. ${name}`, name)));
    level.value = view.level;
    undo.disabled = !view.undo;
    soft.checked = view.soft;
    if (document.activeElement !== gamma) gamma.value = view.sharpening;
    said.textContent = ` ${format(view.sharpening)}`;
  };
}

/** What each key sends; undefined for a key that is none of ours. */
function pressOf(key, view) {
  const fixed = {
    ArrowUp: { name: "head", value: "write" }, ArrowDown: { name: "head", value: "read" },
    ArrowLeft: { name: "by", value: -1 }, ArrowRight: { name: "by", value: 1 },
    Home: { name: "origin", value: "start" }, Escape: { name: "origin", value: "here" },
    j: { name: "key" }, " ": { name: "act" }, Enter: { name: "enter" }, u: { name: "undo" }, Backspace: { name: "undo" },
    x: { name: "restart" }, s: { name: "show" }, n: { name: "next" }, l: { name: "learned" },
    w: { name: "head", value: "write" }, r: { name: "head", value: "read" },
  };
  if (/^\d$/.test(key)) return view.origins.some(([name]) => name === key) ? { name: "origin", value: key } : undefined;
  return fixed[key] ?? fixed[key.toLowerCase()];
}

/** Whether a key belongs to the button, slider or list that has the focus. */
function isNative({ tagName, type }, key) {
  if (tagName === "SELECT") return true;
  if (type === "range") return /^(Arrow|Home|End|Page)/.test(key);
  return (type === "checkbox" && key === " ") || (["BUTTON", "SUMMARY"].includes(tagName) && [" ", "Enter"].includes(key));
}

function bindGame(root, model, send, help) {
  root.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation(); // the notebook would take arrow keys away from the slider
    if (isNative(target, key)) return;
    const press = pressOf(key, model.get("view"));
    if (key === "?") help.open = !help.open;
    else if (press) send(press);
    else return;
    event.preventDefault();
  });
}

function listKeys(place) {
  const help = make(place, "details", "keys");
  help.open = true;
  make(help, "summary", "", "Keys (click the tape first, or reach it with Tab)");
  for (const [key, words] of KEYS) {
    const one = make(help, "span");
    make(one, "kbd", "", key);
    one.append(` ${words}`);
    help.append(" "); // where the line may break
  }
  return help;
}

/** While a way to play is shown, ask for its next step now and then. */
function playDemo(model, send) {
  let timer;
  const update = () => {
    const { showing } = model.get("view");
    if (showing) timer ??= setInterval(() => send({ name: "tick" }), 1100);
    else timer = clearInterval(timer);
  };
  return { update, stop: () => clearInterval(timer) };
}

function ending(place, send) {
  const box = make(place, "div", "ending");
  const words = make(box, "strong");
  const go = make(box, "span", "go");
  const next = choice(go, "next level (N)", { name: "next" }, send);
  const learned = choice(go, "the learned machine's own moves (L)", { name: "learned" }, send);
  return (view) => {
    box.hidden = !view.end;
    words.textContent = view.demo ? `Shown, not played: ${view.end}` : view.end;
    next.hidden = view.demo;
    learned.hidden = view.demo || !view.canCompare;
    learned.setAttribute("aria-pressed", String(Boolean(view.compared)));
  };
}

function render({ model, el }) {
  const root = makeRoot(el, "drive the machine");
  const stopProblems = showProblems(root, model);
  const stopAsking = askForKernel(root, model);
  const send = (press) => {
    try {
      model.send({ kind: "press", ...press });
    } catch {
      /* no kernel: askForKernel says so */
    }
  };
  const updateBar = toolbar(root, send);
  const goal = make(root, "p", "goal");
  const [name, words] = [make(goal, "strong"), make(goal, "span")];
  const score = make(root, "p", "score");
  const canvas = new Canvas(root, (c) => drawGame(c, model));
  canvas.element.tabIndex = 0;
  canvas.element.setAttribute("aria-label", "tape and heads");
  const go = make(root, "div", "go");
  const enter = choice(go, "do the step (Enter)", { name: "enter" }, send);
  enter.classList.add("enter");
  const status = make(go, "p", "status");
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  const updateEnding = ending(root, send);
  const paths = new Canvas(root, (c) => drawPaths(c, model));
  const heads = make(root, "div", "heads");
  const panels = HEADS.map((which) => new Panel(heads, which, send));
  const help = listKeys(root);
  const demo = playDemo(model, send);
  bindGame(root, model, send, help);
  root.addEventListener("click", (event) => {
    const pressed = event.target.tagName === "BUTTON" || event.target.type === "checkbox";
    if (event.detail > 0 && pressed) canvas.element.focus({ preventScroll: true });
  });
  const update = () => {
    const view = model.get("view");
    const numbers = readNumbers(model);
    updateBar(view);
    name.textContent = `${view.level}:`;
    words.textContent = view.goal;
    score.textContent = (view.demo ? "shown: " : "") + view.score;
    for (const panel of panels) panel.update(view, numbers);
    if (status.textContent !== view.status) status.textContent = view.status;
    updateEnding(view);
    canvas.spoken.textContent = view.said;
    canvas.element.setAttribute("aria-label", summary(view, numbers));
    heads.hidden = enter.hidden = view.finished;
    paths.frame.hidden = !view.compared;
    demo.update();
  };
  const redraw = () => {
    update();
    canvas.tooltip.hidden = paths.tooltip.hidden = true; // it told of the step before
    canvas.now();
    if (model.get("view").compared) paths.now();
    root.dataset.shown = String(model.get("view").count);
  };
  model.on("change:view", redraw);
  update();
  canvas.later();
  return () => {
    demo.stop();
    stopProblems();
    stopAsking();
    canvas.stop();
    paths.stop();
    model.off("change:view", redraw);
  };
}

/** The tape in words, for those who do not see it. */
function summary(view, numbers) {
  const places = HEADS.map((which) => `${which} head mostly on slot ${most(numbers[`${which}.previous`].values)}`);
  const held = view.slots.map((words, slot) => [slot, words]).filter(([, words]) => words !== "empty");
  const tape = held.map(([slot, words]) => `slot ${slot} ${words}`).join(", ");
  return `${view.level}, input ${view.seen}; ${places.join("; ")}; tape: ${tape}; ${view.score}`;
}

export default { render };
