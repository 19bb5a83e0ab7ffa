// The story as a table: a sentence a row, its words with their bars, and what the answer owes to it.
import { at, format, formatLong, inPercent, largest, make } from "./shared.js";

const COLUMNS = [
  ["read_shares", "read at GO", "share"],
  ["per_sentence", "evidence", "E"],
  ["not_written", "not written", "P(answer)"],
  ["not_told", "not told", "P(answer)"],
];
const MEANS = {
  facts: "a supporting fact: a sentence on which the answer rests, as whoever told the story marked it.",
  gate: "The bar above a word is the add gate f, from 0 to 1: how much of the word is let into the memory.",
  per_word: "The bar below a word is the evidence of its writing: solid speaks for the answer, dashed against it.",
  read_shares: "of all that was read out of the memory at GO, the share that was written at this sentence.",
  per_sentence: "gradient × write: what the answer's logit owes to the writing at this sentence, to first order.",
  not_written: "the answer's probability when this sentence is read, but adds nothing to the memory.",
  not_told: "the answer's probability when this sentence is left out of the text.",
};
const CLEARLY = 0.01; // a probability that falls by less is not marked

/** Write a number with its sign. */
export function signed(value) {
  return value > 0 ? "+" + format(value) : format(value);
}

function tableHead(table, numbers) {
  const row = make(make(table, "thead"), "tr");
  const head = (words, below, means = "") => {
    const cell = make(row, "th", "", words);
    cell.scope = "col";
    cell.title = means;
    make(cell, "small", "", below);
  };
  head("", "#");
  head("the story", headOf(numbers));
  for (const [name, words, below] of COLUMNS) {
    if (numbers[name]) head(words, below, MEANS[name]);
  }
}

/** What stands above and below the words. */
function headOf(numbers) {
  const above = numbers.gate ? ["above a word its gate f"] : [];
  return [...above, ...(numbers.per_word ? ["below it its evidence, after GO"] : [])].join(", ");
}

/** What the columns and bars mean, folded away. */
function explain(place, numbers, view) {
  const fold = make(place, "details", "means");
  make(fold, "summary", "", "what the columns and bars say");
  const list = make(fold, "ul");
  if (view.facts) make(list, "li", "", `★ ${MEANS.facts}`);
  for (const name of ["gate", "per_word"]) if (numbers[name]) make(list, "li", "", MEANS[name]);
  for (const [name, words] of COLUMNS) if (numbers[name]) make(list, "li", "", `${words}: ${MEANS[name]}`);
  make(list, "li", "", "◂ marks a column's strongest sentence.");
}

/** A word with room for its two bars; they are filled in as the story is read. */
function wordOf(place, view, numbers, step) {
  const word = make(place, "span", "word");
  word.dataset.step = step;
  if (numbers.gate) make(make(word, "span", "gate"), "i");
  make(word, "span", "letters", view.words[step]);
  if (numbers.per_word) make(make(word, "span", "owes"), "i");
  place.append(" ");
  return word;
}

/** The row that a column points at: the most, or where the answer is missed most; −1 is none. */
function pointedAt(name, values) {
  if (values.length < 2) return -1;
  const missing = name.startsWith("not_");
  const sign = missing ? -1 : 1;
  const best = values.reduce((found, value, row) => (sign * value > sign * values[found] ? row : found), 0);
  const tells = missing ? Math.max(...values) - values[best] > CLEARLY : values[best] > 0;
  return tells ? best : -1; // nothing is above a NaN
}

/** The columns that a machine has: a value for each origin, and which one is marked. */
function columnsOf(numbers, view) {
  const columns = [];
  const add = (name, values, first, limit) => {
    const sentences = values.slice(1 - first, 1 - first + view.sentences);
    columns.push({ name, values, first, limit, marked: pointedAt(name, sentences) });
  };
  if (numbers.read_shares) add("read_shares", at(numbers.read_shares, view.words.length - 1).values, 0, 1);
  if (numbers.per_sentence) {
    const values = Float32Array.of(...numbers.per_sentence.values, ...numbers.outside.values);
    add("per_sentence", values, 1, largest(values));
  }
  for (const name of ["not_written", "not_told"]) if (numbers[name]) add(name, numbers[name].values, 1, 1);
  return columns;
}

