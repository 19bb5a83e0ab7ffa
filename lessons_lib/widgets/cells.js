// The cells of a grid: as numbers on colours, or where they are too small for that, as colours alone.
import { format, formatShort } from "./numbers.js";
import { INKS, inkOn, levelOf, palette, shade } from "./theme.js";

const SCRATCH = document.createElement("canvas"); // a grid at a time, a pixel a cell

/** Draw a grid's cells; `marked(row, column)`, where it is given, says which have a frame. */
export function drawGrid(c, place, grid, limit, marked) {
  const [rows, columns] = grid.shape;
  const cells = { ...place, wide: place.width / columns, high: place.height / rows };
  if (cells.wide >= 25 && cells.high >= 12) numberCells(c, cells, grid, limit);
  else colourCells(c, cells, grid, limit);
  if (marked) frameCells(c, cells, grid, marked);
}

function numberCells(c, { x, y, wide, high }, { shape: [, columns], values }, limit) {
  const { pen, theme } = c;
  const size = Math.min(12, high - 2, wide / (wide >= 42 ? 3.2 : 2.8));
  values.forEach((value, index) => {
    const [left, top] = [x + (index % columns) * wide, y + Math.floor(index / columns) * high];
    const color = shade(theme, value, limit);
    pen.fillStyle = `rgb(${color.join(",")})`;
    pen.fillRect(left, top, wide + 0.3, high + 0.3);
    if (Number.isNaN(value)) return c.cross(left, top, wide, high);
    const words = wide >= 42 ? format(value) : formatShort(value);
    c.text(left + wide / 2, top + high / 2 + 0.5, words, { align: "center", color: inkOn(color), size });
  });
}

/** An image of one pixel a cell; a dash on what is below 0, where there is room; a cross on a NaN. */
function colourCells(c, cells, grid, limit) {
  const { x, y, width, height, wide, high } = cells;
  c.pen.drawImage(gridImage(c.theme, grid, limit), x, y, width, height);
  const small = wide < 4 || high < 3;
  if (!small) for (const ink of INKS) dashCells(c, cells, grid, limit, ink);
  if (!grid.values.some(Number.isNaN)) return;
  for (const gap of gapsOf(grid, small)) c.cross(x + gap.column * wide, y + gap.row * high, wide, gap.rows * high);
}

function gridImage(theme, { shape: [rows, columns], values }, limit) {
  if (SCRATCH.width !== columns || SCRATCH.height !== rows) [SCRATCH.width, SCRATCH.height] = [columns, rows];
  const { pixels } = palette(theme);
  const pen = SCRATCH.getContext("2d");
  const image = pen.createImageData(columns, rows);
  const each = new Uint32Array(image.data.buffer);
  for (let index = 0; index < values.length; index++) each[index] = pixels[levelOf(values[index], limit)];
  pen.putImageData(image, 0, 0);
  return SCRATCH;
}

/** The dashes of one ink, as one path: hundreds of single ones are slow. */
function dashCells(c, { x, y, wide, high }, { shape: [, columns], values }, limit, ink) {
  const { pen } = c;
  const { inks } = palette(c.theme);
  const long = Math.min(wide * 0.44, 9);
  pen.beginPath();
  for (let index = 0; index < values.length; index++) {
    if (!(values[index] < -0.04 * limit) || inks[levelOf(values[index], limit)] !== ink) continue;
    const [row, column] = [Math.floor(index / columns), index % columns];
    pen.rect(x + (column + 0.5) * wide - long / 2, y + (row + 0.5) * high - 0.6, long, 1.2);
  }
  pen.fillStyle = ink;
  pen.fill();
}

/** Where a grid has NaN, cell by cell; `joined`, those below each other as one stretch of rows. */
function gapsOf({ shape: [rows, columns], values }, joined) {
  const gaps = [];
  for (let column = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++) {
      if (!Number.isNaN(values[row * columns + column])) continue;
      const last = gaps.at(-1);
      if (joined && last?.column === column && last.row + last.rows === row) last.rows++;
      else gaps.push({ column, row, rows: 1 });
    }
  }
  return gaps;
}

function frameCells(c, { x, y, wide, high }, { shape: [rows, columns] }, marked) {
  const thick = wide > 14 && high > 10 ? 1.6 : 1;
  const { pen, theme } = c;
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
