// Nothing to see: it lets the slider above it, which ipywidgets leaves without a name, be called by its question.

function render({ el }) {
  el.hidden = true;
  const name = () => {
    const box = el.closest(".widget-vbox");
    const handle = box?.querySelector(".noUi-handle");
    const question = box?.querySelector(".widget-htmlmath-content");
    if (!handle || !question) return; // not in the page yet
    question.id ||= `question-${Math.random().toString(36).slice(2)}`;
    handle.setAttribute("aria-labelledby", question.id);
    observer.disconnect();
  };
  const observer = new MutationObserver(name);
  observer.observe(document.body, { childList: true, subtree: true });
  name();
  return () => observer.disconnect();
}

export default { render };
