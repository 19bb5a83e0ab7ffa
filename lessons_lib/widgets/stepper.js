// The tape stepper: time runs to the right in every panel; below, the step itself.
import { Canvas, at, bindKeys, format, make, makeRoot, showProblems } from "./shared.js";
import { addButton, addChoice, addSteps, go, put } from "./toolbar.js";
import { Tape, percent } from "./stepper_tape.js";
import { GUTTER, overTime, strongest } from "./stepper_time.js";
import { STAGES, memoryStep, unitStep } from "./stepper_step.js";

// --- Going through the steps ---------------------------------------------------------------------------

/** Go on by a step, or by a stage where stages are shown; false at the end. */
function forward(model, by) {
  const [step, last] = [model.get("step"), model.get("steps") - 1];
  const stage = STAGES.indexOf(model.get("stage"));
  const next = stage < 0 ? undefined : STAGES[stage + by];
  if (next) put(model, "stage", next);
  else if (step + by < 0 || step + by > last) return false;
  else {
    go(model, step + by);
    if (stage >= 0) put(model, "stage", STAGES.at(by > 0 ? 0 : -1));
  }
  return true;
}

/** Put both first, then draw: a jump to an end shows its whole step. */
function toEnd(model, step, stage) {
  if (model.get("stage") !== "whole") put(model, "stage", stage);
  go(model, step);
}

function stepControls(bar, model) {
  const first = () => toEnd(model, 0, STAGES[0]);
  const last = () => toEnd(model, Infinity, STAGES.at(-1));
  return addSteps(bar, model, { move: (by) => forward(model, by), first, last, pause: 400 });
}

// --- What of a step is shown -----------------------------------------------------------------------------

/** Buttons that stay pressed: the stage of a step, changes alone, the controller's gates. */
function viewControls(bar, model, tape) {
  const pressed = [];
  const toggle = (place, words, label, is, action) => {
    const button = addButton(place, words, label, action);
    pressed.push(() => button.setAttribute("aria-pressed", String(is())));
  };
  const keys = {};
  if (tape.memory?.[0].erased) {
    const group = make(bar, "span", "group");
    group.setAttribute("role", "group");
    group.setAttribute("aria-label", "how much of a step is shown");
    ["whole", ...STAGES].forEach((stage, number) => {
      const set = () => put(model, "stage", stage);
      const [words, label] = number ? [`${number} ${stage}`, `stage ${number} of a step: ${stage} (key ${number})`] : ["whole steps", "whole steps (key 0)"];
      toggle(group, words, label, () => model.get("stage") === stage, set);
      keys[number] = set;
    });
    const changes = () => put(model, "changes", !model.get("changes"));
    toggle(bar, "changes alone", "draw what erase takes and what add puts, alone (C)", () => model.get("changes"), changes);
    Object.assign(keys, { c: changes, C: changes });
  }
  if (tape.memory && Object.keys(tape.names).length) {
    const gates = () => put(model, "gates", !model.get("gates"));
    toggle(bar, "controller's gates", "draw the gates of the controller's units (G)", () => model.get("gates"), gates);
    Object.assign(keys, { g: gates, G: gates });
  }
  const count = tape.numbers["read.weights"]?.shape[1] ?? 0;
  if (count > 3) {
    const options = Array.from({ length: count }, (_, head) => [`${head} of 0–${count - 1}`, head]);
    const chosen = addChoice(bar, "read head ", "which read head is drawn", options, (head) => put(model, "read_head", Number(head)));
    pressed.push(() => (chosen.value = model.get("read_head")));
  }
  return { keys, update: () => pressed.forEach((show) => show()) };
}

// --- Where it was written ----------------------------------------------------------------------------------

/** The largest source by its full name; the bits of the others would be too long. */
function sourceName(tape, step, rank) {
  if (step < 0) return "the start of the memory";
  return rank && !tape.labels.inputs ? `step ${step}` : tape.stepName(step);
}

/** What is read at a step, by the step that wrote it, in words; "" where the trace does not tell. */
function sourceWords(tape, step) {
  if (!tape.numbers["origin.read_step"]) return "";
  if (at(tape.numbers.reads, step).values.some(Number.isNaN)) return "What is read here is not finite.";
  const sources = tape.sources(step);
  if (!sources.length) return "What is read here is 0: nobody wrote it.";
  const named = sources.map((source, rank) => `${sourceName(tape, source.step, rank)} (${percent(source.share)})`);
  const who = tape.numbers.reads.shape[1] > 1 ? "What the read heads read here, all together, comes from" : "What is read here comes from";
  return `${who}: ${named.join("; ")}.`;
}

