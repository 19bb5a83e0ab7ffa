"""The still figures: they show what they are given, change none of it, and refuse the rest."""

from __future__ import annotations

import math
from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from lessons_lib import figures
from lessons_lib.figure_words import describe
from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import GRU, LSTM, RNN


def run(model: torch.nn.Module, steps: int = 7):
    generator = torch.Generator().manual_seed(0)
    return model(torch.rand(steps, 2, 3, generator=generator), trace=True)[-1]


@pytest.fixture(scope="module")
def ntm():
    torch.manual_seed(0)
    return run(NTM(3, 2, slots=6, width=4, hidden_size=8, read_heads=2))


@pytest.fixture(scope="module")
def lntm():
    torch.manual_seed(0)
    return run(LNTM(3, 2, slots=6, width=4, hidden_size=8, read_pointers=3))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def images(figure: Figure) -> list[np.ndarray]:
    return [image.get_array().data for ax in figure.axes for image in ax.images]


def titles(figure: Figure) -> str:
    return "\n".join(ax.get_title(loc) for ax in figure.axes for loc in ("left", "center"))


def frames(figure: Figure) -> int:
    """Count the frames around changed cells."""
    boxes = [patch for ax in figure.axes for patch in ax.patches]
    return sum(isinstance(box, plt.Rectangle) and not box.get_fill() for box in boxes)


def test_a_figure_is_closed_so_that_a_notebook_shows_it_once():
    figure = figures.draw_weights(torch.tensor([0.25, 0.75]))
    assert isinstance(figure, Figure)
    assert plt.get_fignums() == []


def test_a_given_axes_is_drawn_on():
    figures.use_style()
    figure, ax = plt.subplots()
    assert figures.draw_weights(torch.tensor([0.25, 0.75]), ax, "two slots") is figure
    assert ax.get_title("left") == "two slots"
    plt.close(figure)


def test_the_style_needs_no_font_that_may_be_missing():
    figures.use_style()
    found = mpl.font_manager.findfont(mpl.rcParams["font.family"][0], fallback_to_default=False)
    assert "DejaVu" in found


def test_bars_have_the_weights_height_and_number():
    figure = figures.draw_weights(torch.tensor([0.25, 0.75]))
    assert [bar.get_height() for bar in figure.axes[0].patches] == [0.25, 0.75]
    assert texts(figure) == ["0.25", "0.75"]


def test_several_weightings_are_a_heat_map():
    weights = torch.rand(3, 5)
    [image] = images(figures.draw_weights(weights))
    np.testing.assert_allclose(image, weights.double())


def test_a_memory_is_drawn_with_its_changes_framed():
    before = torch.zeros(3, 2)
    after = before.clone()
    after[1, 0] = 0.5
    after[2, 1] = 0.001  # too little to be framed
    figure = figures.draw_memory(after, before=before)
    np.testing.assert_allclose(images(figure)[0], after.double())
    assert frames(figure) == 1
    assert "0.50" in texts(figure)


def test_drawing_changes_no_argument(ntm):
    kept = {name: tensor.clone() for name, tensor in ntm.named_tensors()}
    figures.filmstrip(ntm).canvas.draw()
    figures.draw_tape(ntm).canvas.draw()
    figures.draw_stages(ntm.read, 2).canvas.draw()
    figures.draw_gates(ntm).canvas.draw()
    for name, tensor in ntm.named_tensors():
        assert torch.equal(tensor, kept[name]), name


def test_all_stages_of_an_ntm_head_are_shown_with_their_sums(ntm):
    figure = figures.draw_stages(ntm.read, 3, head=1, sequence=1)
    assert len(figure.axes) == 5
    assert titles(figure).count("sum 1.000") == 5
    widths = [bar.get_width() for bar in figure.axes[-1].patches]
    np.testing.assert_allclose(widths, ntm.read.weights[3, 1, 1].double())
    assert "β" in figure.get_suptitle()


@pytest.mark.parametrize("which", ["read", "write"])
def test_the_stages_of_an_lntm_are_those_it_has(lntm, which):
    figure = figures.draw_stages(getattr(lntm, which), 0)
    assert "global map" in titles(figure)
    assert "shift" not in titles(figure)


def test_a_filmstrip_has_a_row_for_each_step(ntm):
    words = [f"word{step}" for step in range(7)]
    figure = figures.filmstrip(ntm, [1, 4], inputs=words)
    assert len(figure.axes) == 2 * 5
    assert "in word4" in titles(figure)
    np.testing.assert_allclose(images(figure)[2], ntm.memory_after[1, 0].double())
    with pytest.raises(ValueError, match="steps from 0 to 6, got 9"):
        figures.filmstrip(ntm, [9])


@pytest.mark.parametrize("name", ["ntm", "lntm"])
def test_a_filmstrip_splits_a_write_into_erase_and_add(name, request):
    """NTM eqs. 3 and 4: what stands after the erase, and the add, make the memory after."""
    trace = request.getfixturevalue(name)
    before, erased, after = images(figures.filmstrip(trace, [4], sequence=1))[:3]
    weights, gone = trace.write.weights[4, 1, 0], trace.erase_vector[4, 1, 0]
    faded = trace.memory_before[4, 1] * (1 - weights.outer(gone))
    np.testing.assert_allclose(before, trace.memory_before[4, 1].double())
    np.testing.assert_allclose(erased, faded.double(), atol=1e-6)
    np.testing.assert_allclose(after, trace.memory_after[4, 1].double())
    unknown = figures.filmstrip(replace(trace, erase_vector=None), [4])
    assert "after erase" not in titles(unknown)
    assert "memory after" in titles(unknown)


