// What a page does besides its widgets: two buttons, and the list of its parts.
const root = document.documentElement;

const themeButton = document.getElementById("theme");
const other = () => (root.dataset.theme === "dark" ? "light" : "dark");
const nameTheme = () => (themeButton.textContent = `${other() === "dark" ? "Dark" : "Light"} theme`);
themeButton.addEventListener("click", () => window.chooseTheme(other()));
new MutationObserver(nameTheme).observe(root, { attributeFilter: ["data-theme"] });
nameTheme();

const unfold = document.getElementById("unfold");
unfold?.addEventListener("click", () => {
  const open = unfold.getAttribute("aria-pressed") !== "true";
  unfold.setAttribute("aria-pressed", String(open));
  unfold.textContent = open ? "Fold all" : "Unfold all";
  for (const fold of document.querySelectorAll("main details:not(.code)")) fold.open = open;
});

const parts = document.getElementById("parts");
const headings = parts ? document.querySelectorAll("main h2[id]") : [];
if (headings.length > 1) {
  const list = parts.appendChild(document.createElement("ul"));
  for (const heading of headings) {
    const link = document.createElement("a");
    link.href = "#" + encodeURIComponent(heading.id);
    link.textContent = heading.textContent.replace(/¶$/, "");
    list.appendChild(document.createElement("li")).append(link);
  }
  parts.hidden = false;
}
for (const link of document.querySelectorAll(".anchor-link")) {
  link.setAttribute("aria-label", "Link to this part");
}
