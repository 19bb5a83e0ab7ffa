// The gate explorer: each network is a row of lanes, time runs to the right, the gradient back.
import { Canvas, bindKeys, findKernel, formatLong, make, makeRoot, showProblems } from "./shared.js";
import { addButton, addChoice, addRange, go, put } from "./toolbar.js";
import { Explorer, goToUnit } from "./gates_numbers.js";
import { boundIndex, drawUpdate } from "./gates_flow.js";
import { arrival, drawSteps, equations } from "./gates_steps.js";

/** Plays forward to the end, or back from the loss, one step at a time. */
function player(model, pause) {
  let timer;
  let direction = 0;
  const show = [];
  const stop = () => {
    clearInterval(timer);
    direction = 0;
    show.forEach((call) => call(direction));
  };
  const play = (wanted) => {
    const before = direction;
    stop();
    if (before === wanted) return;
    const [step, last] = [model.get("step"), model.get("loss_at")];
    if (wanted > 0 && step === model.get("steps") - 1) go(model, 0);
    if (wanted < 0 && (step === 0 || step > last)) go(model, last);
    direction = wanted;
    show.forEach((call) => call(direction));
    timer = setInterval(() => {
      const from = model.get("step");
      go(model, from + direction);
      if (model.get("step") === from) stop();
    }, pause());
  };
  return { play, stop, show, back: () => direction < 0 };
}

/** Buttons, sliders and choices above the picture; returns how they follow and what keys do. */
function controls(bar, model, playing) {
  const move = (by) => go(model, model.get("step") + by);
  addButton(bar, "|◀", "first step", () => go(model, 0));
  addButton(bar, "◀", "one step back", () => move(-1));
  const back = addButton(bar, "", "play the gradient back from the loss, or pause (B)", () => playing.play(-1));
  const forward = addButton(bar, "", "play forward, or pause (space)", () => playing.play(1));
  addButton(bar, "▶", "one step on", () => move(1));
  addButton(bar, "▶|", "last step", () => go(model, Infinity));
  playing.show.push((direction) => {
    back.textContent = direction < 0 ? "❚❚ pause" : "◀ gradient back";
    forward.textContent = direction > 0 ? "❚❚ pause" : "play ▶";
  });
  playing.stop();
  const slider = addRange(bar, "step", { min: 0, max: model.get("steps") - 1 }, (step) => go(model, step));
  const said = make(bar, "output");
  const update = () => {
    slider.value = model.get("step");
    said.textContent = `step ${model.get("step")} of 0–${model.get("steps") - 1}`;
  };
  const keys = {
    ArrowLeft: () => move(-1), ArrowRight: () => move(1), PageUp: () => move(10), PageDown: () => move(-10),
    ArrowUp: () => goToUnit(model, model.get("unit") - 1), ArrowDown: () => goToUnit(model, model.get("unit") + 1),
    Home: () => go(model, 0), End: () => go(model, Infinity), " ": () => playing.play(1),
    b: () => playing.play(-1), B: () => playing.play(-1),
  };
  return { update, keys };
}

/** A box for the number of the unit; returns how it follows. */
function unitBox(bar, model) {
  const unit = make(make(bar, "label", "", "unit "), "input");
  const units = Math.max(...model.get("models").map((one) => one.units));
  Object.assign(unit, { type: "number", min: 0, max: units - 1, step: 1 });
  unit.setAttribute("aria-label", `unit, from 0 to ${units - 1}`);
  unit.style.width = "4.5em";
  unit.addEventListener("input", () => unit.value !== "" && goToUnit(model, Math.round(Number(unit.value))));
  const update = () => {
    if (document.activeElement !== unit || unit.value !== "") unit.value = model.get("unit");
  };
  return update;
}

/** The choice of the networks, the unit, and the button that moves the loss, which the kernel computes anew. */
function choices(bar, model) {
  const names = model.get("models").map(({ name }) => name);
  let shown;
  if (names.length > 1) {
    const options = [[names.join(" and "), "all"], ...names.map((name) => [`${name} alone`, name])];
    shown = addChoice(bar, "show ", "which networks are shown", options, (value) => put(model, "shown", value));
  }
  const updateUnit = unitBox(bar, model);
  const here = () => loss.disabled || put(model, "loss_at", model.get("step"));
  const loss = addButton(bar, "loss here", "put the loss at this step (L); needs a running kernel", here);
  loss.disabled = true;
  const needs = make(bar, "span", "hint", "(needs a kernel)");
  const stop = findKernel(model, () => {
    loss.disabled = false;
    needs.hidden = true;
  });
  const update = () => {
    if (shown) shown.value = model.get("shown");
    updateUnit();
  };
  return { update, keys: { l: here, L: here }, stop };
}

