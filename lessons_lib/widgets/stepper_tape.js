// A recorded run as the tape stepper sees it: its numbers, by step and over time, and their names.
import { at, largest, readNumbers, sideways } from "./shared.js";
import { unfold } from "./updates.js";

const MOST_BITS = 16; // inputs of more numbers get no name of zeros and ones
const UNSURE = 0.25; // an output further from 0 and 1 is no clear bit

/** Take head h of (T, H, n) as (T, n). */
function ofHead({ shape: [steps, heads, count], values }, head) {
  const taken = new Float32Array(steps * count);
  for (let step = 0; step < steps; step++) {
    const from = (step * heads + head) * count;
    taken.set(values.subarray(from, from + count), step * count);
  }
  return { shape: [steps, count], values: taken };
}

export class Tape {
  constructor(model) {
    this.numbers = readNumbers(model);
    this.labels = model.get("labels");
    this.names = model.get("names");
    this.steps = model.get("steps");
    this.slots = model.get("slots"); // the numbers of the slots drawn, from top to bottom
    this.made = new Map();
    this.memory = this.readMemory();
  }

  /** Each step's memory: {before, erased, after}; `erased` only where the trace tells. */
  readMemory() {
    const { numbers } = this;
    const whole = numbers["memory.whole"];
    if (whole) {
      const step = (t) => ({
        weights: at(numbers["write.weights"], t),
        erase: at(numbers.erase_vector, t),
        add: at(numbers.added ?? numbers.add_vector, t),
      });
      return unfold(whole, numbers["memory.pictures"], step);
    }
    if (!numbers.memory_after) return undefined;
    const pictures = (t) => ({ before: at(numbers.memory_before, t), after: at(numbers.memory_after, t) });
    return Array.from({ length: this.steps }, (_, t) => pictures(t));
  }

  /** The heads drawn: all that write, and those that read or the chosen one of many. */
  heads(chosen) {
    const list = [];
    const count = (which) => this.numbers[`${which}.weights`]?.shape[1] ?? 0;
    const many = count("write") > 1;
    for (let head = 0; head < count("write"); head++) {
      list.push({ which: "write", head, name: many ? `write head ${head}` : "write head" });
    }
    const reads = count("read");
    for (let head = 0; head < reads; head++) {
      if (reads > 3 && head !== chosen) continue;
      list.push({ which: "read", head, name: reads > 1 ? `read head ${head}` : "read head" });
    }
    return list;
  }

  /** Whether the read heads look at the memory after the write (L-NTM), not before it (NTM). */
  readsLate() {
    return Boolean(this.numbers["read.weights"] && !this.numbers["read.shift"]);
  }

  once(key, build) {
    if (!this.made.has(key)) this.made.set(key, build());
    return this.made.get(key);
  }

  panel(name) {
    return this.once(name, () => sideways(this.numbers[name]));
  }

  path({ which, head }) {
    return this.once(`${which} ${head}`, () => sideways(ofHead(this.numbers[`${which}.weights`], head)));
  }

  /** The size of full colour: the largest that these numbers ever have. */
  limit(name) {
    return this.once(`limit ${name}`, () => largest(this.numbers[name].values));
  }

  memoryLimit() {
    return this.once("limit of the memory", () =>
      this.memory.reduce((most, { after }) => Math.max(most, largest(after.values)), 1e-6),
    );
  }

  /** One of a head's scalars at a step, as a list; empty where the head has none. */
  scalar({ which, head }, field, step) {
    const name = field === "add_gate" && which === "write" ? field : `${which}.${field}`;
    const now = at(this.numbers[name], step);
    if (!now) return [];
    if (now.shape.length > 1) return at(now, Math.min(head, now.shape[0] - 1)).values;
    const own = Math.min(head, now.values.length - 1); // one for all heads, or one each
    return now.values.subarray(own, own + 1);
  }

  // --- Names ------------------------------------------------------------------------------------------

  /** What came in or went out at a step: its word, or its bits; "" where it has no short name. */
  symbol(name, step) {
    if (this.labels[name]) return this.labels[name][step];
    const values = at(this.numbers[name], step)?.values ?? [];
    if (!values.length || values.length > MOST_BITS) return "";
    const near = name === "outputs" ? UNSURE : 0; // an output is called by its bits where they are clear
    const clear = values.every((value) => value >= 0 && value <= 1 && Math.min(value, 1 - value) <= near);
    return clear ? Array.from(values, Math.round).join("") : "";
  }

  /** A step with what came in there, such as: step 2, input 0110. */
  stepName(step) {
    const symbol = this.symbol("inputs", step);
    return symbol ? `step ${step}, input ${symbol}` : `step ${step}`;
  }

  /** The steps that wrote what is read at a step, largest share first: [{step, share}]; −1 is the start. */
  sources(step, place = 0) {
    const steps = at(this.numbers["origin.read_step"], step, place);
    const shares = at(this.numbers["origin.read_share"], step, place);
    if (!steps) return [];
    const all = Array.from(shares.values, (share, rank) => ({ step: steps.values[rank], share }));
    return all.filter(({ share }) => share >= 0.005);
  }

  /** Which step wrote most of what stands in a slot after a step, in words; "" where it is not known. */
  wrote(step, row) {
    const share = at(this.numbers["origin.slot_share"], step)?.values[row];
    if (share === undefined || Number.isNaN(share)) return "";
    const source = at(this.numbers["origin.slot_step"], step).values[row];
    const from = source < 0 ? "is the start's" : `was written at ${this.stepName(source)}`;
    return `\nmost of what then stands there ${from} (${percent(share)})`;
  }
}

/** A share in whole percent. */
export function percent(share) {
  return `${Math.round(100 * share)}%`;
}
