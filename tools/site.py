"""Build the whole course as pages that need no kernel and no connection.

`python -m tools.site` runs every lesson and writes build/site/index.html and a page for each
lesson. Recorded runs can be stepped through there; what needs Python is fixed and says so.
On paper, each picture is its still.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import metadata, resources
from pathlib import Path

import nbformat
from jupyter_core.paths import jupyter_path
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode

from tools.layout import BUILD, COMPUTE_MINUTES, NOTEBOOKS, lesson_notebooks
from tools.run_notebooks import PROFILES, Run, execute, lesson_environment, report

HERE = Path(__file__).with_suffix("")
RUNS = BUILD / "notebooks" / "site"
SITE = BUILD / "site"
CELL_SECONDS = 600
STATE = "application/vnd.jupyter.widget-state+json"
VIEW = "application/vnd.jupyter.widget-view+json"
STILLS = "application/vnd.lessons.stills+json"
MODEL = "IPY_MODEL_"
MATHJAX_PARTS = ("config", "extensions", "fonts", "jax/element", "jax/input", "jax/output/HTML-CSS")
MATHJAX_UNUSED = ("a11y", "*.otf")


@dataclass(frozen=True)
class Page:
    """A lesson's page: its file's name, its title, and the line about its minutes and needs."""

    name: str
    title: str
    needs: str

    @property
    def number(self) -> str:
        """The lesson's number, as its title has it, or ""."""
        return self.title.partition(". ")[0] if ". " in self.title else ""

    @property
    def short(self) -> str:
        """The title without its number and what follows a colon."""
        return self.title.removeprefix(f"{self.number}. ").partition(":")[0]


def page_of(notebook: Path) -> Page:
    """Read from a lesson's first cell what other pages say of it."""
    title, _, text = nbformat.read(notebook, as_version=4).cells[0].source.partition("\n")
    return Page(notebook.stem, title.lstrip("# "), text.strip().partition("\n")[0])


# --- Running -------------------------------------------------------------------------------------


def run_lesson(notebook: Path, folder: Path, profile: str) -> Run:
    """Run a lesson as on a learner's first day, with a last cell that draws the stills."""
    document = nbformat.read(notebook, as_version=4)
    code = (HERE / "stills.py").read_text(encoding="utf-8")
    document.cells.append(nbformat.v4.new_code_cell(code, id="stills"))
    copy = folder / notebook.name
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(document, copy)
    with tempfile.TemporaryDirectory() as answers:
        environment = lesson_environment(profile, Path(answers))
        return execute(copy, copy, environment, CELL_SECONDS)


def run_lessons(notebooks: list[Path], folder: Path, profile: str, workers: int) -> bool:
    """Run the lessons, the longest first; return whether all of them succeeded."""
    minutes = json.loads(COMPUTE_MINUTES.read_text(encoding="utf-8"))["minutes"]
    longest_first = sorted(notebooks, key=lambda path: -minutes.get(path.stem, 0))
    run = partial(run_lesson, folder=folder, profile=profile)
    with ThreadPoolExecutor(workers) as pool:
        return all([report(done, limit=float("inf")) for done in pool.map(run, longest_first)])


# --- Without a kernel ----------------------------------------------------------------------------


def take_stills(document: NotebookNode) -> dict[str, dict[str, str]]:
    """Take the last cell off a lesson that was run, and return the stills that it drew."""
    cell = document.cells.pop()
    return next(output.data[STILLS] for output in cell.outputs if STILLS in output.get("data", {}))


def parts_of(state: dict, identity: str) -> Iterator[str]:
    """Name the models of a widget: itself and all that it refers to."""
    waiting, seen = [identity], set()
    while waiting:
        one = waiting.pop()
        if one in seen or one not in state:
            continue
        seen.add(one)
        yield one
        text = json.dumps({k: v for k, v in state[one]["state"].items() if not k.startswith("_")})
        waiting += re.findall(rf'"{MODEL}(\w+)"', text)


def fix_controls(document: NotebookNode) -> None:
    """Disable every control that only Python answers, and mark the outputs that have one."""
    state = document.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    controls = {name for name, model in state.items() if "disabled" in model["state"]}
    for name in controls:
        state[name]["state"]["disabled"] = True
    for cell in document.cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {}).get(VIEW)
            if shown:
                used = controls.intersection(parts_of(state, shown["model_id"]))
                output.metadata["needs_kernel"] = bool(used)


def link_pages(document: NotebookNode, names: set[str]) -> None:
    """Let links to lessons lead to their pages."""
    for cell in document.cells:
        if cell.cell_type == "markdown":
            for name in names:
                cell.source = cell.source.replace(f"]({name}.ipynb", f"]({name}.html")


# --- Pages ---------------------------------------------------------------------------------------