export function boundSlider(bar, model) {
  const label = make(bar, "label", "", "clip the gradient at v ");
  label.style.cssText = "display: flex; flex: 0 1 420px; align-items: center; gap: 6px";
  const choose = (place) => put(model, "clip", model.get("bounds")[place]);
  const slider = addRange(label, "v, the bound on the gradient's norm", { min: 0 }, choose);
  const said = make(bar, "output");
  return () => {
    slider.max = model.get("bounds").length - 1;
    slider.value = boundIndex(model);
    said.textContent = `v = ${formatLong(model.get("clip"))}`;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
}

function summary(explorer, model) {
  const step = model.get("step");
  const label = explorer.labels[step] ? `, input ${explorer.labels[step]}` : "";
  const parts = explorer.shown(model).map((one) => `${one.name}, unit ${one.own(model.get("unit"))}: ${equations(one, model.get("unit"), step).join("; ")}; ${arrival(one, step)}`);
  return [`step ${step} of 0 to ${explorer.steps - 1}${label}`, ...parts].join(". ");
}

function updateSummary(explorer, model) {
  const index = boundIndex(model);
  const parts = explorer.shown(model).map((one) => `${one.name}: norm of the gradient ${formatLong(one.get("total").values[0])} before, ${formatLong(one.get("clipped").values[index])} after clipping`);
  return `v = ${formatLong(model.get("clip"))}. ${parts.join(". ")}`;
}

/** Keep the keys of the number box and the sliders for themselves. */
function ownKeys(event) {
  const { type } = event.target;
  const range = type === "range" && /^(Arrow|Home|End|Page)/.test(event.key);
  if (range || (type === "number" && event.key !== " ")) event.stopPropagation();
}

function render({ model, el }) {
  const root = makeRoot(el, "gate explorer");
  if (model.get("title")) make(root, "strong", "", model.get("title"));
  const stopProblems = showProblems(root, model);
  let explorer = new Explorer(model);
  const bar = make(root, "div", "toolbar");
  const more = make(root, "div", "toolbar");
  const playing = player(model, () => Number(speed.value));
  const { update, keys } = controls(bar, model, playing);
  const chosen = choices(more, model);
  const speed = addChoice(more, "speed ", "speed of playing", [["slow", 1000], ["medium", 400], ["fast", 100]], playing.stop);
  speed.value = "400";
  make(more, "span", "hint", "keys: ← → step, ↑ ↓ unit, space plays, B back; click a column or a unit");
  const steps = new Canvas(root, (c) => drawSteps(c, explorer, model, playing));
  const lower = make(root, "div", "toolbar");
  const updateBound = boundSlider(lower, model);
  const parts = new Canvas(root, (c) => drawUpdate(c, explorer, model));
  steps.element.tabIndex = 0;
  playing.show.push(() => steps.later());
  for (const place of [bar, more, lower]) place.addEventListener("keydown", ownKeys);
  bindKeys(root, { ...keys, ...chosen.keys });
  const redraw = () => {
    steps.now(); // first, while nothing else has changed the page's layout
    update();
    chosen.update();
    steps.say(summary(explorer, model));
  };
  const redrawParts = () => {
    updateBound();
    parts.now();
    parts.say(updateSummary(explorer, model));
  };
  const all = () => {
    redraw();
    redrawParts();
  };
  const reload = () => {
    explorer = new Explorer(model);
    for (const canvas of [steps, parts]) canvas.layers.clear();
    all();
  };
  const events = { step: redraw, unit: redraw, clip: redrawParts, shown: all, numbers: reload };
  for (const [name, call] of Object.entries(events)) model.on(`change:${name}`, call);
  update();
  chosen.update();
  updateBound();
  steps.later();
  parts.later();
  steps.say(summary(explorer, model));
  parts.say(updateSummary(explorer, model));
  return () => {
    playing.stop();
    stopProblems();
    chosen.stop();
    steps.stop();
    parts.stop();
    for (const [name, call] of Object.entries(events)) model.off(`change:${name}`, call);
  };
}

export default { render };
