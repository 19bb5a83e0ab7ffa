"""The widgets without a browser: what they compute, what they send, what they refuse."""

from __future__ import annotations

import re

import matplotlib.figure
import pytest
import torch

from lessons_lib.lntm import LNTM
from lessons_lib.ntm import NTM
from lessons_lib.recurrent import LSTM
from lessons_lib.trace import HeadTrace, Trace
from lessons_lib.widgets import AddressingPlayground, ConvolutionStepper, TapeStepper, base
from lessons_lib.widgets.base import HERE, Picture, pack, script

DECLARED = r"^(?:async )?(?:function\*?|class|const|let) (\w+)"


def sent(picture: Picture) -> dict[str, torch.Tensor]:
    """Read back what the browser gets, from the buffer and its index alone."""
    flat = torch.frombuffer(bytearray(picture.numbers), dtype=torch.float32)
    return {
        name: flat[place["start"] :][: torch.Size(place["shape"]).numel()].view(place["shape"])
        for name, place in picture.index.items()
    }


def run(model: torch.nn.Module, steps: int = 6, batch: int = 2) -> Trace:
    generator = torch.Generator().manual_seed(0)
    return model(torch.randn(steps, batch, model.input_size, generator=generator), trace=True)[-1]


def ntm_trace(**options) -> Trace:
    torch.manual_seed(0)
    return run(NTM(3, 2, **{"slots": 5, "width": 4, "hidden_size": 8, **options}))


def lntm_trace(**options) -> Trace:
    torch.manual_seed(0)
    return run(LNTM(3, 2, **{"slots": 5, "width": 4, "hidden_size": 8, **options}))


def focused_trace(slots: int, used: list[int]) -> Trace:
    """A made-up run on a long tape, whose one head visits these slots, one a step."""
    weights = torch.nn.functional.one_hot(torch.tensor(used), slots).float()[:, None, None]
    memory = torch.zeros(len(used), 1, slots, 2)
    head = HeadTrace(weights=weights)
    inputs = torch.zeros(len(used), 1, 1)
    return Trace(
        inputs=inputs,
        hidden=inputs,
        read=head,
        write=head,
        memory_before=memory,
        memory_after=memory,
    )


# --- What all share -----------------------------------------------------------------------------


def test_a_script_is_one_module_without_imports():
    for path in HERE.glob("*.js"):
        text = script(path.name)
        assert not re.search(r"^import ", text, re.MULTILINE)
        assert "http" not in text  # nothing is fetched
        names = re.findall(DECLARED, text, re.MULTILINE)
        assert len(names) == len(set(names)), path.name  # the modules share one scope
        exports = re.findall(r"^export (.*)", text, re.MULTILINE)
        assert exports in ([], ["default { render };"])  # a widget's own, or a part of widgets
        assert ("export default" in path.read_text(encoding="utf-8")) == bool(exports)


def test_a_module_is_joined_once_after_what_it_imports():
    text = script("stepper.js")
    for name in ("readNumbers", "class Canvas", "class Tape", "unfold", "render"):
        assert len(re.findall(rf"^(?:function )?{name}\b[^;]*\{{$", text, re.MULTILINE)) == 1
    assert text.index("class Tape ") < text.index("new Tape(")


def test_an_import_of_another_kind_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(base, "HERE", tmp_path)
    (tmp_path / "odd.js").write_text('import * as all from "./shared.js";\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"import \{ names \} from"):
        script("odd.js")


def test_equations_are_not_written_again_in_javascript():
    for path in HERE.glob("*.js"):
        assert not re.search(r"Math\.(exp|log|tanh|cos|sin)\b", path.read_text(encoding="utf-8"))


def test_numbers_travel_as_they_are_nan_and_infinity_too():
    odd = torch.tensor([[1.5, float("nan")], [float("inf"), -0.1]])
    numbers, index = pack({"one": torch.ones(3, dtype=torch.float64), "odd": odd})
    assert index["odd"] == {"start": 3, "shape": [2, 2]}
    back = torch.frombuffer(bytearray(numbers), dtype=torch.float32)[3:].view(2, 2)
    torch.testing.assert_close(back, odd, equal_nan=True, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (AddressingPlayground, "AddressingPlayground(6 slots × 3)"),
        (ConvolutionStepper, "ConvolutionStepper(8 slots × 4, 2 read maps)"),
        (lambda: TapeStepper(ntm_trace()), "TapeStepper(6 steps)"),
    ],
)
def test_the_repr_is_the_same_every_time(make, text):
    assert repr(make()) == text
    bundle = make()._repr_mimebundle_()
    shown = bundle[0] if isinstance(bundle, tuple) else bundle
    assert shown["text/plain"] == text


# --- Print --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        AddressingPlayground,
        ConvolutionStepper,
        lambda: TapeStepper(ntm_trace(), inputs=list("abcdef")),
        lambda: TapeStepper(lntm_trace()),
        lambda: TapeStepper(run(LSTM(3, 2, hidden_size=6)), inputs=list("abcdef")),
        lambda: TapeStepper(focused_trace(128, [0, 1, 2])),
    ],
)
def test_every_widget_has_a_still_figure(make):
    figure = make().still()
    assert isinstance(figure, matplotlib.figure.Figure)
    figure.canvas.draw()  # it can be drawn
    assert len(figure.axes) >= 2
