// What every picture needs: numbers, colours of the theme, a crisp canvas with cells and bars,
// a tooltip, keys. It draws what it is given; it computes no equation.

// --- Numbers -----------------------------------------------------------------------------------

/** Unpack the buffer of float32 into {name: {shape, values}}. */
export function readNumbers(model) {
  const sent = model.get("numbers");
  const from = sent.byteOffset ?? 0;
  const bytes = (sent.buffer ?? sent).slice(from, from + sent.byteLength);
  const all = new Float32Array(bytes);
  const named = {};
  for (const [name, { start, shape }] of Object.entries(model.get("index"))) {
    const count = shape.reduce((product, size) => product * size, 1);
    named[name] = { shape, values: all.subarray(start, start + count) };
  }
  return named;
}

/** Take tensor[first, second, …] as a view; undefined stays undefined. */
export function at(tensor, ...indices) {
  if (!tensor) return undefined;
  let { shape, values } = tensor;
  for (const index of indices) {
    const size = values.length / shape[0];
    values = values.subarray(index * size, (index + 1) * size);
    shape = shape.slice(1);
  }
  return { shape, values };
}

/** Write a number in few characters: a true minus, no "−0.00", exponents at the extremes. */
export function format(value, digits = 2) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  const plain = size >= 1e4 ? size.toExponential(0) : size.toFixed(size >= 100 ? 0 : digits);
  return value < 0 && Number(plain) !== 0 ? "−" + plain : plain;
}

/** As `format`, but ".83" for "0.83" and "1.3" for "1.31", to fit a small cell. */
export function formatShort(value) {
  return format(value, Math.abs(value) >= 1 ? 1 : 2).replace(/^(−?)0\./, "$1.");
}

/** Write a number with enough digits to compare it with the library's. */
export function formatLong(value) {
  if (!Number.isFinite(value)) return format(value);
  return String(Number(value.toPrecision(6))).replace("-", "−");
}

/** The largest finite size among the values, at least `floor`. */
export function largest(values, floor = 1e-6) {
  let most = floor;
  for (const value of values) {
    const size = Math.abs(value);
    if (size > most && Number.isFinite(size)) most = size;
  }
  return most;
}

// --- Colours of the theme ------------------------------------------------------------------------

const PROBE = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function rgb(color) {
  PROBE.clearRect(0, 0, 1, 1);
  PROBE.fillStyle = color;
  PROBE.fillRect(0, 0, 1, 1);
  return Array.from(PROBE.getImageData(0, 0, 1, 1).data);
}

function paperOf(element) {
  for (let node = element; node; node = node.parentElement) {
    const [red, green, blue, alpha] = rgb(getComputedStyle(node).backgroundColor);
    if (alpha > 250) return [red, green, blue];
  }
  return [255, 255, 255];
}

/** Read ink and paper from the page, and choose colours that keep apart for the colour-blind. */
export function readTheme(element) {
  const paper = paperOf(element);
  const dark = paper[0] * 0.3 + paper[1] * 0.59 + paper[2] * 0.11 < 128;
  const css = (color) => `rgb(${color.join(",")})`;
  return {
    dark,
    paper,
    background: css(paper),
    ink: dark ? "#f0f0f0" : "#1a1a1a",
    soft: dark ? "#b8b8b8" : "#555555",
    line: dark ? "#4a4a4a" : "#cccccc",
    positive: dark ? [86, 180, 255] : [0, 84, 159],
    negative: dark ? [255, 159, 64] : [190, 84, 0],
    accent: dark ? "#ff8c42" : "#d55e00",
  };
}

/** The colour of a value as [r, g, b]: paper at 0, blue above, orange below. */
export function shade(theme, value, limit) {
  if (Number.isNaN(value)) return theme.paper;
  const part = Math.min(1, Math.abs(value) / limit) ** 0.65;
  const end = value < 0 ? theme.negative : theme.positive;
  return theme.paper.map((from, channel) => Math.round(from + (end[channel] - from) * part));
}

function inkOn(color) {
  return color[0] * 0.3 + color[1] * 0.59 + color[2] * 0.11 > 140 ? "#111111" : "#ffffff";
}

/** Look again and again for three seconds after the page's theme changed; returns what stops it. */
export function watchTheme(look) {
  let [looks, timer] = [0, undefined];
  const repeat = () => {
    look();
    clearTimeout(timer);
    if (--looks > 0) timer = setTimeout(repeat, 100); // style sheets come and go after the attribute
  };
  const start = () => {
    looks = 30;
    repeat();
  };
  const observer = new MutationObserver(start);
  const filter = ["data-jp-theme-light", "data-jp-theme-name", "class", "data-theme"];
  for (const node of [document.documentElement, document.body]) {
    observer.observe(node, { attributes: true, attributeFilter: filter });
  }
  start();
  return () => {
    clearTimeout(timer);
    observer.disconnect();
  };
}

