// Numbers: unpacked from the buffer that was sent, taken apart, and written.

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

/** Turn (T, n) into (n, T), so that time runs to the right. */
export function sideways({ shape: [steps, count], values }) {
  const turned = new Float32Array(values.length);
  for (let step = 0; step < steps; step++) {
    for (let row = 0; row < count; row++) turned[row * steps + step] = values[step * count + row];
  }
  return { shape: [count, steps], values: turned };
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

/** Write a share or a probability in percent; never 0% or 100% for what is not. */
export function inPercent(value) {
  if (!Number.isFinite(value)) return format(value);
  if (value > 0 && value < 0.001) return "<0.1%";
  if (value < 1 && value > 0.999) return ">99.9%";
  return `${(value * 100).toFixed(1)}%`;
}
