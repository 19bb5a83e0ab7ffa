// A crisp canvas with words, cells, bars and a tooltip. It draws what it is given.
import { format, formatShort, largest } from "./numbers.js";
import { make } from "./page.js";
import { LEVELS, inkOn, palette, paperOf, readTheme, shade, watchTheme } from "./theme.js";

/** Where a grid has NaN: for each column the stretches of rows. */
function gapsOf(rows, columns, values) {
  const gaps = [];
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      if (!Number.isNaN(values[row * columns + column])) continue;
      const last = gaps.at(-1);
      if (last?.column === column && last.row + last.rows === row) last.rows++;
      else gaps.push({ column, row, rows: 1 });
    }
  }
  return gaps;
}

/**
 * A canvas as wide as its place and as high as what is drawn on it.
 *
 * `draw(canvas)` draws everything from the top and returns the height it took. Every number drawn
 * by `cells` and `bars` is kept by name in `element.drawn`, and its place in `element.regions`, so
 * that a test can read it back and point at it.
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
    this.resizing = new ResizeObserver(([{ contentRect }]) => {
      this.room = contentRect.width; // kept, since asking for it makes the browser lay out the page
      this.later();
    });
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
    const width = Math.floor(this.room ?? this.frame.clientWidth);
    if (width < 50) return; // not shown, or between two style sheets: comes again
    this.width = width;
    this.theme ??= readTheme(this.frame);
    const height = this.pass();
    if (height !== this.height) {
      this.height = height;
      this.pass();
    }
    this.element.drawn = this.drawn;
    this.element.regions = this.regions;
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

  /** Write upwards from (x, y), for words above a narrow column. */
  turnedText(x, y, words, options) {
    this.pen.save();
    this.pen.translate(x, y);
    this.pen.rotate(-Math.PI / 2);
    this.text(0, 0.5, words, options);
    this.pen.restore();
  }

  /** An arrow's head that points down from (x, y), filled or hollow. */
  arrowDown(x, y, { color, filled }) {
    const { pen } = this;
    pen.beginPath();
    pen.moveTo(x - 6, y);
    pen.lineTo(x + 6, y);
    pen.lineTo(x, y + 9);
    pen.closePath();
    [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [color, color, 1.5];
    if (filled) pen.fill();
    else pen.stroke();
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
    this.regions.push({ name: options.name, x, y, width, height, rows, columns, tell, pick });
  }

  keep(name, grid) {
    this.drawn[name] = grid.values;
  }

  eachCell(place, grid, limit, { marked }) {
    const [rows, columns] = grid.shape;
    const [wide, high] = [place.width / columns, place.height / rows];
    if (wide >= 25 && high >= 12) this.numberedCells(place, grid, limit);
    else this.colouredCells(place, grid, limit);
    if (marked) this.marks({ ...place, wide, high }, rows, columns, marked);
  }

  /** Call visit(value, left, top) for each cell. */
  forEachCell({ x, y, width, height }, { shape: [rows, columns], values }, visit) {
    const [wide, high] = [width / columns, height / rows];
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        visit(values[row * columns + column], x + column * wide, y + row * high);
      }
    }
  }

  numberedCells(place, grid, limit) {
    const { pen, theme } = this;
    const [wide, high] = [place.width / grid.shape[1], place.height / grid.shape[0]];
    const size = Math.min(12, high - 2, wide / (wide >= 42 ? 3.2 : 2.8));
    this.forEachCell(place, grid, (value, left, top) => {
      const color = shade(theme, value, limit);
      pen.fillStyle = `rgb(${color.join(",")})`;
      pen.fillRect(left, top, wide + 0.3, high + 0.3);
      if (Number.isNaN(value)) return this.cross(left, top, wide, high);
      const words = wide >= 42 ? format(value) : formatShort(value);
      this.text(left + wide / 2, top + high / 2 + 0.5, words, { align: "center", color: inkOn(color), size });
    });
  }

  /** Cells too small for a number: colours as an image, a dash below 0, a cross on a NaN. */
  colouredCells(place, grid, limit) {
    const { pen, theme } = this;
    const [wide, high] = [place.width / grid.shape[1], place.height / grid.shape[0]];
    this.image(place, grid, limit);
    const dashes = wide >= 4 && high >= 3;
    const long = Math.min(wide * 0.44, 9);
    this.forEachCell(place, grid, (value, left, top) => {
      if (Number.isNaN(value)) this.cross(left, top, wide, high);
      else if (dashes && value < -0.04 * limit) {
        pen.fillStyle = inkOn(shade(theme, value, limit));
        pen.fillRect(left + (wide - long) / 2, top + high / 2 - 0.6, long, 1.2);
      }
    });
  }

  marks({ x, y, wide, high }, rows, columns, marked) {
    const thick = wide > 14 && high > 10 ? 1.6 : 1;
    const { pen, theme } = this;
    pen.strokeStyle = theme.ink;
    pen.lineWidth = thick;
    pen.beginPath();
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        if (!marked(row, column)) continue;
        pen.rect(x + column * wide + thick / 2, y + row * high + thick / 2, wide - thick, high - thick);
      }
    }
    pen.stroke();
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

  /** Draw a grid as an image of one pixel a cell; with a key it is made once and kept. */
  image({ x, y, width, height }, grid, limit, key) {
    let made = this.images.get(key);
    if (!made) {
      made = key === undefined ? (this.scratch ??= document.createElement("canvas")) : document.createElement("canvas");
      this.paint(made, grid, limit);
      if (key !== undefined) this.images.set(key, made);
    }
    this.pen.imageSmoothingEnabled = false;
    this.pen.drawImage(made, x, y, width, height);
    if (key === undefined) return; // whoever draws cell by cell crosses them out
    const [wide, high] = [width / made.width, height / made.height];
    for (const { column, row, rows } of made.bad) this.cross(x + column * wide, y + row * high, wide, rows * high);
  }

  paint(image, { shape: [rows, columns], values }, limit) {
    if (image.width !== columns || image.height !== rows) [image.width, image.height] = [columns, rows];
    const colors = palette(this.theme);
    const pen = image.getContext("2d");
    const pixels = pen.createImageData(columns, rows);
    const each = new Uint32Array(pixels.data.buffer);
    image.bad = values.some(Number.isNaN) ? gapsOf(rows, columns, values) : [];
    for (let index = 0; index < values.length; index++) {
      const part = Math.max(-1, Math.min(1, values[index] / limit));
      each[index] = colors[LEVELS + (Math.round(part * LEVELS) || 0)]; // a NaN has the paper's colour
    }
    pen.putImageData(pixels, 0, 0);
  }

  /**
   * Draw one bar a row, to the right from zero, and its number; `limit` is the full length.
   *
   * options: name, limit, tell, pick, digits, strong (the row whose number is bold), plain (no
   * numbers, where there is no room for them).
   */
  bars({ x, y, width, height }, { values }, options) {
    const { pen, theme } = this;
    const high = height / values.length;
    const room = high >= 11 && !options.plain ? 44 : 0;
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
    const { name, tell, pick } = options;
    this.regions.push({ name, x, y, width, height, rows: values.length, columns: 1, tell, pick });
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