// --- The canvas ------------------------------------------------------------------------------------

/**
 * A canvas as wide as its place and as high as what is drawn on it.
 *
 * `draw(canvas)` draws everything from the top and returns the height it took. Every number drawn
 * by `cells` and `bars` is kept by name in `element.drawn`, so that a test can read it back.
 */
export class Canvas {
  constructor(root, draw) {
    this.frame = make(root, "div", "frame");
    this.element = make(this.frame, "canvas");
    this.element.setAttribute("role", "img");
    this.spoken = make(root, "div", "spoken");
    this.spoken.setAttribute("role", "status");
    this.tooltip = make(this.frame, "div", "tooltip");
    this.tooltip.hidden = true;
    this.pen = this.element.getContext("2d");
    this.draw = draw;
    this.height = 10;
    this.count = 0;
    this.images = new Map();
    this.regions = [];
    this.stopTheme = watchTheme(() => this.lookAtTheme());
    this.resizing = new ResizeObserver(() => this.later());
    this.resizing.observe(this.frame);
    this.element.addEventListener("pointermove", (event) => this.hover(event));
    this.element.addEventListener("pointerleave", () => (this.tooltip.hidden = true));
    this.element.addEventListener("click", (event) => this.click(event));
  }

  stop() {
    this.stopTheme();
    this.resizing.disconnect();
    cancelAnimationFrame(this.waiting);
  }

  lookAtTheme() {
    if (this.theme && paperOf(this.frame).join() === this.theme.paper.join()) return;
    this.theme = undefined;
    this.images.clear();
    this.later();
  }

