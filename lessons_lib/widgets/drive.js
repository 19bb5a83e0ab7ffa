// Drive the machine: the tape with its two heads, what the learner chose, and what that choice
// emits. Every key is sent to the kernel, which answers with all numbers; nothing is computed here.
import { Canvas, askForKernel, format, make, makeLive, makeRoot, readNumbers, showProblems } from "./shared.js";
import { HEADS, drawGame, drawPaths, most } from "./drive_tape.js";
import { Panel, choice } from "./drive_panel.js";
import { addRange } from "./toolbar.js";

const KEYS = [
  ["↑ ↓", "write or read head"], ["← →", "its step"], ["Home", "from the start mark"], ["J", "the next key to look for"],
  ["1–4", "look for a priority"], ["Esc", "from here"], ["space", "write, or give out"], ["Enter", "do the step"],
  ["U", "undo"], ["X", "restart"], ["S", "show me how"], ["N", "next level"], ["L", "the learned machine's moves"], ["?", "these keys"],
];

function gameBar(root, send) {
  const bar = make(root, "div", "toolbar");
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
  const bounds = { min: 1, max: 20, step: 0.05 };
  const gamma = addRange(label, "γ, sharpening", bounds, (value) => send({ name: "sharpening", value }));
  gamma.style.width = "110px";
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
  const live = makeLive(root);
  const stopAsking = askForKernel(root, model, live);
  const send = (press) => {
    try {
      model.send({ kind: "press", ...press });
    } catch {
      /* no kernel: askForKernel says so */
    }
  };
  const updateBar = gameBar(live, send);
  const goal = make(live, "p", "goal");
  const [name, words] = [make(goal, "strong"), make(goal, "span")];
  const score = make(live, "p", "score");
  const canvas = new Canvas(live, (c) => drawGame(c, model));
  canvas.element.tabIndex = 0;
  canvas.element.setAttribute("aria-label", "tape and heads");
  const go = make(live, "div", "go");
  const enter = choice(go, "do the step (Enter)", { name: "enter" }, send);
  enter.classList.add("enter");
  const status = make(go, "p", "status");
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  const updateEnding = ending(live, send);
  const paths = new Canvas(live, (c) => drawPaths(c, model));
  const heads = make(live, "div", "heads");
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