def test_a_filmstrip_spreads_its_steps_from_first_to_last(ntm):
    assert titles(figures.filmstrip(ntm)).count("memory before") == 5
    assert "step 0" in titles(figures.filmstrip(ntm))
    assert "step 6" in titles(figures.filmstrip(ntm))
    assert len(figures.filmstrip(ntm.cut(1)).axes) == 5


def test_the_tape_shows_inputs_outputs_targets_and_each_heads_path(ntm, lntm):
    figure = figures.draw_tape(ntm, targets=torch.ones(7, 2))
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert labels[0] == "input"
    assert labels[1] == "target"
    assert len(labels) == 6  # input, target, output, one write head, two read heads
    np.testing.assert_allclose(images(figure)[3], ntm.write.weights[:, 0, 0].T.double())
    assert len(figures.draw_tape(lntm).axes) == 6
    with pytest.raises(ValueError, match="machine with a memory"):
        figures.draw_tape(run(LSTM(3, 2, hidden_size=4)))


@pytest.mark.parametrize(("model", "panels"), [(LSTM, 3), (GRU, 2), (RNN, 1)])
def test_the_gates_of_units_are_drawn_as_median_and_spread(model, panels):
    torch.manual_seed(0)
    trace = run(model(3, 2, hidden_size=9))
    figure = figures.draw_gates(trace, list("abcdefg"))
    assert len(figure.axes) == panels
    first = next(iter(getattr(trace, name) for name in ("forget_gate", "reset_gate", "hidden")
                      if getattr(trace, name) is not None))  # fmt: skip
    middle = np.median(first[:, 0].double(), axis=1)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), middle)
    assert [tick.get_text() for tick in figure.axes[-1].get_xticklabels()] == list("abcdefg")


def test_the_gates_of_heads_are_drawn_one_line_each(ntm, lntm):
    figure = figures.draw_gates(lntm)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), lntm.add_gate[:, 0, 0].double())
    assert len(figures.draw_gates(ntm).axes[1].lines) == 2  # two read heads
    with pytest.raises(ValueError, match="expected 7 words, got 1"):
        figures.draw_gates(lntm, ["a"])


def test_curves_show_every_run_and_the_median_where_all_runs_have_come():
    runs = [([0, 1, 2], [0.0, 0.5, 1.0]), ([0, 1, 2], [0.0, 0.1, 0.2]), ([0, 1], [0.0, 0.3])]
    figure = figures.draw_curves({"NTM": runs})
    assert len(figure.axes[0].lines) == 4
    median = figure.axes[0].lines[-1]
    np.testing.assert_allclose(median.get_xdata(), [0, 1])  # the shortest run's end
    np.testing.assert_allclose(median.get_ydata(), [0, 0.3])
    assert "median of 3" in figure.axes[0].get_legend().get_texts()[0].get_text()
    with pytest.raises(ValueError, match="as many x as y in NTM"):
        figures.draw_curves({"NTM": [([0], [1, 2])]})


def test_curves_differ_in_more_than_colour():
    runs = [([0, 1], [0, 1])]
    figure = figures.draw_curves({"RNN": runs, "LSTM": runs, "NTM": runs})
    assert len({line.get_linestyle() for line in figure.axes[0].lines}) == 3


def test_a_nan_is_crossed_out_not_drawn_as_a_number():
    memory = torch.tensor([[1.0, float("nan")]])
    figure = figures.draw_memory(memory)
    assert [line.get_marker() for line in figure.axes[0].lines] == ["x"]
    assert "NaN" in texts(figures.draw_weights(torch.tensor([0.5, float("nan")])))
    figures.draw_memory(torch.full((2, 2), float("nan"))).canvas.draw()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: figures.draw_weights(torch.ones(1, 1, 1)), "weights with 1 or 2 axes"),
        (lambda: figures.draw_weights(torch.ones(0)), "weights with 1 or 2 axes"),
        (lambda: figures.draw_memory(torch.ones(3)), r"memory with 2 axes, got \(3,\)"),
    ],
)
def test_other_ranks_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- In words ------------------------------------------------------------------------------------


def test_a_figure_says_its_names_and_numbers():
    words = describe(figures.draw_weights(torch.tensor([0.5, 0.25, 0.25]), title="Where it reads"))
    assert words == "Where it reads, weight by slot: bars of 0.5, 0.25, 0.25."
    many = describe(figures.draw_weights(torch.eye(20)[7]))
    assert "20 bars from 0 to 1, the longest number 7 from 0" in many


def test_curves_say_where_they_begin_and_end_and_their_extremes():
    runs = [(range(3), [1.0, 5.0, 3.0])] * 3
    words = describe(figures.draw_curves({"$w^c$": runs}, "step", "share", "A title"))
    line = "w^c (median of 3) from 1 at 0 to 3 at 2, highest 5 at 1"
    assert words == f"A title, share by step: {line}; 3 thinner lines beside."


def test_a_nan_and_a_single_number_are_said():
    assert "1 not finite" in describe(figures.draw_memory(torch.tensor([[1.0, math.nan]])))
    curve = {"a": [(range(2), [math.nan, math.nan])]}
    assert "a line without a finite number" in describe(figures.draw_curves(curve))
    assert "y by x: a 0.5 at 3." in describe(figures.draw_curves({"a": [([3], [0.5])]}, "x", "y"))


def test_a_weighting_over_time_says_its_path():
    path = torch.eye(4)[[2, 3, 0]]  # three rows, a slot each
    assert "largest of each row in columns 2, 3, 0" in describe(figures.draw_weights(path))


def test_a_long_filmstrip_is_said_in_part(ntm):
    words = describe(figures.filmstrip(ntm))
    assert "step 0" in words
    assert "panels more" in words


def test_a_figure_that_shows_nothing_says_so():
    assert describe(Figure()) == "an empty figure."
