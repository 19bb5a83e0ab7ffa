"""The course as pages: built from two small lessons, then read in Chromium from their files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect

from tools import site
from tools.build_notebooks import METADATA
from tools.layout import lesson_notebooks

pytestmark = pytest.mark.xdist_group("browser")  # one worker builds the pages, once

HIDDEN = {"jupyter": {"source_hidden": True}}
SETUP = """
import torch
from lessons_lib import figures, runtime
from lessons_lib.ntm import NTM
from lessons_lib.predictions import predict, quiz, reveal
from lessons_lib.widgets import AddressingPlayground, TapeStepper
runtime.setup(seed=0)
trace = NTM(3, 2, slots=4, width=3, hidden_size=5)(torch.rand(5, 1, 3), trace=True)[-1]
print("a <b>line</b> of print")
"""
CELLS = [
    (r"""# 1. Small: a lesson

Study: a minute. Needs: nothing.

It has $x^2$ and $$y = \frac{1}{2}$$
""", None),
    (SETUP, {}),
    ("## One part\n\n| a | b |\n|---|---|\n| 1 | $z$ |", None),
    ("TapeStepper(trace)", {}),
    ("AddressingPlayground()", {}),
    ('predict("1.1", "Is $h$ large?", options=["yes", "no"])', HIDDEN),
    ('reveal("1.1", "It is $h = 3$, small.", answer="no")', HIDDEN),
    ('quiz("1.q1", "Which?", options=["a", "b"], answer="a", why={"a": "yes", "b": "no"})', HIDDEN),
    ("figures.draw_weights(torch.tensor([0.5, 0.5]))", {}),
    ("## Another part\n\nNext: [lesson 2](02_next.ipynb)", None),
]  # fmt: skip
LIVE_SETUP = """
import torch
from lessons_lib import load, runtime
from lessons_lib.recurrent import LSTM, RNN
from lessons_lib.widgets import AddressingPlayground, ConvolutionStepper, DriveTheMachine
from lessons_lib.widgets import GateExplorer, SideBySide, StoryStepper
runtime.setup(seed=0)

import io
import ipywidgets
from lessons_lib import figures
drawn = io.BytesIO()
figures.draw_weights(torch.ones(2)).savefig(drawn, format="png")
ipywidgets.Image(value=drawn.getvalue())
"""
ALIVE = {  # each picture, and which of its controls work without Python
    "AddressingPlayground()": [],
    "ConvolutionStepper()": ["slot under the kernel"],
    "DriveTheMachine()": [],
    "StoryStepper({'lntm-qa1': load('lntm-qa1')}, 'Mary went to the garden. Where is Mary?')": [
        "first word", "one word back", "play or pause (space)", "one word on",
        "to GO, where the answer is due", "word", "speed of playing",
    ],
    "GateExplorer({'one': RNN(3, 2, hidden_size=4), 'two': RNN(3, 2)}, torch.rand(5, 1, 3))": [
        "first step", "one step back", "play the gradient back from the loss, or pause (B)",
        "play forward, or pause (space)", "one step on", "last step", "step",
        "which networks are shown", "unit, from 0 to 99", "speed of playing",
        "v, the bound on the gradient's norm",
    ],
    "SideBySide({'small': LSTM(9, 8, hidden_size=4)}, 3, recorded={})": [
        "first step", "one step back", "play or pause (space)", "one step on", "last step", "step",
        "speed of playing",
    ],
}  # fmt: skip
LIVE = [
    ("# 3. Live\n\nNeeds: lesson 2.", None),
    (LIVE_SETUP, {}),
    *((source, {}) for source in ALIVE),
]
SLIDER_NAMES = "all => all.map((one) => one.getAttribute('aria-label'))"
ENABLED = """root => [...root.querySelectorAll("button, input, select, textarea, [role=slider]")]
  .filter((one) => !one.matches(":disabled, [aria-disabled=true]"))
  .map((one) => one.getAttribute("aria-label") || one.textContent)"""
READY = """() => document.documentElement.dataset.widgets === "shown"
  && window.MathJax?.Hub?.queue?.running === 0 && MathJax.Hub.queue.queue.length === 0"""
DRAWN = "JSON.stringify(document.querySelector('.lessons-picture canvas')?.drawn)"
PAPER = "getComputedStyle(document.body).backgroundColor"
INK = """document.querySelector(".lessons-picture canvas")
  .getContext("2d").getImageData(1, 1, 1, 1).data[0]"""
CONTROLS = "input, select, .widget-button, .noUi-target"  # of ipywidgets
WAIT = 60_000
LOADED = {"script": "src", "link": "href", "img": "src"}


def write_lesson(path: Path, cells: list[tuple[str, dict | None]]) -> None:
    make = nbformat.v4
    built = [
        make.new_markdown_cell(text) if extra is None else make.new_code_cell(text, metadata=extra)
        for text, extra in cells
    ]
    nbformat.write(make.new_notebook(cells=built, metadata=METADATA), path)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a course of three lessons, the second of them without widgets."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "lessons").mkdir()
    write_lesson(folder / "lessons" / "01_small.ipynb", CELLS)
    write_lesson(folder / "lessons" / "02_next.ipynb", [("# 2. Next\n\nNeeds: lesson 1.", None)])
    write_lesson(folder / "lessons" / "03_live.ipynb", LIVE)
    options = {"notebooks": "lessons", "runs": "runs", "out": "pages"}
    arguments = [f"--{name}={folder / place}" for name, place in options.items()]
    assert site.main([*arguments, "--profile=quick", "--workers=1"]) == 0
    return folder / "pages"


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


class Reader:
    """A page opened from its file by a browser that may load files and nothing else."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.problems = page, []
        page.set_default_timeout(WAIT)
        page.route(re.compile("^(?!file:|data:|blob:)"), self.refuse)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("requestfailed", lambda request: self.problems.append(f"not there: {request.url}"))
        page.on("console", self.hear)
        page.goto(address)
        page.wait_for_function(READY, timeout=WAIT)

    def refuse(self, route: Route) -> None:
        self.problems.append(f"asked for {route.request.url}")
        route.abort()

    def hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.problems.append(f"console: {message.text}")


