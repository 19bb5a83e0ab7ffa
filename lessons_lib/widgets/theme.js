// Colours of the page's theme, that keep apart for the colour-blind.

const PROBE = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** Any colour that a style sheet knows, as [r, g, b, alpha]. */
function rgb(color) {
  PROBE.clearRect(0, 0, 1, 1);
  PROBE.fillStyle = color;
  PROBE.fillRect(0, 0, 1, 1);
  return Array.from(PROBE.getImageData(0, 0, 1, 1).data);
}

/** The colour of the page under an element, as [r, g, b]. */
export function paperOf(element) {
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
  return {
    dark,
    paper,
    background: `rgb(${paper.join(",")})`,
    ink: dark ? "#f0f0f0" : "#1a1a1a",
    soft: dark ? "#b8b8b8" : "#555555",
    line: dark ? "#4a4a4a" : "#cccccc",
    positive: dark ? [86, 180, 255] : [0, 84, 159],
    negative: dark ? [255, 159, 64] : [190, 84, 0],
    accent: dark ? "#ff8c42" : "#d55e00",
    accentInk: dark ? "#ff8c42" : "#a84300", // for words: 4.5 to 1 and more on the paper
  };
}

/** The colour of a value as [r, g, b]: paper at 0, blue above, orange below. */
export function shade(theme, value, limit) {
  if (Number.isNaN(value)) return theme.paper;
  const part = Math.min(1, Math.abs(value) / limit) ** 0.65;
  const end = value < 0 ? theme.negative : theme.positive;
  return theme.paper.map((from, channel) => Math.round(from + (end[channel] - from) * part));
}

const LEVELS = 1024; // colours of an image, from 0 to the limit, on either side

/** Where a value stands among the levels; a NaN stands at 0, which has the paper's colour. */
export function levelOf(value, limit) {
  const part = Math.max(-1, Math.min(1, value / limit));
  return LEVELS + (Math.round(part * LEVELS) || 0);
}

/** Of all levels, below 0, at 0 and above, the colours as pixels and the inks on them; made once for a theme. */
export function palette(theme) {
  if (theme.palette) return theme.palette;
  const colors = Array.from({ length: 2 * LEVELS + 1 }, (_, index) => shade(theme, (index - LEVELS) / LEVELS, 1));
  const bytes = ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0; // r, g, b, a
  theme.palette = { pixels: Uint32Array.from(colors, bytes), inks: colors.map(inkOn) };
  return theme.palette;
}

export const INKS = ["#111111", "#ffffff"];

/** Black or white, whichever can be read on a colour. */
export function inkOn(color) {
  return color[0] * 0.3 + color[1] * 0.59 + color[2] * 0.11 > 140 ? INKS[0] : INKS[1];
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
