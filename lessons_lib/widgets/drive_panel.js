// One head's panel in the game: its choices, and what a controller would have to emit for them.
import { format, make } from "./shared.js";

const SYMBOLS = {
  key: "k", key_strength: "β", gate: "g", shift: "s", sharpening: "γ", erase: "e", add: "a",
};

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
export function choice(place, words, press, send) {
  const made = make(place, "button", "", words);
  made.type = "button";
  made.addEventListener("click", () => send(press));
  return made;
}

/** One head's panel: its choices, and beside them the numbers a controller has to emit. */
export class Panel {
  constructor(place, which, send) {
    this.which = which;
    this.send = send;
    this.element = make(place, "section", "head");
    this.element.setAttribute("aria-label", `${which} head`);
    const title = make(this.element, "div", "title");
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
