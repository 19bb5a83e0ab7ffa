// The page around a picture: elements, what is wrong in words, keys, and the axis of the steps.

/** Make an element inside another. */
export function make(parent, tag, name = "", text = "") {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text) element.textContent = text;
  parent.append(element);
  return element;
}

/** Make the root of a picture; the notebook's own shortcuts do not reach into it. */
export function makeRoot(el, label) {
  const root = make(el, "div", "lessons-picture");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", label);
  root.dataset.lmSuppressShortcuts = "true"; // else arrow keys would leave for the next cell
  return root;
}

/** Show what is wrong with the numbers, in words, above the picture. */
export function showProblems(root, model) {
  const place = make(root, "div");
  place.setAttribute("role", "alert");
  const update = () => {
    place.replaceChildren();
    for (const problem of model.get("problems")) make(place, "div", "problem", "⚠ " + problem);
  };
  model.on("change:problems", update);
  update();
  return () => model.off("change:problems", update);
}

/** Make a group for controls that only Python answers; `askForKernel` switches it off. */
export function makeLive(parent) {
  const live = make(parent, "fieldset", "live");
  live.setAttribute("role", "none"); // it groups for the switch alone
  return live;
}

/** Whether this page is one that never has a kernel. */
function isSaved() {
  return document.documentElement.dataset.kernel === "none";
}

/** Ask whether a kernel is there: `here` is called when it answers, `nobody` where none can. */
export function findKernel(model, here, nobody = () => {}) {
  const answer = (content) => content?.kind === "a kernel is here" && here();
  model.on("msg:custom", answer);
  try {
    model.send({ kind: "is a kernel there?" });
    if (isSaved()) nobody();
  } catch {
    nobody(); // the page has no connection at all
  }
  return () => model.off("msg:custom", answer);
}

/**
 * Say so in `place` where no kernel answers: then the picture is the saved one. Controls in `live`
 * are off where none ever can; the words then stand before them.
 */
export function askForKernel(place, model, live) {
  const words = isSaved()
    ? "Needs a kernel: open this lesson in JupyterLab to use it. Shown is what was saved."
    : "The controls of this picture need a running kernel, and none has answered yet: " +
      "run its cell, or wait while the kernel is busy. Shown is what was saved.";
  const note = make(place, "div", "problem no-kernel", words);
  live?.before(note);
  note.hidden = true;
  const timer = setTimeout(() => (note.hidden = false), 4000);
  const here = () => {
    clearTimeout(timer);
    note.hidden = true;
  };
  const nobody = () => {
    note.hidden = false;
    if (live) live.disabled = true;
  };
  const stop = findKernel(model, here, nobody);
  return () => {
    clearTimeout(timer);
    stop();
  };
}

/** Let the sliders beside a picture be called what is written before them: ipywidgets names none. */
export function nameSliders(root) {
  const output = root.closest(".jp-OutputArea-output, [data-model]");
  for (const handle of output?.querySelectorAll(".noUi-handle:not([aria-label])") ?? []) {
    const name = handle.closest(".jupyter-widgets")?.querySelector(".widget-label")?.textContent;
    if (name) handle.setAttribute("aria-label", name);
  }
}

/** Bind keys to actions: {ArrowLeft: () => …}. */
export function bindKeys(element, actions) {
  element.addEventListener("keydown", (event) => {
    const action = actions[event.key];
    const held = event.ctrlKey || event.metaKey || event.altKey;
    if (!action || held || event.target.tagName === "SELECT") return;
    if (event.key === " " && event.target.tagName === "BUTTON") return; // it presses the button
    event.preventDefault();
    action();
  });
}

/** How high a row of words is, one a step: they are written upwards where columns are narrow. */
export function wordsHeight(words, width) {
  const longest = Math.max(1, ...words.map((word) => word.length));
  return width / words.length < longest * 7.5 + 4 ? Math.min(80, longest * 8 + 10) : 20;
}

/** Write a step's word into its column of such a row; `now`, the step shown, over what stands there. */
export function stepWord(canvas, { x, y, width, height }, words, step, now = false) {
  const column = width / words.length;
  if (column < 9 && !now) return;
  const left = x + step * column;
  const options = { bold: now, color: now ? canvas.theme.ink : canvas.theme.soft };
  if (now) canvas.clear(left, y, column, height);
  if (height <= 20) canvas.text(left + column / 2, y + height / 2, words[step], { align: "center", ...options });
  else canvas.turnedText(left + column / 2, y + height - 2, words[step], { size: Math.min(12, Math.max(10, column)), fit: height - 4, ...options });
}

/** Draw step numbers below a panel whose columns are the steps. */
export function timeAxis(canvas, x, y, width, steps) {
  const least = Math.max(1, Math.ceil(steps / (width / 34)));
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((size) => size >= least) ?? least;
  for (let step = 0; step < steps; step += every) {
    const center = x + ((step + 0.5) / steps) * width;
    canvas.text(center, y + 8, step, { align: "center", size: 10, color: canvas.theme.soft });
  }
}