@pytest.fixture(scope="module")
def opened(chromium_browser: Browser, pages: Path) -> Iterator[Reader]:
    context = chromium_browser.new_context(
        viewport={"width": 1600, "height": 1000}, color_scheme="light"
    )
    yield Reader(context.new_page(), (pages / "01_small.html").as_uri())
    context.close()


@pytest.fixture
def lesson(opened: Reader) -> Iterator[Page]:
    """The first lesson's page, opened once; every test leaves it there, and no error."""
    yield opened.page
    assert opened.problems == []


# --- What is written -----------------------------------------------------------------------------


def test_everything_that_a_page_loads_lies_beside_it(pages):
    for path in pages.glob("*.html"):
        for tag, name in LOADED.items():
            for element in soup(path).find_all(tag):
                address = element.get(name, "")
                if address and not address.startswith("data:"):
                    assert (pages / address.partition("?")[0]).is_file(), f"{path.name}: {address}"


def test_all_links_between_pages_lead_somewhere(pages):
    found = set()
    for path in pages.glob("*.html"):
        for link in soup(path).find_all("a", href=True):
            file, _, part = link["href"].partition("#")
            target = pages / file if file else path
            assert target.is_file(), f"{path.name}: {link['href']}"
            assert not part or soup(target).find(id=part), f"{path.name}: {link['href']}"
            found.add(file)
    assert {"index.html", "01_small.html", "02_next.html"} <= found


def test_landmarks_and_headings(pages):
    for path in pages.glob("*.html"):
        page = soup(path)
        assert page.html["lang"] == "en"
        assert page.title.text
        assert len(page.find_all("h1")) == len(page.find_all("main")) == 1
        assert all(nav.get("aria-label") for nav in page.find_all("nav"))
        assert page.body.find("a")["href"] == f"#{page.main['id']}", "the skip link comes first"
        assert all(image.get("alt") for image in page.find_all("img"))
        assert "nbval" not in page.main.text


def test_figures_and_stills_are_said_in_words(pages):
    images = soup(pages / "01_small.html").find_all("img")
    figure, *stills = sorted((image["alt"] for image in images), key=len)
    assert figure == "weight by slot: bars of 0.5, 0.5."
    assert len(stills) == 2
    assert all("as a still picture" in still and "a grid of 4 × 3" in still for still in stills[1:])
    assert not any("No description" in image["alt"] for image in images)


def test_what_needs_python_says_so_and_what_is_recorded_does_not(pages):
    said = {
        place["data-model"]: place.find_previous_sibling(class_="needs-kernel") is not None
        for place in soup(pages / "01_small.html").find_all(class_="widget")
    }
    stepper, playground, prediction, reveal, quiz = said.values()
    assert playground
    assert prediction
    assert quiz
    assert not stepper
    assert not reveal