/** A number with a bar; it is shown once GO was read. */
function measure(cell, { name, values, first, limit, marked }, origin) {
  const index = origin - first;
  if (index < 0 || index >= values.length) return;
  const value = values[index];
  Object.assign(cell.dataset, { name, value });
  cell.title = formatLong(value);
  const words = name === "per_sentence" ? signed(value) : inPercent(value);
  const strongest = origin - 1 === marked && origin > 0;
  make(cell, "span", strongest ? "number strongest" : "number", strongest ? `${words} ◂` : words);
  const bar = make(cell, "i", value < 0 ? "below" : "");
  bar.style.width = `${Number.isFinite(value) ? Math.min(1, Math.abs(value) / limit) * 100 : 0}%`;
}

export class StoryTable {
  constructor(root, pick) {
    this.outer = make(root, "div");
    this.frame = make(this.outer, "div", "story");
    this.frame.tabIndex = 0;
    this.frame.setAttribute("role", "group");
    this.frame.setAttribute("aria-label", "the story; left and right arrow go by words, up and down by sentences");
    this.frame.addEventListener("click", (event) => {
      const word = event.target.closest?.(".word");
      if (word) pick(Number(word.dataset.step));
    });
    this.legend = make(this.outer, "div");
  }

  /** Build the rows of a story, with the columns that the machine has. */
  build(view, numbers) {
    [this.numbers, this.view, this.step] = [numbers, view, undefined];
    this.most = largest(numbers.per_word?.values ?? []);
    this.frame.replaceChildren();
    this.legend.replaceChildren();
    this.columns = columnsOf(numbers, view);
    this.table = make(this.frame, "table");
    tableHead(this.table, numbers);
    const body = make(this.table, "tbody");
    const after = view.sentences + 1;
    const places = [];
    for (let origin = numbers.read_shares ? 0 : 1; origin <= after; origin++) places[origin] = this.row(body, origin);
    this.words = view.origins.map((origin, step) => wordOf(places[origin], view, numbers, step));
    explain(this.legend, numbers, view);
  }

  /** Add an origin's row; returns the place of its words. */
  row(body, origin) {
    const { view } = this;
    const row = make(body, "tr");
    const told = origin > 0 && origin <= view.sentences;
    const fact = told && view.facts?.includes(origin - 1);
    const head = make(row, told ? "th" : "td", "", told ? `${fact ? "★ " : ""}${origin}` : "");
    if (told) head.scope = "row";
    if (fact) head.setAttribute("aria-label", `${origin}, a supporting fact`);
    const words = make(row, "td", "words");
    if (origin === 0) make(words, "span", "before", "(the memory before the first word)");
    for (const column of this.columns) measure(make(row, "td", "measure"), column, origin);
    return words;
  }

  /** Light up what was read; the measures wait for GO. Only words that change are touched. */
  show(step, answered) {
    const { words } = this;
    const all = this.step === undefined || this.answered !== answered;
    const [from, to] = all ? [0, words.length - 1] : [Math.min(step, this.step), Math.max(step, this.step)];
    this.frame.classList.toggle("answered", answered);
    for (let index = from; index <= to; index++) this.light(index, step, answered);
    [this.step, this.answered] = [step, answered];
    this.scrollTo(words[step]);
  }

  light(index, step, answered) {
    const { numbers } = this;
    const word = this.words[index];
    const read = index <= step;
    word.classList.toggle("read", read);
    word.classList.toggle("current", index === step);
    if (index === step) word.setAttribute("aria-current", "step");
    else word.removeAttribute("aria-current");
    const gate = read ? numbers.gate?.values[index] : undefined;
    const owes = answered ? numbers.per_word?.values[index] : undefined;
    this.bar(word.querySelector(".gate i"), gate, 1);
    this.bar(word.querySelector(".owes i"), owes, this.most);
    const told = [`word ${index + 1}`];
    if (gate !== undefined) told.push(`gate f ${formatLong(gate)}`);
    if (owes !== undefined) told.push(`evidence ${formatLong(owes)}`);
    word.title = told.join(", ");
  }

  bar(element, value, limit) {
    if (!element) return;
    const high = Number.isFinite(value) ? Math.min(1, Math.abs(value) / limit) : 0;
    element.style.height = `${high * 100}%`;
    element.classList.toggle("below", value < 0);
    if (value === undefined) delete element.dataset.value;
    else element.dataset.value = value;
  }

  /** Keep the word in sight, and leave the page where it is. */
  scrollTo(word) {
    const { frame } = this;
    const row = word.closest("tr");
    const head = this.table.tHead.offsetHeight;
    if (row.offsetTop - head < frame.scrollTop) frame.scrollTop = row.offsetTop - head;
    const below = row.offsetTop + row.offsetHeight - frame.clientHeight;
    if (below > frame.scrollTop) frame.scrollTop = below;
  }
}
