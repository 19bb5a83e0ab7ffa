// Side by side: machines copy one list in step; the kernel runs another length or another list.
import { Canvas, askForKernel, bindKeys, make, makeLive, makeRoot, showProblems } from "./shared.js";
import { addButton, addRange, addSteps, go } from "./toolbar.js";
import { SideRun, drawSide, sideSummary } from "./side_lanes.js";
import { drawErrors, errorsSummary } from "./side_errors.js";

const REST = 250; // milliseconds without another length, after which the write paths are asked for

/** Go through the steps; what is drawn is here already. */
function stepBar(bar, model) {
  const move = (by) => {
    const step = model.get("step");
    go(model, step + by);
    return model.get("step") !== step;
  };
  return addSteps(bar, model, { move, first: () => go(model, 0), last: () => go(model, Infinity), pause: 100 });
}

/** The slider of the length and the button of another list, in the group `live` that needs a kernel. */
function listBar(live, model) {
  const bar = make(live, "div", "toolbar");
  const label = make(bar, "label", "", "length ");
  label.style.cssText = "display: flex; flex: 1 1 300px; align-items: center; gap: 6px";
  const { longest } = model.get("view");
  const slider = addRange(label, "length of the list", { min: 1, max: longest }, (length) => choose(length));
  const said = make(bar, "output");
  const ask = (changes) => {
    if (live.disabled) return;
    for (const [name, value] of Object.entries(changes)) model.set(name, value);
    model.save_changes(); // both in one message: the kernel never sees the one without the other
  };
  const choose = (length) => ask({ length: Math.min(Math.max(length, 1), longest) });
  const another = () => ask({ length: model.get("length"), sequence: model.get("sequence") + 1 });
  addButton(bar, "another list", "another list of this length (N); needs a running kernel", another);
  slider.addEventListener("keydown", (event) => {
    if (/^(Arrow|Home|End|Page)/.test(event.key)) event.stopPropagation(); // they move this slider
  });
  const update = () => {
    const length = model.get("length");
    slider.value = length;
    said.textContent = `${length} vector${length > 1 ? "s" : ""}, list ${model.get("sequence") + 1}`;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  const by = (more) => () => choose(model.get("length") + more);
  const keys = { n: another, N: another, "+": by(1), "=": by(1), "-": by(-1), "−": by(-1) };
  return { update, keys, choose };
}

/** Ask for the write paths once no other length has been asked for; returns how to begin and to stop. */
function pathsWhenAtRest(model) {
  let timer;
  const begin = (run) => {
    clearTimeout(timer);
    if (run.machines[0].stored) return;
    timer = setTimeout(() => {
      if (model.get("length") !== run.length || model.get("sequence") !== run.sequence) return begin(run);
      try {
        model.send({ kind: "paths", count: run.count });
      } catch {
        /* no connection: the saved picture stays as it is */
      }
    }, REST);
  };
  return { begin, stop: () => clearTimeout(timer) };
}

function render({ model, el }) {
  const root = makeRoot(el, "side by side");
  if (model.get("title")) make(root, "strong", "", model.get("title"));
  const stopProblems = showProblems(root, model);
  let run = new SideRun(model);
  const live = makeLive(root);
  const lists = listBar(live, model);
  const stopAsking = askForKernel(root, model, live);
  const steps = stepBar(make(root, "div", "toolbar"), model);
  make(root, "div", "hint", "keys ← → home end, space plays · + − a vector more or less, N another list · deep colour: 1 · × a wrong bit · orange bars: how many · click a column");
  const panels = make(root, "div"); // beside each other where there is room
  panels.style.cssText = "display: flex; flex-wrap: wrap; align-items: flex-start";
  const lanes = new Canvas(panels, (c) => drawSide(c, run, model));
  const errors = new Canvas(panels, (c) => drawErrors(c, run, lists.choose));
  lanes.frame.style.cssText = "flex: 3 1 640px; min-width: 0";
  errors.frame.style.cssText = "flex: 1 1 330px; min-width: 0";
  lanes.element.tabIndex = 0;
  bindKeys(root, { ...steps.keys, ...lists.keys });
  const paths = pathsWhenAtRest(model);
  const redraw = () => {
    lanes.now(); // first, while nothing else has changed the page's layout
    steps.update();
    lanes.say(sideSummary(run, model));
  };
  const reload = () => {
    run = new SideRun(model);
    lanes.layers.clear();
    lists.update();
    redraw();
    errors.now();
    errors.say(errorsSummary(run));
    paths.begin(run);
  };
  const moved = () => {
    if (model.get("steps") === run.steps) redraw(); // else the numbers of another list are coming
  };
  const events = { step: moved, length: lists.update, sequence: lists.update, view: reload };
  for (const [name, call] of Object.entries(events)) model.on(`change:${name}`, call);
  for (const { update } of [steps, lists]) update();
  for (const canvas of [lanes, errors]) canvas.later();
  lanes.say(sideSummary(run, model));
  errors.say(errorsSummary(run));
  paths.begin(run);
  return () => {
    for (const part of [steps, paths, lanes, errors]) part.stop();
    stopProblems();
    stopAsking();
    for (const [name, call] of Object.entries(events)) model.off(`change:${name}`, call);
  };
}

export default { render };
