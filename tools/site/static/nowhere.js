// ipywidgets' front end comes packed for the classic notebook. This page is none: here is the least
// that the package asks of one, a loader of modules and a notebook that does nothing.
const modules = {};

const nothing = new Proxy(function () {}, {
  get: (target, name) => (name === Symbol.toPrimitive ? () => "" : nothing),
  apply: () => nothing,
  construct: () => nothing,
});

window.Jupyter = { version: "6.5.0" };
window.requirejs = (_names, loaded) => loaded(...Array.from({ length: 9 }, () => nothing));
window.requirejs.config = () => {};
window.define = (needs, make) => {
  const { module } = document.currentScript.dataset;
  const given = (name) => (name === "module" ? { id: module, uri: document.currentScript.src } : modules[name]);
  modules[module] = make(...needs.map(given));
};
