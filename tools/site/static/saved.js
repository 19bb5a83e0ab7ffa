// Saved widgets without a kernel: makes the models from the state in the page, and their views.
const front = modules["@jupyter-widgets/base"]; // base, controls and output come in one package
const STATE = 'script[type="application/vnd.jupyter.widget-state+json"]';

function bytes({ data, encoding }) {
  if (encoding !== "base64") throw new Error(`expected base64, got ${encoding}`);
  return new DataView(Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0)).buffer);
}

/** What a widget's model and view ask of their manager; nothing is ever sent. */
class SavedWidgets {
  constructor(state) {
    this.state = state;
    this.models = {};
  }

  has_model(id) {
    return id in this.state;
  }

  get_model(id) {
    if (!this.has_model(id)) return Promise.reject(new Error(`no widget ${id} was saved`));
    return (this.models[id] ??= this.makeModel(id));
  }

  async makeModel(id) {
    const { model_name: name, model_module: module, state, buffers = [] } = this.state[id];
    const paths = buffers.map((buffer) => buffer.path);
    front.put_buffers(state, paths, buffers.map(bytes));
    const Model = this.loadClass(name, module);
    const attributes = await Model._deserialize_state(state, this);
    const model = new Model(attributes, { widget_manager: this, model_id: id });
    Object.assign(model, { name, module });
    return model;
  }

  async create_view(model, options = {}) {
    const View = this.loadClass(model.get("_view_name"), model.get("_view_module"));
    const view = new View({ model, options });
    view.listenTo(model, "destroy", view.remove);
    await view.render();
    return view;
  }

  loadClass(name, module) {
    const found = (module.startsWith("@jupyter-widgets/") ? front : modules[module])?.[name];
    if (!found) throw new Error(`expected a class ${name} in ${module}`);
    return found;
  }

  callbacks() {
    return {};
  }

  setViewOptions(options = {}) {
    return options;
  }

  inline_sanitize(text) {
    return text; // the course's own text
  }
}

/** Name what ipywidgets leaves without words: each slider is called what is written before it. */
function nameTheNameless() {
  for (const image of document.querySelectorAll(".widget-image:not([alt])")) {
    image.alt = "The last picture that this cell drew while it ran; the text around it says of what.";
  }
  for (const handle of document.querySelectorAll(".noUi-handle:not([aria-label])")) {
    const words = handle.closest(".widget-slider")?.querySelector(".widget-label")?.textContent;
    handle.setAttribute("aria-label", words || "your answer");
  }
}

async function showSaved() {
  await front.load_ipython_extension(); // its style sheets
  const saved = JSON.parse(document.querySelector(STATE).textContent);
  const widgets = new SavedWidgets(saved.state);
  for (const place of document.querySelectorAll("[data-model]")) {
    try {
      const view = await widgets.create_view(await widgets.get_model(place.dataset.model));
      front.JupyterLuminoWidget.attach(view.luminoWidget, place);
    } catch (error) {
      place.classList.add("failed"); // then its still is shown, if it has one
      console.error(error);
    }
  }
  nameTheNameless();
  document.documentElement.dataset.widgets = "shown";
}

showSaved();