  /** Draw at the next frame, once however often it was asked for. */
  later() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      this.now();
    });
  }

  now() {
    const width = Math.floor(this.frame.clientWidth);
    if (width < 50) return; // not shown, or between two style sheets: comes again
    this.width = width;
    this.theme ??= readTheme(this.frame);
    const height = this.pass();
    if (height !== this.height) {
      this.height = height;
      this.pass();
    }
    this.element.drawn = this.drawn;
    this.element.dataset.draws = String(++this.count);
  }

  pass() {
    const scale = Math.max(1, window.devicePixelRatio || 1);
    const { element, pen } = this;
    const [wide, high] = [Math.round(this.width * scale), Math.round(this.height * scale)];
    if (element.width !== wide || element.height !== high) {
      [element.width, element.height] = [wide, high];
      element.style.height = `${this.height}px`;
    }
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.fillStyle = this.theme.background;
    pen.fillRect(0, 0, this.width, this.height);
    pen.textBaseline = "middle";
    this.regions = [];
    this.drawn = {};
    return Math.ceil(this.draw(this));
  }

  /** Say what the picture shows, for those who do not see it. */
  say(summary) {
    this.element.setAttribute("aria-label", summary);
    if (this.spoken.textContent !== summary) this.spoken.textContent = summary;
  }

  text(x, y, words, { align = "left", color, size = 12, bold = false, fit = Infinity } = {}) {
    const { pen, theme } = this;
    const family = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";
    pen.font = `${bold ? "600 " : ""}${size}px ${family}`;
    pen.textAlign = align;
    pen.fillStyle = color ?? theme.ink;
    let shown = String(words);
    while (shown.length > 2 && pen.measureText(shown).width > fit) {
      shown = shown.slice(0, shown.endsWith("…") ? -2 : -1) + "…";
    }
    pen.fillText(shown, x, y);
    return pen.measureText(shown).width;
  }

  /** Write words in lines no longer than `fit`; returns how many lines. */
  paragraph(x, y, words, { fit, size = 12, ...options }) {
    const { pen } = this;
    this.text(x, -100, "", { size, ...options }); // sets the font to measure by
    const lines = [""];
    for (const word of words.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (lines.at(-1) && pen.measureText(longer).width > fit) lines.push(word);
      else lines[lines.length - 1] = longer;
    }
    lines.forEach((line, index) => this.text(x, y + index * (size + 4), line, { size, ...options, fit }));
    return lines.length;
  }

  box(x, y, width, height, { color, thick = 1, dash = [] } = {}) {
    const { pen, theme } = this;
    pen.strokeStyle = color ?? theme.line;
    pen.lineWidth = thick;
    pen.setLineDash(dash);
    pen.strokeRect(x, y, width, height);
    pen.setLineDash([]);
  }

  /**
   * Draw a grid of numbers: colour, and the number itself where there is room. A negative number
   * has its minus, or a dash; a NaN is crossed out.
   *
   * place: {x, y, width, height}; grid: {shape: [rows, columns], values}
   * options: name, limit (the value of full colour), tell(row, column), pick(row, column),
   * marked(row, column) for a frame, image: a key under which a large unchanging grid is kept.
   */
  cells({ x, y, width, height }, grid, options) {
    const [rows, columns] = grid.shape;
    const limit = options.limit ?? largest(grid.values);
    const tiny = columns * rows > 800 || height / rows < 4;
    if (options.image && tiny) this.image({ x, y, width, height }, grid, limit, options.image);
    else this.eachCell({ x, y, width, height }, grid, limit, options);
    this.box(x, y, width, height);
    this.keep(options.name, grid);
    const { tell, pick } = options;
    this.regions.push({ x, y, width, height, rows, columns, tell, pick });
  }

  keep(name, grid) {
    this.drawn[name] = grid.values;
  }

  eachCell({ x, y, width, height }, grid, limit, { marked }) {
    const { pen, theme } = this;
    const [rows, columns] = grid.shape;
    const [wide, high] = [width / columns, height / rows];
    const numbered = wide >= 25 && high >= 12;
    const size = Math.min(12, high - 2, wide / (wide >= 42 ? 3.2 : 2.8));
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = grid.values[row * columns + column];
        const [left, top] = [x + column * wide, y + row * high];
        const color = shade(theme, value, limit);
        pen.fillStyle = `rgb(${color.join(",")})`;
        pen.fillRect(left, top, wide + 0.3, high + 0.3);
        if (Number.isNaN(value)) this.cross(left, top, wide, high);
        else if (numbered) {
          const [center, middle] = [left + wide / 2, top + high / 2 + 0.5];
          const words = wide >= 42 ? format(value) : formatShort(value);
          this.text(center, middle, words, { align: "center", color: inkOn(color), size });
        } else if (value < -0.04 * limit && wide >= 4 && high >= 3) {
          pen.fillStyle = inkOn(color);
          const long = Math.min(wide * 0.44, 9);
          pen.fillRect(left + (wide - long) / 2, top + high / 2 - 0.6, long, 1.2);
        }
      }
    }
    if (marked) this.marks({ x, y, wide, high }, rows, columns, marked);
  }

  marks({ x, y, wide, high }, rows, columns, marked) {
    const thick = wide > 14 && high > 10 ? 1.6 : 1;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (!marked(row, column)) continue;
        const [left, top] = [x + column * wide + thick / 2, y + row * high + thick / 2];
        this.box(left, top, wide - thick, high - thick, { color: this.theme.ink, thick });
      }
    }
  }

  cross(x, y, width, height) {
    const { pen, theme } = this;
    pen.strokeStyle = theme.accent;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + width, y + height);
    pen.moveTo(x, y + height);
    pen.lineTo(x + width, y);
    pen.stroke();
    if (width > 28 && height > 11) this.text(x + width / 2, y + height / 2, "NaN", { align: "center", bold: true });
  }

  /** Draw a grid as an image of one pixel a cell, made once and kept. */
  image({ x, y, width, height }, grid, limit, key) {
    let made = this.images.get(key);
    if (!made) {
      made = document.createElement("canvas");
      [made.height, made.width] = grid.shape;
      const pen = made.getContext("2d");
      const pixels = pen.createImageData(made.width, made.height);
      grid.values.forEach((value, index) => {
        const bad = Number.isNaN(value) ? [213, 94, 0] : shade(this.theme, value, limit);
        pixels.data.set([...bad, 255], index * 4);
      });
      pen.putImageData(pixels, 0, 0);
      this.images.set(key, made);
    }
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(made, x, y, width, height);
  }

  /** Draw one bar a row, to the right from zero, and its number; `limit` is the full length. */
  bars({ x, y, width, height }, { values }, options) {
    const { pen, theme } = this;
    const high = height / values.length;
    const room = high >= 11 ? 44 : 0;
    const limit = options.limit ?? 1;
    const signed = values.some((value) => value < 0);
    const zero = signed ? x + (width - room) / 2 : x;
    const unit = (signed ? (width - room) / 2 : width - room) / limit;
    values.forEach((value, row) => {
      const top = y + row * high;
      const long = Number.isFinite(value) ? Math.min(limit, Math.abs(value)) * unit : 0;
      const color = value < 0 ? theme.negative : theme.positive;
      const thick = Math.max(1, high - Math.min(6, high * 0.3));
      pen.fillStyle = `rgb(${color.join(",")})`;
      pen.fillRect(value < 0 ? zero - long : zero, top + (high - thick) / 2, long, thick);
      if (room) {
        const size = Math.min(12, high - 1);
        const far = x + width;
        this.text(far, top + high / 2 + 0.5, format(value, options.digits ?? 3), { align: "right", size, bold: row === options.strong });
      }
    });
    pen.fillStyle = theme.soft;
    pen.fillRect(zero - 0.5, y, 1, height);
    this.keep(options.name, { values });
    this.regions.push({ x, y, width, height, rows: values.length, columns: 1, tell: options.tell, pick: options.pick });
  }

  find(event) {
    const frame = this.element.getBoundingClientRect();
    const [x, y] = [event.clientX - frame.left, event.clientY - frame.top];
    for (const region of this.regions) {
      const [right, down] = [x - region.x, y - region.y];
      if (right < 0 || down < 0 || right >= region.width || down >= region.height) continue;
      const row = Math.floor((down / region.height) * region.rows);
      const column = Math.floor((right / region.width) * region.columns);
      return { region, row, column, x, y };
    }
    return undefined;
  }

  hover(event) {
    const found = this.find(event);
    const words = found?.region.tell?.(found.row, found.column);
    this.tooltip.hidden = !words;
    this.element.style.cursor = found?.region.pick ? "pointer" : "default";
    if (!words) return;
    this.tooltip.textContent = words;
    const left = Math.min(found.x + 14, this.width - this.tooltip.offsetWidth - 4);
    this.tooltip.style.left = `${Math.max(0, left)}px`;
    this.tooltip.style.top = `${found.y + 16}px`;
  }

  click(event) {
    const found = this.find(event);
    found?.region.pick?.(found.row, found.column);
  }
}

