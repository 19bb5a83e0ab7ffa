// The controls above a picture: buttons, choices, and a player of steps.
import { make } from "./shared.js";

const STEP_SPEEDS = [["slow", 1000], ["medium", 400], ["fast", 100], ["fastest", 33]]; // milliseconds a step

/** Add a button; `label` is its tooltip and what a screen reader says. */
export function addButton(bar, words, label, action) {
  const made = make(bar, "button", "", words);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  made.addEventListener("click", action);
  return made;
}

/** Add a drop-down list of [words, value] pairs, after its name. */
export function addChoice(bar, name, label, options, action) {
  const place = make(bar, "label", "", name);
  const made = make(place, "select");
  made.setAttribute("aria-label", label);
  for (const [words, value] of options) made.add(new Option(words, value));
  made.addEventListener("change", () => action(made.value));
  return made;
}

/** Add a slider over `bounds` ({min, max, step}; steps of 1 unless told); `label` names it. */
export function addRange(bar, label, bounds, action) {
  const made = make(bar, "input");
  Object.assign(made, { type: "range", step: 1, ...bounds });
  made.setAttribute("aria-label", label);
  made.addEventListener("input", () => action(Number(made.value)));
  return made;
}

/** Set a value and send it to the kernel, where there is one. */
export function put(model, name, value) {
  if (model.get(name) === value) return;
  model.set(name, value);
  model.save_changes();
}

/** Set a step, from 0 to the last. */
export function go(model, step) {
  put(model, "step", Math.min(Math.max(step, 0), model.get("steps") - 1));
}

/** Play `next` again and again while it says that there is more; `paint(playing)` shows it. */
export class Player {
  constructor(next, paint) {
    this.next = next;
    this.paint = paint;
    this.pause = 400;
  }

  get playing() {
    return this.timer !== undefined;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.start();
  }

  start() {
    this.timer = setInterval(() => this.next() || this.stop(), this.pause);
    this.paint(true);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = undefined;
    this.paint(false);
  }

  /** Wait this many milliseconds between two steps. */
  setPause(pause) {
    this.pause = pause;
    if (!this.playing) return;
    this.stop();
    this.start();
  }
}

/**
 * Add the buttons, the slider and the speed of going through a model's steps.
 *
 * ways: move(by) goes on or back and says whether it could; first() and last() go to the ends;
 * pause: milliseconds between two steps, at first. Returns update, keys and stop.
 */
export function addSteps(bar, model, { move, first, last, pause }) {
  const end = () => model.get("steps") - 1;
  const player = new Player(() => move(1), (playing) => (button.textContent = playing ? "❚❚ pause" : "▶ play"));
  const play = () => {
    if (!player.playing && model.get("step") === end()) first();
    player.toggle();
  };
  addButton(bar, "|◀", "first step", first);
  addButton(bar, "◀", "one step back", () => move(-1));
  const button = addButton(bar, "▶ play", "play or pause (space)", play);
  addButton(bar, "▶", "one step on", () => move(1));
  addButton(bar, "▶|", "last step", last);
  const slider = addRange(bar, "step", { min: 0, max: end() }, (step) => go(model, step));
  const said = make(bar, "output");
  const speed = addChoice(bar, "", "speed of playing", STEP_SPEEDS, (chosen) => player.setPause(Number(chosen)));
  speed.value = String(pause);
  player.setPause(pause);
  const update = () => {
    slider.max = end();
    slider.value = model.get("step");
    said.textContent = `step ${model.get("step")} of 0–${end()}`;
  };
  const by = (steps) => () => go(model, model.get("step") + steps);
  const [back, on] = [() => move(-1), () => move(1)];
  const keys = {
    ArrowLeft: back, ArrowRight: on, ArrowDown: back, ArrowUp: on,
    PageUp: by(10), PageDown: by(-10), Home: first, End: last, " ": play,
  };
  return { update, keys, stop: () => player.stop() };
}