def exporter() -> HTMLExporter:
    """Return nbconvert's exporter with the course's template."""
    return HTMLExporter(
        template_name="course",
        extra_template_basedirs=[str(HERE)],
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )


def write_page(executed: Path, pages: list[Page], out: Path) -> Path:
    """Write the page of a lesson that was run."""
    document = nbformat.read(executed, as_version=4)
    here = next(place for place, page in enumerate(pages) if page.name == executed.stem)
    stills = take_stills(document)
    fix_controls(document)
    link_pages(document, {page.name for page in pages})
    known = {
        "metadata": {"name": executed.stem, "path": ""},
        "pages": pages,
        "page": pages[here],
        "before": pages[here - 1] if here else None,
        "after": pages[here + 1] if here + 1 < len(pages) else None,
        "stills": stills,
    }
    text, _ = exporter().from_notebook_node(document, known)
    path = out / f"{executed.stem}.html"
    path.write_text(text, encoding="utf-8")
    return path


def write_contents(pages: list[Page], out: Path) -> None:
    """Write the first page."""
    template = exporter().environment.get_template("contents.html.j2")
    summary = metadata.metadata("lessons-lib")["Summary"]
    (out / "index.html").write_text(template.render(pages=pages, summary=summary), "utf-8")


# --- What the pages load -------------------------------------------------------------------------


def installed(name: str) -> Path:
    """Return a file or folder that a package installed under share/jupyter.

    Raises:
        FileNotFoundError: no package did.
    """
    for folder in jupyter_path():
        if (Path(folder) / name).exists():
            return Path(folder) / name
    raise FileNotFoundError(f"expected share/jupyter/{name}: `pip install -e '.[lab,dev]'`")


def theme() -> str:
    """Return JupyterLab's colours: light, and on screens dark where the page says so."""
    folder = installed("nbconvert/templates/lab/static")
    files = (folder / f"{name}.css" for name in ("index", "theme-light", "theme-dark"))
    all_styles, light, dark = (file.read_text(encoding="utf-8") for file in files)
    palette = "\n".join(re.findall(r"^  --md-.*;$", all_styles, re.MULTILINE))
    dark = dark.replace(":root {", ':root[data-theme="dark"] {')
    return f":root {{\n{palette}\n}}\n{light}\n@media screen {{\n{dark}\n}}\n"


def copy_static(out: Path) -> None:
    """Lay beside the pages what they load: our scripts and styles, the packages' front ends."""
    shutil.copytree(HERE / "static", out, dirs_exist_ok=True)
    (out / "theme.css").write_text(theme(), encoding="utf-8")
    packed = {"ipywidgets": "jupyter-js-widgets/extension", "anywidget": "anywidget/index"}
    for name, file in packed.items():
        script = installed(f"nbextensions/{file}.js").read_text(encoding="utf-8")
        (out / f"{name}.js").write_text(re.sub(r"//# sourceMappingURL.*", "", script), "utf-8")
    with resources.as_file(resources.files("jupyter_server_mathjax") / "static") as mathjax:
        for part in MATHJAX_PARTS:
            ignore = shutil.ignore_patterns(*MATHJAX_UNUSED)
            shutil.copytree(mathjax / part, out / "mathjax" / part, ignore=ignore)
        for file in ("MathJax.js", "LICENSE"):
            shutil.copy(mathjax / file, out / "mathjax" / file)


def build(executed: list[Path], out: Path) -> None:
    """Write all pages of lessons that were run, and what they load, into an empty folder."""
    shutil.rmtree(out, ignore_errors=True)
    copy_static(out / "static")
    pages = [page_of(path) for path in executed]
    for path in executed:
        page = write_page(path, pages, out)
        print(f"{page.name:<32} {page.stat().st_size / 1e6:7.2f} MB")
    write_contents(pages, out)
    loaded = sum(path.stat().st_size for path in (out / "static").rglob("*") if path.is_file())
    print(f"{'what they load':<32} {loaded / 1e6:7.2f} MB")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 when every lesson ran and has its page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=PROFILES, default="full")
    parser.add_argument("--keep-runs", action="store_true", help="pages from the runs of last time")
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--notebooks", type=Path, default=NOTEBOOKS)
    parser.add_argument("--runs", type=Path, default=RUNS, help="where lessons that ran are kept")
    parser.add_argument("--out", type=Path, default=SITE)
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    lessons = lesson_notebooks(options.notebooks)
    runs = [options.runs / lesson.name for lesson in lessons]
    ran = options.keep_runs or run_lessons(lessons, options.runs, options.profile, options.workers)
    if not ran:
        return 1
    build(runs, options.out)
    seconds = time.perf_counter() - start
    print(f"{options.out / 'index.html'} and {len(lessons)} lessons in {seconds:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
