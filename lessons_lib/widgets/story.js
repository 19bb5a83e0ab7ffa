// The story stepper: a machine reads word by word; everything was computed before the first step.
import { Canvas, askForKernel, at, bindKeys, format, largest, make, makeLive, makeRoot, readNumbers, showProblems } from "./shared.js";
import { Player, addButton, addChoice, addRange } from "./toolbar.js";
import { StoryTable, signed } from "./story_table.js";
import { drawSlots, strongestSlot } from "./story_slots.js";

const SPEEDS = [["slow", 1000], ["medium", 400], ["fast", 120]]; // milliseconds a word

/** The chosen machine's words and numbers. */
function readMachine(model) {
  const view = model.get("view");
  const place = view.machines.findIndex(({ name }) => name === model.get("machine"));
  const numbers = {};
  for (const [name, tensor] of Object.entries(readNumbers(model))) {
    const [owner, ...part] = name.split(".");
    if (Number(owner) === place) numbers[part.join(".")] = tensor;
  }
  for (const name of ["memory", "state"]) if (numbers[name]) numbers[name].limit = largest(numbers[name].values);
  return { view, numbers, machine: view.machines[place] };
}

/** Go to a word. The page alone knows: stepping sends nothing. */
function moveTo(model, step) {
  const last = model.get("view").words.length - 1;
  model.set("step", Math.min(Math.max(step, 0), last));
}

/** Go to the first word of the sentence before or after. */
function moveBySentence(model, by) {
  const { origins } = model.get("view");
  const step = model.get("step");
  const starts = origins.flatMap((origin, index) => (index && origins[index - 1] === origin ? [] : [index]));
  const next = by > 0 ? starts.find((start) => start > step) : starts.findLast((start) => start < step);
  moveTo(model, next ?? (by > 0 ? origins.length - 1 : 0));
}

/** What is read now, in one line. */
function tellWord({ view, numbers, machine }, step, answered) {
  const origin = view.origins[step];
  const where = origin <= view.sentences ? `sentence ${origin}` : "after the story";
  const told = [`word ${step + 1} of ${view.words.length}, ${where}: “${view.words[step]}”`];
  if (numbers.gate) told.push(`gate f = ${format(numbers.gate.values[step])}`);
  if (numbers.written) told.push(`written mostly into ${strongestSlot(at(numbers.written, step).values, machine.slots)}`);
  if (answered && numbers.per_word) told.push(`evidence ${signed(numbers.per_word.values[step])}`);
  return told.join(" · ");
}

// --- The controls --------------------------------------------------------------------------------

function controls(bar, model) {
  const move = (by) => {
    player.stop();
    moveTo(model, model.get("step") + by);
  };
  const last = () => model.get("view").words.length - 1;
  const jump = (step) => move(step - model.get("step"));
  addButton(bar, "|◀", "first word", () => jump(0));
  addButton(bar, "◀", "one word back", () => move(-1));
  const play = addButton(bar, "▶ play", "play or pause (space)", () => toggle());
  addButton(bar, "▶", "one word on", () => move(1));
  addButton(bar, "▶|", "to GO, where the answer is due", () => jump(last()));
  const next = () => {
    moveTo(model, model.get("step") + 1);
    return model.get("step") < last();
  };
  const player = new Player(next, (playing) => (play.textContent = playing ? "❚❚ pause" : "▶ play"));
  const toggle = () => {
    if (!player.playing && model.get("step") === last()) moveTo(model, 0);
    player.toggle();
  };
  const slider = addRange(bar, "word", { min: 0 }, jump);
  const speed = addChoice(bar, "", "speed of playing", SPEEDS, (value) => player.setPause(Number(value)));
  speed.value = "400";
  const update = () => {
    slider.max = last();
    slider.value = model.get("step");
  };
  const sentence = (by) => {
    player.stop();
    moveBySentence(model, by);
  };
  const keys = {
    ArrowLeft: () => move(-1), ArrowRight: () => move(1), ArrowUp: () => sentence(-1), ArrowDown: () => sentence(1),
    PageUp: () => move(-10), PageDown: () => move(10), Home: () => jump(0), End: () => jump(last()), " ": toggle,
  };
  return { update, keys, stop: () => player.stop() };
}

function machineChoice(bar, model) {
  const names = model.get("view").machines.map(({ name }) => name);
  if (names.length < 2) return () => {};
  const select = addChoice(bar, "read by ", "which machine reads the story", names.map((name) => [name, name]), (name) => model.set("machine", name));
  const update = () => (select.value = model.get("machine"));
  update();
  return update;
}

// --- A story of one's own ------------------------------------------------------------------------

