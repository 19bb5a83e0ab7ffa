// Editing in the picture: real input fields over the drawn cells, so that a click, the keyboard and
// a screen reader all find a number where it is drawn. What is typed goes to the kernel.
import { make } from "./shared.js";

const NUDGE = 0.1; // a press of Page Up, or so many pixels of dragging
const DRAG = 6;
const NARROWEST = 25; // cells without a written number are not edited in place
const MOST_FIELDS = 240;
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Read what a person types as a number: a comma and a true minus are fine. */
function readTyped(words) {
  const plain = words.trim().replace("−", "-").replace(",", ".");
  return plain === "" ? NaN : Number(plain);
}

/** Add to a number, and round away what binary fractions leave: 0.1 + 0.2 is 0.3. */
function nudged(number, by) {
  return Number((number + by).toFixed(6));
}

/** One grid of fields, placed over the cells that the canvas draws. */
class Editor {
  constructor(editors, name, label) {
    Object.assign(this, { editors, name, fields: [], columns: 0 });
    this.element = make(editors.canvas.frame, "div", "editor");
    this.element.setAttribute("role", "group");
    this.element.setAttribute("aria-label", label);
    this.element.addEventListener("pointerleave", () => (editors.canvas.tooltip.hidden = true));
  }

  place({ x, y, width, height }, { shape, values }, tellCell) {
    const [rows, columns] = shape;
    const style = { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` };
    Object.assign(this.element.style, style);
    if (this.fields.length !== rows * columns || this.columns !== columns) this.build(rows, columns);
    this.fields.forEach((field, index) => {
      const words = String(Number(values[index].toPrecision(7)));
      field.setAttribute("aria-label", tellCell(Math.floor(index / columns), index % columns));
      if (field.typing || field.shown === words) return;
      field.shown = field.value = words;
      if (document.activeElement === field) field.select();
    });
  }

  build(rows, columns) {
    this.columns = columns;
    this.element.replaceChildren();
    this.element.style.gridTemplate = `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)`;
    this.fields = Array.from({ length: rows * columns }, (_, index) => this.field(index));
  }

  field(index) {
    const field = make(this.element, "input");
    Object.assign(field, { type: "text", inputMode: "decimal", tabIndex: index === 0 ? 0 : -1 });
    field.autocomplete = "off";
    field.addEventListener("focus", () => this.entered(field));
    field.addEventListener("input", () => (field.typing = true));
    field.addEventListener("blur", () => this.commit(field, index));
    field.addEventListener("keydown", (event) => this.key(event, field, index));
    field.addEventListener("pointerdown", (event) => (field.drag = { y: event.clientY, from: readTyped(field.value) }));
    field.addEventListener("pointermove", (event) => this.drag(event, field, index));
    field.addEventListener("pointerup", () => this.dragged(field));
    return field;
  }

  /** The field that one came to is the one that Tab returns to. */
  entered(field) {
    for (const other of this.fields) other.tabIndex = other === field ? 0 : -1;
    field.select();
  }

  key(event, field, index) {
    if (event.key === "Tab" || event.ctrlKey || event.metaKey) return;
    event.stopPropagation(); // the picture's own keys are not meant
    const step = STEPS[event.key];
    if (step && !(field.typing && step[1])) this.move(event, index, step);
    else if (event.key === "Enter") {
      this.commit(field, index);
      field.select();
    } else if (event.key === "Escape") this.restore(field);
    else if (event.key === "PageUp" || event.key === "PageDown") {
      event.preventDefault();
      this.set(field, index, nudged(readTyped(field.value), event.key === "PageUp" ? NUDGE : -NUDGE));
    }
  }

  move(event, index, [down, right]) {
    event.preventDefault();
    const row = Math.floor(index / this.columns) + down;
    const column = (index % this.columns) + right;
    const there = this.fields[row * this.columns + column];
    if (there && column >= 0 && column < this.columns) there.focus();
    else this.commit(this.fields[index], index);
  }

  drag(event, field, index) {
    this.editors.canvas.hover(event);
    if (!field.drag || !(event.buttons & 1)) return;
    const number = nudged(field.drag.from, NUDGE * Math.round((field.drag.y - event.clientY) / DRAG));
    if (Number.isNaN(number) || (!field.drag.moved && number === field.drag.from)) return;
    field.drag.moved = true;
    field.setPointerCapture(event.pointerId);
    event.preventDefault();
    if (number !== readTyped(field.value)) this.set(field, index, number);
  }

  /** After a press or a drag, what is typed takes the place of the number. */
  dragged(field) {
    field.drag = undefined;
    if (!field.typing) field.select();
  }

  restore(field) {
    field.typing = false;
    field.value = field.shown;
    field.removeAttribute("aria-invalid");
    this.editors.refuse("");
    field.select();
  }

  commit(field, index) {
    if (!field.typing) return;
    const number = readTyped(field.value);
    if (Number.isFinite(number)) return this.set(field, index, number);
    field.setAttribute("aria-invalid", "true");
    this.editors.refuse(`expected a number, got “${field.value}”; Escape brings the old one back`);
    if (document.activeElement !== field) {
      field.typing = false;
      field.value = field.shown;
      field.removeAttribute("aria-invalid");
    }
  }

  set(field, index, number) {
    if (!Number.isFinite(number)) return;
    field.typing = false;
    field.value = field.shown = String(number);
    field.removeAttribute("aria-invalid");
    this.editors.refuse("");
    const [row, column] = [Math.floor(index / this.columns), index % this.columns];
    this.editors.send({ kind: "edit", grid: this.name, row, column, number });
  }
}

/** All fields of a picture, and the columns of which one row can be chosen. */
export class Editors {
  constructor(root, canvas, model) {
    Object.assign(this, { canvas, model, all: new Map(), placed: new Set() });
    this.refused = make(root, "div", "refused");
    this.refused.setAttribute("role", "alert");
    this.answered = () => {
      this.waiting = false;
      if (this.next) this.send(this.next);
    };
    model.on("change:numbers", this.answered);
  }

  /** Begin a drawing; what is not placed before `finish` goes away. */
  begin() {
    this.placed.clear();
  }

  /** Let the numbers of a grid be edited where they are drawn; tellCell(row, column) names one. */
  place(name, box, grid, label, tellCell) {
    const [rows, columns] = grid.shape;
    if (rows * columns > MOST_FIELDS || box.width / columns < NARROWEST || box.height / rows < 12) return;
    if (!this.all.has(name)) this.all.set(name, new Editor(this, name, label));
    this.all.get(name).place(box, grid, tellCell);
    this.placed.add(name);
  }

  /** Let one row of a column of bars be chosen, by a click or by the arrow keys. */
  choose(name, box, values, label) {
    const row = values.indexOf(Math.max(...values));
    if (!this.all.has(name)) this.all.set(name, { element: this.makeChooser(name, label) });
    const { element } = this.all.get(name);
    for (const side of ["left", "top", "width", "height"]) {
      element.style[side] = `${box[{ left: "x", top: "y" }[side] ?? side]}px`;
    }
    const off = Boolean(element.closest("fieldset:disabled"));
    element.tabIndex = off ? -1 : 0;
    element.setAttribute("aria-disabled", off);
    element.rows = values.length;
    element.setAttribute("aria-valuemax", values.length - 1);
    element.setAttribute("aria-valuenow", Math.max(0, row));
    element.setAttribute("aria-valuetext", row < 0 ? "not finite" : `most at slot ${row}`);
    this.placed.add(name);
  }

  makeChooser(name, label) {
    const element = make(this.canvas.frame, "div", "chooser");
    element.setAttribute("role", "slider");
    element.setAttribute("aria-orientation", "vertical");
    element.setAttribute("aria-label", label);
    element.setAttribute("aria-valuemin", 0);
    const go = (wanted) => {
      const row = Math.max(0, Math.min(wanted, element.rows - 1));
      element.setAttribute("aria-valuenow", row);
      this.send({ kind: "choose", grid: name, row });
    };
    const now = () => Number(element.getAttribute("aria-valuenow"));
    const keys = { ArrowUp: () => now() - 1, ArrowDown: () => now() + 1, Home: () => 0, End: () => element.rows - 1 };
    element.addEventListener("keydown", (event) => {
      if (!keys[event.key]) return;
      event.preventDefault();
      event.stopPropagation();
      go(keys[event.key]());
    });
    element.addEventListener("pointermove", (event) => this.canvas.hover(event));
    element.addEventListener("pointerleave", () => (this.canvas.tooltip.hidden = true));
    element.addEventListener("click", (event) => go(Math.floor((event.offsetY / element.offsetHeight) * element.rows)));
    return element;
  }

  finish() {
    for (const [name, { element }] of this.all) element.hidden = !this.placed.has(name);
  }

  /** Send at once, or, while the kernel computes, the newest of one cell when it has answered. */
  send(message) {
    const cell = ({ kind, grid, row, column }) => [kind, grid, row, column].join();
    if (this.next && cell(this.next) !== cell(message)) this.model.send(this.next);
    this.next = undefined;
    if (this.waiting && performance.now() - this.sent < 300) {
      this.next = message;
      clearTimeout(this.timer);
      this.timer = setTimeout(this.answered, 300); // where it answers nothing, nothing has changed
      return;
    }
    Object.assign(this, { waiting: true, sent: performance.now() });
    this.model.send(message);
    clearTimeout(this.late);
    this.late = setTimeout(() => this.canvas.later(), 3000); // without a kernel the old number is back
  }

  refuse(words) {
    this.refused.textContent = words;
  }

  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.late);
    this.model.off("change:numbers", this.answered);
  }
}
