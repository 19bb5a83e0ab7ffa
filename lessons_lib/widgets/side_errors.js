// Side by side, the errors: the share of wrong bits at each length, as recorded and as asked for here.
import { inPercent } from "./shared.js";

const CHART = { left: 52, right: 14, height: 190 };
const LINE_COLORS = {
  light: ["#0072b2", "#c04f00", "#00795c", "#9b4a86", "#7a5c00", "#444444"],
  dark: ["#56b4e9", "#ff9f40", "#2fd6a5", "#e6a5cc", "#f0e442", "#dddddd"],
};
const LEGEND_NUMBER = 48; // room for a share in percent
const LINE_DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3], [12, 4], [4, 2]];
const CORNERS = [ // of the markers after the circle, in parts of their size
  [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  [[0, -1.4], [1.4, 0], [0, 1.4], [-1.4, 0]],
  [[0, -1.3], [1.3, 1], [-1.3, 1]],
  [[0, 1.3], [1.3, -1], [-1.3, -1]],
  [[-1.4, 0.5], [1.4, 0.5], [1.4, -0.5], [-1.4, -0.5]],
];

/** A marker of the machine at this place: circle, square, diamond, two triangles, bar. */
function marker(c, place, x, y, { size: given = 4, filled = true } = {}) {
  const { pen } = c;
  const size = given * Math.max(0.7, 1.3 - 0.15 * place); // one on another: all can be seen
  const color = lineColor(c, place);
  const kind = place % (CORNERS.length + 1);
  pen.beginPath();
  if (kind === 0) pen.arc(x, y, size, 0, 2 * Math.PI);
  else for (const [right, down] of CORNERS[kind - 1]) pen.lineTo(x + right * size, y + down * size);
  pen.closePath();
  [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [filled ? color : c.theme.background, color, 1.6];
  pen.fill();
  pen.stroke();
}

function lineColor(c, place) {
  const colors = LINE_COLORS[c.theme.dark ? "dark" : "light"];
  return colors[place % colors.length];
}

/** The places of lengths and shares on the canvas. */
function scales(c, run, start) {
  const width = c.width - CHART.left - CHART.right;
  const shares = run.machines.flatMap((_, place) => [...run.of(place, "visited").values, ...recorded(run, place).map(([, share]) => share)]);
  const top = Math.max(0.55, ...shares.filter(Number.isFinite)) * 1.05;
  const span = Math.max(1, run.longest);
  return {
    width,
    start,
    top,
    x: (length) => CHART.left + ((length - 0.5) / span) * width,
    y: (share) => start + CHART.height * (1 - share / top),
  };
}

/** The recorded points of a machine, as [length, share]. */
function recorded(run, place) {
  const found = run.of(place, "recorded");
  if (!found) return [];
  return Array.from({ length: found.shape[0] }, (_, row) => [found.values[2 * row], found.values[2 * row + 1]]);
}

function drawFrame(c, run, scale) {
  const { pen, theme } = c;
  const bottom = scale.start + CHART.height;
  const [shortest, longest] = run.trained;
  const [from, to] = [scale.x(shortest - 0.5), scale.x(Math.min(longest, run.longest) + 0.5)];
  pen.globalAlpha = 0.1;
  pen.fillStyle = theme.ink;
  pen.fillRect(from, scale.start, to - from, CHART.height);
  pen.globalAlpha = 1;
  c.text(from + 3, scale.start + 8, "trained", { size: 10, color: theme.soft, fit: to - from - 4 });
  c.box(CHART.left, scale.start, scale.width, CHART.height);
  for (const share of [0, 0.25, 0.5]) {
    c.text(CHART.left - 5, scale.y(share), `${share * 100}%`, { align: "right", size: 10, color: theme.soft });
    dashed(c, [[CHART.left, scale.y(share)], [CHART.left + scale.width, scale.y(share)]], { color: theme.line, dash: [1, 3], thick: 1 });
  }
  c.text(CHART.left + scale.width - 4, scale.y(0.5) - 7, "50%: guessing", { align: "right", size: 10, color: theme.soft });
  const every = Math.max(1, [1, 2, 5, 10, 20, 50].find((size) => run.longest / size <= 13) ?? 100);
  for (let length = every === 1 ? 1 : 0; length <= run.longest; length += every) {
    c.text(scale.x(Math.max(1, length)), bottom + 12, Math.max(1, length), { align: "center", size: 10, color: theme.soft });
  }
  c.text(CHART.left + scale.width / 2, bottom + 27, "length of the list, in vectors", { align: "center", size: 11 });
}

function dashed(c, points, { color, dash, thick }) {
  const { pen } = c;
  [pen.strokeStyle, pen.lineWidth] = [color, thick];
  pen.setLineDash(dash);
  pen.beginPath();
  points.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
  pen.stroke();
  pen.setLineDash([]);
}

function drawMachine(c, run, scale, place) {
  const { name } = run.machines[place];
  const known = recorded(run, place).filter(([length]) => length <= run.longest);
  const points = known.map(([length, share]) => [scale.x(length), scale.y(share)]);
  dashed(c, points, { color: lineColor(c, place), dash: LINE_DASHES[place % LINE_DASHES.length], thick: 1.8 });
  for (const [x, y] of points) marker(c, place, x, y, { size: 3.4, filled: false });
  const lengths = run.numbers["visited.lengths"].values;
  const shares = run.of(place, "visited").values;
  shares.forEach((share, index) => marker(c, place, scale.x(lengths[index]), scale.y(share), { size: lengths[index] === run.length ? 5.5 : 3.4 }));
  c.drawn[`${name} visited`] = shares;
  if (run.of(place, "recorded")) c.drawn[`${name} recorded`] = run.of(place, "recorded").values;
}

/** The names with their markers and shares, and what filled and hollow mean; returns the bottom. */
function drawLegend(c, run) {
  c.text(0, 8, "wrong bits by length", { bold: true });
  const vectors = `${run.length} vector${run.length > 1 ? "s" : ""}`;
  const words = `beside the names: at ${vectors} · filled: lists asked for here · hollow, joined: recorded on held-out lists · a click chooses a length`;
  const lines = c.paragraph(0, 26, words, { size: 11, color: c.theme.soft, fit: c.width });
  const index = run.numbers["visited.lengths"].values.indexOf(run.length);
  let [x, y] = [6, 28 + lines * 15];
  run.machines.forEach(({ name }, place) => {
    const shown = c.cut(name, { fit: 200 });
    const long = c.measure(shown);
    const wide = long + LEGEND_NUMBER + 26;
    if (x > 6 && x + wide > c.width) [x, y] = [6, y + 18];
    marker(c, place, x, y);
    c.text(x + 10, y, shown);
    c.text(x + 10 + long + 6, y, inPercent(run.of(place, "visited").values[index]), { bold: true });
    x += wide;
  });
  return y + 14;
}

/** In words: the shares at a length. */
function tellLength(run, length) {
  const lengths = run.numbers["visited.lengths"].values;
  const index = lengths.indexOf(length);
  const lists = index < 0 ? 0 : run.numbers["visited.lists"].values[index];
  const lines = [`length ${length}${length > run.trained[1] ? ", longer than trained" : ""}: ${lists || "no"} list${lists === 1 ? "" : "s"} asked for`];
  run.machines.forEach(({ name }, place) => {
    if (index >= 0) lines.push(`${name}: ${inPercent(run.of(place, "visited").values[index])} of the bits wrong`);
    const known = recorded(run, place).find(([at]) => at === length);
    if (known) lines.push(`${name}: recorded ${inPercent(known[1])}`);
  });
  return lines.join("\n");
}

/** What the chart shows, for those who do not see it. */
export function errorsSummary(run) {
  const count = run.numbers["visited.lengths"].values.length;
  return `share of wrong bits by length, ${count} length${count > 1 ? "s" : ""} asked for so far. ${tellLength(run, run.length).replaceAll("\n", "; ")}`;
}

/** Draw the chart; `choose(length)` answers a click. Returns the bottom. */
export function drawErrors(c, run, choose) {
  const scale = scales(c, run, drawLegend(c, run));
  drawFrame(c, run, scale);
  const here = scale.x(run.length);
  dashed(c, [[here, scale.start], [here, scale.start + CHART.height]], { color: c.theme.accent, dash: [4, 3], thick: 1.5 });
  run.machines.forEach((_, place) => drawMachine(c, run, scale, place));
  c.drawn["visited lengths"] = run.numbers["visited.lengths"].values;
  c.drawn["visited lists"] = run.numbers["visited.lists"].values;
  const box = { x: CHART.left, y: scale.start, width: scale.width, height: CHART.height };
  c.regions.push({ name: "errors", ...box, rows: 1, columns: run.longest, tell: (_, column) => tellLength(run, column + 1), pick: (_, column) => choose(column + 1) });
  return scale.start + CHART.height + 38;
}