/** The line that says where what is read was written, and the buttons that go there and back. */
function sourceControls(root, model, getTape) {
  const bar = make(root, "div", "toolbar");
  const from = [];
  const source = () => getTape().sources(model.get("step"))[0]?.step ?? -1;
  const jump = () => {
    const [step, wanted] = [model.get("step"), source()];
    if (wanted < 0 || wanted === step) return;
    from.push(step);
    go(model, wanted);
  };
  const back = () => from.length && go(model, from.pop());
  const there = addButton(bar, "↤ where it was written", "go to the step that wrote what is read here (W)", jump);
  const here = addButton(bar, "↦ back", "go back to the step that reads it (B)", back);
  const words = make(bar, "span", "source");
  const update = () => {
    const [step, wanted] = [model.get("step"), source()];
    bar.hidden = !getTape().numbers["origin.read_step"];
    there.disabled = wanted < 0 || wanted === step;
    here.disabled = !from.length;
    words.textContent = sourceWords(getTape(), step);
  };
  return { update, keys: { w: jump, W: jump, b: back, B: back } };
}

// --- The widget ---------------------------------------------------------------------------------------------

function summary(tape, model) {
  const step = model.get("step");
  const parts = [`step ${step} of 0 to ${tape.steps - 1}`];
  if (model.get("stage") !== "whole") parts.push(`stage ${model.get("stage")}`);
  for (const name of ["inputs", "outputs"]) {
    const symbol = tape.symbol(name, step);
    if (symbol) parts.push(`${name.slice(0, -1)} ${symbol}`);
  }
  for (const head of tape.heads(model.get("read_head"))) {
    const { slot, weight } = strongest(tape, head, step);
    parts.push(Number.isNaN(weight) ? `${head.name}: not finite` : `${head.name} mostly at slot ${slot}, ${format(weight)}`);
  }
  return [...parts, sourceWords(tape, step)].filter(Boolean).join("; ");
}

function drawAll(c, tape, model) {
  c.drawn.GUTTER = Float32Array.of(GUTTER); // where the columns of the steps begin
  let bottom = overTime(c, tape, model) + 6;
  if (!tape.memory) return unitStep(c, tape, model, bottom) + 4;
  bottom = memoryStep(c, tape, model, bottom);
  return (model.get("gates") ? unitStep(c, tape, model, bottom) : bottom) + 4;
}

function render({ model, el }) {
  const root = makeRoot(el, "tape stepper");
  if (model.get("title")) make(root, "strong", "", model.get("title"));
  const stopProblems = showProblems(root, model);
  let tape = new Tape(model);
  const steps = stepControls(make(root, "div", "toolbar"), model);
  const views = viewControls(make(root, "div", "toolbar"), model, tape);
  const sources = sourceControls(root, model, () => tape);
  const marks = tape.memory ? " · ▼ this step · ▽ where what it reads was written" : "";
  make(root, "div", "hint", `keys ← → home end, space plays · click a column${marks}`);
  const canvas = new Canvas(root, (c) => drawAll(c, tape, model));
  canvas.element.tabIndex = 0;
  bindKeys(root, { ...steps.keys, ...views.keys, ...sources.keys });
  const redraw = () => {
    canvas.now(); // first, while nothing else has changed the page's layout
    for (const { update } of [steps, views, sources]) update();
    canvas.say(summary(tape, model));
  };
  const reload = () => {
    tape = new Tape(model);
    canvas.layers.clear();
    redraw();
  };
  const watched = [["step", redraw], ["stage", redraw], ["changes", redraw], ["gates", redraw], ["read_head", redraw], ["numbers", reload]];
  for (const [name, call] of watched) model.on(`change:${name}`, call);
  for (const { update } of [steps, views, sources]) update();
  canvas.later();
  canvas.say(summary(tape, model));
  return () => {
    steps.stop();
    stopProblems();
    canvas.stop();
    for (const [name, call] of watched) model.off(`change:${name}`, call);
  };
}

export default { render };
