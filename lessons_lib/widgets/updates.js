// Unfold a memory over time, sent whole here and there and else as what a write changes
// (updates.py says how, and has made sure that nothing is off by more than its tolerance).

/** The product of every head's column and row, folded into each number of a picture. */
function changed(picture, columns, rows, fold) {
  const [heads, slots] = columns.shape;
  const width = rows.shape[1];
  const wide = Float64Array.from(picture);
  for (let head = 0; head < heads; head++) {
    for (let slot = 0; slot < slots; slot++) {
      const weight = columns.values[head * slots + slot];
      for (let place = 0; place < width; place++) {
        const cell = slot * width + place;
        wide[cell] = fold(wide[cell], weight * rows.values[head * width + place]);
      }
    }
  }
  return Float32Array.from(wide);
}

/**
 * Return for each step its three pictures, {before, erased, after}, each {shape, values}.
 *
 * whole: (T, 3), 1 where a picture was sent; pictures: (K, slots, width), those sent, in order;
 * step(t) gives {weights, erase, add} of step t, (heads, n) each.
 */
export function unfold(whole, pictures, step) {
  const [, slots, width] = pictures.shape;
  const size = slots * width;
  const [steps, parts] = whole.shape;
  const shape = [slots, width];
  let [values, sent] = [undefined, 0];
  const next = (t, part) => {
    if (whole.values[t * parts + part]) {
      values = pictures.values.subarray(sent * size, ++sent * size);
    } else if (part > 0) {
      const { weights, erase, add } = step(t);
      if (part === 1) values = changed(values, weights, erase, (old, product) => old * (1 - product));
      else values = changed(values, weights, add, (old, product) => old + product);
    }
    return { shape, values };
  };
  const found = [];
  for (let t = 0; t < steps; t++) found.push({ before: next(t, 0), erased: next(t, 1), after: next(t, 2) });
  return found;
}
