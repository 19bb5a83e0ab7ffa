// The networks of the gate explorer and their numbers, and how sizes are written.
import { at, readNumbers, sideways } from "./shared.js";
import { put } from "./toolbar.js";

const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Write 10 to a whole power: 10⁻⁵. */
export function power(exponent) {
  const digits = Array.from(String(Math.abs(exponent)), (digit) => RAISED[Number(digit)]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

/** Write a size given by its logarithm: 0.031, or 3.1·10⁻⁷ where that is too small or large. */
export function fromLog(log) {
  if (Number.isNaN(log)) return "NaN";
  if (!Number.isFinite(log)) return log < 0 ? "0" : "∞";
  if (log >= -3 && log < 4) return String(Number((10 ** log).toPrecision(3)));
  let exponent = Math.floor(log);
  let digits = (10 ** (log - exponent)).toFixed(1);
  if (digits === "10.0") [digits, exponent] = ["1.0", exponent + 1];
  return `${digits}·${power(exponent)}`;
}

class Network {
  constructor(numbers, { name, kind, units }, steps) {
    Object.assign(this, { numbers, name, kind, units, steps });
    this.state = kind === "LSTM" ? "cell" : "hidden"; // what is carried along
    this.symbol = kind === "LSTM" ? "c" : "h";
    this.made = new Map();
    this.last = this.get("loss_at").values[0];
  }

  get(name) {
    return this.numbers[`${this.name} ${name}`];
  }

  strip(name) {
    if (!this.made.has(name)) this.made.set(name, sideways(this.get(name)));
    return this.made.get(name);
  }

  own(unit) {
    return Math.min(unit, this.units - 1);
  }

  /** One unit of (T, C), over the steps. */
  unit(name, unit) {
    const own = this.own(unit);
    return at(this.strip(name), own).values;
  }
}

export class Explorer {
  constructor(model) {
    const numbers = readNumbers(model);
    this.steps = model.get("steps");
    this.networks = model.get("models").map((one) => new Network(numbers, one, this.steps));
    this.labels = model.get("labels");
    this.last = this.networks[0].last; // the step of the loss
  }

  shown(model) {
    const chosen = model.get("shown");
    return this.networks.filter(({ name }) => chosen === "all" || chosen === name);
  }
}

/** Whole powers of ten around these tensors of logarithms; at most 24 of them. */
export function decades(tensors) {
  const finite = tensors.flatMap((tensor) => Array.from(tensor?.values ?? [])).filter(Number.isFinite);
  const high = finite.length ? Math.ceil(Math.max(...finite) + 0.05) : 0;
  const low = finite.length ? Math.floor(Math.min(...finite) - 0.05) : -1;
  return [Math.max(low, high - 24), high];
}
/** Set a unit, from 0 to the last. */
export function goToUnit(model, wanted) {
  const most = Math.max(...model.get("models").map(({ units }) => units));
  put(model, "unit", Math.min(Math.max(wanted, 0), most - 1));
}
