// The theme, set before anything is drawn: the reader's last choice, else what the system prefers.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("lessons-theme");
  } catch {
    /* a page from a file may not be allowed to keep anything */
  }
  const show = () => {
    document.documentElement.dataset.theme = chosen ?? (system.matches ? "dark" : "light");
  };
  show();
  system.addEventListener("change", show);

  /** Choose a theme and keep it for the other pages. */
  window.chooseTheme = (name) => {
    chosen = name;
    try {
      localStorage.setItem("lessons-theme", name);
    } catch {
      /* kept for this page only */
    }
    show();
  };
})();
