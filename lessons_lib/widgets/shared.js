// What every picture needs: numbers, colours of the theme, a crisp canvas with cells and bars,
// a tooltip, keys. It draws what it is given; it computes no equation.
export { at, format, formatLong, formatShort, inPercent, largest, readNumbers, sideways } from "./numbers.js";
export { readTheme, shade, watchTheme } from "./theme.js";
export { Canvas } from "./canvas.js";
export { askForKernel, bindKeys, findKernel, make, makeLive, makeRoot, nameSliders, showProblems, stepWord, timeAxis, wordsHeight } from "./page.js";