/** The box for a story; its text and the request travel as one message. */
function ownStory(root, model) {
  const place = make(root, "details", "own");
  place.open = true;
  make(place, "summary", "", "Your own story: a sentence a line, the question last (this part needs a running kernel)");
  const live = makeLive(place);
  const stopAsking = askForKernel(place, model, live);
  const row = make(live, "div", "typed");
  const box = make(row, "textarea");
  box.rows = Math.min(10, model.get("view").text.split("\n").length + 1);
  box.value = model.get("view").text;
  box.spellcheck = false;
  box.setAttribute("aria-label", "your own story");
  const side = make(row, "div", "side");
  const ask = () => {
    said.textContent = "asked; the answer comes when the kernel is free …";
    said.className = "said";
    try {
      model.send({ kind: "ask", text: box.value, machine: model.get("machine") });
    } catch {
      said.textContent = "⚠ no kernel: this page cannot ask";
    }
  };
  addButton(side, "let it read this", "let the machine read the story that you typed (Ctrl + Enter)", ask);
  make(side, "span", "hint", "or Ctrl + Enter");
  const said = make(side, "div", "said");
  said.setAttribute("role", "status");
  const words = make(side, "details");
  make(words, "summary", "", "the words that it knows");
  const known = make(words, "p", "known");
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    ask();
  });
  const answered = (refused, verdict) => {
    said.textContent = refused ? `⚠ ${refused}. The story above is still the former one.` : verdict;
    said.className = refused ? "said problem" : "said";
  };
  const tellKnown = (machine) => (known.textContent = machine.known.join(", "));
  return { answered, tellKnown, stop: stopAsking };
}

// --- The widget ----------------------------------------------------------------------------------

/** The answer and what it rests on, or that they are still to come. */
function showVerdict(place, machine, answered) {
  place.replaceChildren();
  if (machine.lacks) make(place, "p", "lacks", machine.lacks);
  if (!answered) return void make(place, "p", "hint", "The answer, and what it rests on, come with the last word, GO.");
  make(place, "p", "answer", machine.verdict);
  const list = make(place, "ul");
  for (const words of machine.rests) make(list, "li", "", words);
}

/** The theme's colours, for what is drawn outside the canvas. */
function colour(root, theme) {
  const colours = { bar: `rgb(${theme.positive.join(",")})`, accent: theme.accent, paper: theme.background };
  for (const [name, value] of Object.entries(colours)) root.style.setProperty(`--${name}`, value);
}

function render({ model, el }) {
  const root = makeRoot(el, "story stepper");
  if (model.get("title")) make(root, "strong", "", model.get("title"));
  const stopProblems = showProblems(root, model);
  const stage = make(root, "div");
  const bar = make(stage, "div", "toolbar");
  const { update, keys, stop } = controls(bar, model);
  const updateMachine = machineChoice(bar, model);
  const line = make(stage, "p", "reading");
  const table = new StoryTable(stage, (step) => moveTo(model, step));
  const refused = make(stage, "div", "problem");
  const verdict = make(stage, "div", "verdict");
  let [shown, step, answered, theme, told] = [readMachine(model), 0, false];
  const canvas = new Canvas(stage, (c) => {
    if (c.theme !== theme) colour(root, (theme = c.theme));
    return shown.machine.refused ? 10 : drawSlots(c, shown, step, answered);
  });
  canvas.element.tabIndex = 0;
  bindKeys(stage, keys);
  make(stage, "p", "hint", "keys: ← → word, ↑ ↓ sentence, Home, End, space plays; click a word to go there; hover for the numbers");
  const own = ownStory(root, model);

  const redraw = () => {
    if (model.get("view").count !== shown.view.count) return; // another story is just arriving
    step = model.get("step");
    answered ||= step === shown.view.words.length - 1;
    update();
    const can = !shown.machine.refused;
    for (const part of [line, table.outer, verdict, canvas.frame]) part.hidden = !can;
    refused.hidden = can;
    refused.textContent = `⚠ ${shown.machine.name} cannot read this story: ${shown.machine.refused}`;
    if (!can) return;
    line.textContent = tellWord(shown, step, answered);
    table.show(step, answered);
    const verdictOf = `${shown.machine.name} ${shown.view.count} ${answered}`;
    if (told !== verdictOf) showVerdict(verdict, shown.machine, answered);
    told = verdictOf;
    canvas.now();
    canvas.say([line.textContent, ...(answered ? [shown.machine.verdict] : [])].join(". "));
  };
  const rebuild = () => {
    if (model.get("view").count === shown.view.count) build();
  };
  const build = () => {
    shown = readMachine(model);
    if (!shown.machine.refused) table.build(shown.view, shown.numbers);
    own.tellKnown(shown.machine);
    updateMachine();
    redraw();
  };
  const arrive = () => {
    const view = model.get("view");
    if (view.refused) shown.view = view; // the story is the former one
    else {
      stop();
      answered = false;
      model.set("machine", view.machine);
      model.set("step", view.step);
      build();
    }
    own.answered(view.refused, view.step ? shown.machine.verdict : "");
    root.dataset.shown = view.count;
  };
  model.on("change:step", redraw);
  model.on("change:machine", rebuild);
  model.on("change:view", arrive);
  build();
  root.dataset.shown = shown.view.count;
  return () => {
    stop();
    own.stop();
    stopProblems();
    canvas.stop();
    model.off("change:step", redraw);
    model.off("change:machine", rebuild);
    model.off("change:view", arrive);
  };
}

export default { render };