def test_a_lesson_that_fails_has_no_page(tmp_path, capfd):
    (tmp_path / "lessons").mkdir()
    write_lesson(tmp_path / "lessons" / "01_bad.ipynb", [("# 1. Bad", None), ("1 / 0", {})])
    arguments = [f"--notebooks={tmp_path / 'lessons'}", f"--runs={tmp_path / 'runs'}"]
    assert site.main([*arguments, f"--out={tmp_path / 'pages'}", "--profile=quick"]) == 1
    assert "ZeroDivisionError" in capfd.readouterr().err
    assert not (tmp_path / "pages").exists()


def test_parts_of_a_widget_are_found_through_lists_and_loops():
    state = {
        "a": {"state": {"children": ["IPY_MODEL_b"], "layout": "IPY_MODEL_c"}},
        "b": {"state": {"source": ["IPY_MODEL_a", "value"]}},
        "c": {"state": {"_view": "IPY_MODEL_d"}},
        "d": {"state": {}},
    }
    assert set(site.parts_of(state, "a")) == {"a", "b", "c"}


def test_the_same_runs_give_the_same_pages(pages, tmp_path):
    course = pages.parent
    arguments = [f"--notebooks={course / 'lessons'}", f"--runs={course / 'runs'}", "--keep-runs"]
    assert site.main([*arguments, f"--out={tmp_path / 'again'}"]) == 0
    for path in pages.rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "again" / path.relative_to(pages)).read_bytes()


@pytest.mark.parametrize("lesson", lesson_notebooks(), ids=lambda path: path.stem)
def test_no_lesson_shows_a_picture_from_elsewhere(lesson):
    for cell in nbformat.read(lesson, as_version=4).cells:
        assert not re.search(r"!\[[^\]]*\]\(http|src=.https?:", cell.source), cell.source


@pytest.mark.parametrize(
    ("title", "number", "short"),
    [("4. NTM II: addressing", "4", "NTM II"), ("A task: one", "", "A task")],
)
def test_the_bar_names_a_page_in_short(title, number, short):
    page = site.Page("name", title, "")
    assert (page.number, page.short) == (number, short)


# --- What a reader sees: one page, opened once ---------------------------------------------------


def test_math_is_set_and_prints_are_text(lesson):
    assert lesson.locator(".MathJax").count() == 5  # x², y, z, and in widgets h and h = 3
    assert lesson.locator(".MathJax_Error, .merror").count() == 0
    assert "$" not in lesson.locator("main").inner_text()
    assert "a <b>line</b> of print" in lesson.locator("main").inner_text()


def test_a_recorded_run_is_stepped_through_by_keyboard(lesson):
    picture = lesson.locator(".lessons-picture").first
    lesson.wait_for_function(f"{DRAWN} !== undefined")
    before = lesson.evaluate(DRAWN)
    expect(picture.locator("output").first).to_contain_text("step 0")
    picture.locator("canvas").first.focus()
    lesson.keyboard.press("ArrowRight")
    expect(picture.locator("output").first).to_contain_text("step 1")
    lesson.wait_for_function(f"before => {DRAWN} !== before", arg=before)


def test_controls_are_fixed_and_say_that_they_need_a_kernel(lesson):
    for place in lesson.locator(".needs-kernel + .widget").all():
        controls = place.locator(f":is({CONTROLS}):not(.lessons-picture *)")
        assert controls.count() > 0
        assert controls.evaluate_all("all => all.every((one) => one.hasAttribute('disabled'))")
    for note in lesson.locator(".needs-kernel").all():
        own = note.locator("+ .widget .no-kernel")  # a picture may say so itself
        said = own.first if own.count() else note
        assert said.is_visible()
        assert "Needs a kernel" in said.inner_text()
        assert note.is_visible() != (own.count() > 0)


