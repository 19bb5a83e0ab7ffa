// The controls above a picture: buttons, choices, and a player of steps.
import { make } from "./shared.js";

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