// --- The page around it ------------------------------------------------------------------------------

/** Make an element inside another. */
export function make(parent, tag, name = "", text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

/** Make the root of a picture; the notebook's own shortcuts do not reach into it. */
export function makeRoot(el, label) {
  const root = make(el, "div", "lessons-picture");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", label);
  root.dataset.lmSuppressShortcuts = "true"; // else arrow keys would leave for the next cell
  return root;
}

/** Show what is wrong with the numbers, in words, above the picture. */
export function showProblems(root, model) {
  const place = make(root, "div");
  place.setAttribute("role", "alert");
  const update = () => {
    place.replaceChildren();
    for (const problem of model.get("problems")) make(place, "div", "problem", "⚠ " + problem);
  };
  model.on("change:problems", update);
  update();
  return () => model.off("change:problems", update);
}

/** Say so where no kernel answers: then the picture is the saved one. */
export function askForKernel(root, model) {
  const words =
    "The controls of this picture need a running kernel, and none has answered yet: " +
    "run its cell, or wait while the kernel is busy. Shown is what was saved.";
  const note = make(root, "div", "problem", words);
  note.hidden = true;
  const answer = (content) => {
    if (content?.kind !== "a kernel is here") return;
    clearTimeout(timer);
    note.hidden = true;
  };
  const timer = setTimeout(() => (note.hidden = false), 4000);
  model.on("msg:custom", answer);
  try {
    model.send({ kind: "is a kernel there?" });
  } catch {
    note.hidden = false; // the page has no connection at all
  }
  return () => {
    clearTimeout(timer);
    model.off("msg:custom", answer);
  };
}

/** Bind keys to actions: {ArrowLeft: () => …}. */
export function bindKeys(element, actions) {
  element.addEventListener("keydown", (event) => {
    const action = actions[event.key];
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if (!action || held || event.target.tagName === "SELECT") return;
    if (event.key === " " && event.target.tagName === "BUTTON") return; // it presses the button
    event.preventDefault();
    action();
  });
}

/** Draw step numbers below a panel whose columns are the steps. */
export function timeAxis(canvas, x, y, width, steps) {
  const least = Math.max(1, Math.ceil(steps / (width / 34)));
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((size) => size >= least) ?? least;
  for (let step = 0; step < steps; step += every) {
    const center = x + ((step + 0.5) / steps) * width;
    canvas.text(center, y + 8, step, { align: "center", size: 10, color: canvas.theme.soft });
  }
}