def test_what_needs_a_kernel_is_off_and_the_rest_of_a_picture_works(chromium_browser, pages):
    context = chromium_browser.new_context(viewport={"width": 1600, "height": 1000})
    reader = Reader(context.new_page(), (pages / "03_live.html").as_uri())
    shown = reader.page.locator(".lessons-picture")
    shown.nth(len(ALIVE) - 1).wait_for()
    for picture, (source, alive) in zip(shown.all(), ALIVE.items(), strict=True):
        picture.locator("canvas").first.scroll_into_view_if_needed()
        assert picture.evaluate(ENABLED) == alive, source
        assert picture.locator("fieldset:disabled, button:disabled").count() > 0
        words = picture.get_by_text(re.compile("needs a kernel", re.IGNORECASE))
        assert any(said.is_visible() for said in words.all()), source
    names = reader.page.locator(".noUi-handle").evaluate_all(SLIDER_NAMES)
    assert "β key strength" in names
    assert all(names)
    images = reader.page.locator("img")
    assert images.count() == 1 + len(ALIVE)
    assert all(images.evaluate_all("all => all.map((one) => one.alt)"))
    convolution, story = shown.nth(1), shown.nth(3)
    convolution.get_by_label("slot under the kernel").press("ArrowRight")
    expect(convolution.locator("output")).to_contain_text("slot 1 of")
    story.get_by_role("button", name="to GO").click()
    expect(story.locator(".verdict .answer")).to_be_visible()
    reader.page.emulate_media(media="print")
    assert reader.page.locator(".still").count() == len(ALIVE)
    assert all(still.is_visible() for still in reader.page.locator(".still").all())
    assert not any(canvas.is_visible() for canvas in reader.page.locator("canvas").all())
    assert reader.problems == []
    context.close()


def test_a_reveal_unfolds_by_keyboard(lesson):
    fold = lesson.locator(".widget details")
    assert not fold.locator("p").first.is_visible()
    fold.locator("summary").focus()
    lesson.keyboard.press("Enter")
    expect(fold.locator("p").first).to_be_visible()
    assert "The answer: no" in fold.inner_text()


def test_all_folds_but_those_of_code_unfold_at_once(lesson):
    button = lesson.locator("#unfold")
    for pressed in ("true", "false"):
        button.focus()
        lesson.keyboard.press("Space")
        expect(button).to_have_attribute("aria-pressed", pressed)
        opened = lesson.locator("main details[open]")
        assert opened.count() == (1 if pressed == "true" else 0)


@pytest.mark.parametrize("width", [360, 800, 1600])
def test_no_page_is_wider_than_its_window(lesson, width):
    lesson.set_viewport_size({"width": width, "height": 900})
    expect(lesson.locator("#parts")).to_be_visible(visible=width >= 1300)
    lesson.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
    names = lesson.locator("nav[aria-label=Lessons] a").all()
    assert [name.inner_text().split()[0] for name in names] == ["1", "2", "3"]


def test_on_paper_each_picture_is_its_still_in_light(lesson):
    stills = lesson.locator(".still")
    assert stills.count() == 2
    assert not stills.first.is_visible()
    lesson.emulate_media(media="print", color_scheme="dark")
    for still in stills.all():
        assert still.is_visible()
        assert still.evaluate("image => image.naturalWidth") > 200
    assert not lesson.locator(".lessons-picture canvas").first.is_visible()
    assert not lesson.locator("header").is_visible()
    assert lesson.evaluate(PAPER) == "rgb(255, 255, 255)"
    assert "TapeStepper(5 steps)" in stills.first.get_attribute("alt")
    lesson.emulate_media(media="screen", color_scheme="light")


def test_the_skip_link_leads_to_the_content(lesson):
    link = lesson.locator(".skip")
    link.focus()
    assert link.bounding_box()["x"] >= 0
    lesson.keyboard.press("Enter")
    expect(lesson.locator("main")).to_be_focused()


def test_the_theme_follows_the_system_is_chosen_by_keyboard_and_kept(lesson):
    lesson.emulate_media(color_scheme="dark")
    lesson.wait_for_function(f"{PAPER} === 'rgb(17, 17, 17)' && {INK} < 64")
    lesson.locator("#theme").focus()
    lesson.keyboard.press("Enter")
    lesson.wait_for_function(f"{PAPER} === 'rgb(255, 255, 255)' && {INK} > 192")
    lesson.locator("nav[aria-label=Lessons] a").nth(1).click()
    lesson.wait_for_url("**/02_next.html")
    assert lesson.evaluate(PAPER) == "rgb(255, 255, 255)"
    assert lesson.locator("#theme").inner_text() == "Dark theme"


def test_without_scripts_each_picture_is_its_still(chromium_browser, pages):
    context = chromium_browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((pages / "01_small.html").as_uri())
    assert page.locator(".still").count() == 2
    assert all(still.is_visible() for still in page.locator(".still").all())
    context.close()
