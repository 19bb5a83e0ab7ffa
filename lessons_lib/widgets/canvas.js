// A crisp canvas with words, cells, bars and a tooltip. It draws what it is given.
import { drawGrid } from "./cells.js";
import { format, largest } from "./numbers.js";
import { make } from "./page.js";
import { paperOf, readTheme, watchTheme } from "./theme.js";

const FAMILY = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif";
const MOST_WIDTHS = 2000; // of words, kept
const AT_REST = 120; // milliseconds

/**
 * A canvas as wide as its place and as high as what is drawn on it.
 *
 * `draw(canvas)` draws everything from the top and returns the height it took; what is the same at
 * every step it draws in a `layer`. Every number drawn by `cells` and `bars` is kept by name in
 * `element.drawn`, and its place in `element.regions`, so that a test can read it back and point
 * at it.
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
    this.draw = draw; // `pen`, `drawn` and `regions` belong to the pass under way
    this.height = 10;
    this.count = 0;
    this.layers = new Map();
    this.widths = new Map();
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
    this.element.addEventListener("contextrestored", () => this.refresh()); // the browser had let it go
  }

  stop() {
    this.stopTheme();
    this.resizing.disconnect();
    cancelAnimationFrame(this.waiting);
    clearTimeout(this.resting);
  }

  lookAtTheme() {
    if (this.theme && paperOf(this.frame).join() === this.theme.paper.join()) return;
    this.theme = undefined;
    this.refresh();
  }

  /** Draw all of it again at the next frame, the layers too. */
  refresh() {
    this.layers.clear();
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
    this.scale = Math.max(1, window.devicePixelRatio || 1);
    const height = this.pass(this.element, 0, this.height, this.draw);
    if (height !== this.height) {
      this.height = height;
      this.pass(this.element, 0, height, this.draw);
    }
    this.element.drawn = this.drawn;
    this.element.regions = this.regions;
    this.element.dataset.draws = String(++this.count);
  }

  /** Draw on a canvas that shows the picture from `top` down; returns the bottom of what was drawn. */
  pass(element, top, height, draw) {
    const { scale } = this;
    const [wide, above] = [Math.round(this.width * scale), Math.floor(top * scale)];
    const high = Math.round((top + height) * scale) - above;
    if (element.width !== wide || element.height !== high) {
      [element.width, element.height] = [wide, high];
      element.style.height = `${height}px`;
    }
    const pen = element.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, -above);
    pen.textBaseline = "middle";
    pen.imageSmoothingEnabled = false;
    [this.pen, this.regions, this.drawn] = [pen, [], {}];
    this.clear(0, top, this.width, height);
    return Math.ceil(draw(this));
  }

  /**
   * Draw what is the same at every step, from `top` down to the bottom that `draw` returns, which is
   * returned. `key` is what it depends on beside the numbers, the width and the theme: drawn again
   * under the same key, at the latest when at rest, it gets a canvas of its own, which from then on
   * is laid under the rest.
   */
  layer(name, top, key, draw) {
    const wanted = [key, top, this.width, this.scale].join(" ");
    const kept = this.layers.get(name);
    if (kept?.wanted !== wanted) {
      const bottom = Math.ceil(draw(this));
      this.layers.set(name, { wanted, bottom });
      clearTimeout(this.resting);
      this.resting = setTimeout(() => this.now(), AT_REST);
      return bottom;
    }
    if (!kept.image) Object.assign(kept, this.drawLayer(top, kept.bottom - top, draw));
    this.pen.save();
    this.pen.resetTransform(); // pixel upon pixel
    this.pen.drawImage(kept.image, 0, Math.floor(top * this.scale));
    this.pen.restore();
    this.regions.push(...kept.regions);
    Object.assign(this.drawn, kept.drawn);
    return kept.bottom;
  }

  drawLayer(top, height, draw) {
    const { pen, regions, drawn } = this;
    const image = document.createElement("canvas");
    this.pass(image, top, height, draw);
    const made = { image, regions: this.regions, drawn: this.drawn };
    Object.assign(this, { pen, regions, drawn });
    return made;
  }

  clear(x, y, width, height) {
    this.pen.fillStyle = this.theme.background;
    this.pen.fillRect(x, y, width, height);
  }

  /** Say what the picture shows, for those who do not see it. */
  say(summary) {
    this.element.setAttribute("aria-label", summary);
    if (this.spoken.textContent !== summary) this.spoken.textContent = summary;
  }

  /** How wide words are; kept, since a picture has the same titles at every step. */
  measure(words, { size = 12, bold = false } = {}) {
    const font = `${bold ? "600 " : ""}${size}px ${FAMILY}`;
    const key = `${font} ${words}`;
    if (!this.widths.has(key)) {
      if (this.widths.size > MOST_WIDTHS) this.widths.clear();
      this.pen.font = font;
      this.widths.set(key, this.pen.measureText(words).width);
    }
    return this.widths.get(key);
  }

  /** Words, cut to as much as fits. */
  cut(words, options) {
    const { fit = Infinity } = options;
    let shown = String(words);
    while (fit < Infinity && shown.length > 2 && this.measure(shown, options) > fit) {
      shown = shown.slice(0, shown.endsWith("…") ? -2 : -1) + "…";
    }
    return shown;
  }

  text(x, y, words, { align = "left", color, size = 12, bold = false, fit } = {}) {
    const { pen, theme } = this;
    const shown = this.cut(words, { size, bold, fit });
    pen.font = `${bold ? "600 " : ""}${size}px ${FAMILY}`;
    pen.textAlign = align;
    pen.fillStyle = color ?? theme.ink;
    pen.fillText(shown, x, y);
  }

  /** Write words in lines no longer than `fit`; returns how many lines. */
  paragraph(x, y, words, { fit, size = 12, ...options }) {
    const lines = [""];
    for (const word of words.split(" ")) {
      const longer = `${lines.at(-1)} ${word}`.trim();
      if (lines.at(-1) && this.measure(longer, { size, ...options }) > fit) lines.push(word);
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
   * has its minus, or a dash where there is room for one; a NaN is crossed out.
   *
   * place: {x, y, width, height}; grid: {shape: [rows, columns], values}
   * options: name, limit (the value of full colour), tell(row, column), pick(row, column),
   * marked(row, column) for a frame.
   */
  cells({ x, y, width, height }, grid, options) {
    const [rows, columns] = grid.shape;
    const limit = options.limit ?? largest(grid.values);
    drawGrid(this, { x, y, width, height }, grid, limit, options.marked);
    this.box(x, y, width, height);
    this.keep(options.name, grid);
    const { tell, pick } = options;
    this.regions.push({ name: options.name, x, y, width, height, rows, columns, tell, pick });
  }

  keep(name, grid) {
    this.drawn[name] = grid.values;
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
