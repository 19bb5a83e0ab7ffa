"""The exercises: right answers pass, wrong ones are named, untouched ones are "not written yet"."""

from __future__ import annotations

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure

from lessons_lib import agreement, answers
from lessons_lib.exercise_bank import EXERCISES
from lessons_lib.exercises import Exercise, exercise
from lessons_lib.progress import progress, reset


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LESSONS_ANSWERS", str(tmp_path))
    monkeypatch.delenv("LESSONS_STRICT", raising=False)
    return tmp_path


def stub(*_arguments):
    raise NotImplementedError


# --- right answers, written differently from the library ---


def elman_by_hand(inputs, hidden, input_weights, hidden_weights, bias):
    """Survey eq. 1."""
    return torch.tanh(inputs @ input_weights.T + hidden @ hidden_weights.T + bias)


def clip_by_torch(gradients, max_norm):
    """Survey eq. 44, by torch's own rule (which divides by the norm + 1e-6)."""
    parameters = [torch.nn.Parameter(torch.zeros_like(gradient)) for gradient in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(parameters, max_norm)
    return tuple(parameter.grad for parameter in parameters)


def lstm_by_gates(inputs, hidden, cell, input_weights, hidden_weights, bias):
    """Survey eqs. 3-8, gate by gate."""
    size = hidden.shape[-1]
    rows = [slice(n * size, (n + 1) * size) for n in range(4)]
    i, f, c, o = (
        inputs @ input_weights[r].T + hidden @ hidden_weights[r].T + bias[r] for r in rows
    )
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(c)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def read_by_loop(memory, weights):
    """NTM eq. 2, slot by slot."""
    return sum(weights[:, :, i, None] * memory[:, None, i] for i in range(memory.shape[1]))


def write_by_einsum(memory, weights, erase_vector, add_vector):
    """NTM eqs. 3 and 4."""
    kept = (1 - torch.einsum("bhs,bhw->bhsw", weights, erase_vector)).prod(1)
    return memory * kept + torch.einsum("bhs,bhw->bsw", weights, add_vector)


def content_by_similarity(memory, key, key_strength):
    """NTM eq. 5 with torch's cosine."""
    cosine = torch.cosine_similarity(key[:, :, None], memory[:, None], dim=-1)
    return (key_strength[..., None] * cosine).softmax(-1)


def interpolate_by_hand(content, previous, gate):
    """NTM eq. 7."""
    return gate[..., None] * content + (1 - gate[..., None]) * previous


def shift_by_loop(weights, shift):
    """NTM eq. 8 as it is printed."""
    slots = weights.shape[-1]
    columns = [
        sum(weights[..., (i - offset) % slots] * shift[..., offset + 1] for offset in (-1, 0, 1))
        for i in range(slots)
    ]
    return torch.stack(columns, dim=-1)


def sharpen_by_power(weights, sharpening):
    """NTM eq. 9 as it is printed."""
    powered = weights ** sharpening[..., None]
    return powered / powered.sum(-1, keepdim=True)


def wrong_bits_by_loop(outputs, targets, mask):
    counts = torch.zeros(outputs.shape[1], dtype=torch.int64)
    for t in range(outputs.shape[0]):
        for b in range(outputs.shape[1]):
            if mask[t, b]:
                counts[b] += ((outputs[t, b] > 0).to(targets.dtype) != targets[t, b]).sum()
    return counts


def scores_by_slot(memory, kernels):
    """L-NTM eq. 6, slot by slot."""
    padded = torch.nn.functional.pad(memory, (0, 0, 1, 1))
    windows = [padded[:, i : i + 3] for i in range(memory.shape[1])]
    columns = [torch.einsum("bkw,rwk->br", window, kernels) for window in windows]
    return torch.stack(columns, dim=-1)


def blend_by_hand(content, scores, gate):
    """L-NTM eqs. 7 and 10."""
    return interpolate_by_hand(content, scores.softmax(-1), gate)


def words_by_loop(story, question):
    words = []
    for sentence in story:
        words += sentence
    return [*words, "Q", *question, "GO"]


def named_by_loop(story, question, count):
    seen = 0
    for sentence in reversed(story):
        if sentence[1] == "went":
            seen += 1
            if seen <= count and sentence[-1] == question[-1]:
                return "yes"
    return "no"


def sums_by_loop(amounts, sentence, count):
    return torch.stack([amounts[sentence == n].sum() for n in range(count)])


def strength_by_odds(share, slots, cosine):
    """NTM eq. 5: e^(β (1 − c)) is the odds against each of the other slots."""
    odds = share / ((1 - share) / (slots - 1))
    return odds.log() / (1 - cosine)


def next_bit_by_loop(bits, context):
    """NTM eq. 10, place by place."""
    now, ones, seen = bits[len(bits) - context :].tolist(), 0.0, 0
    for place in range(context, len(bits)):
        if bits[place - context : place].tolist() == now:
            ones, seen = ones + float(bits[place]), seen + 1
    return torch.tensor((ones + 0.5) / (seen + 1), dtype=bits.dtype)


RIGHT = {
    "1.1": elman_by_hand,
    "1.2": clip_by_torch,
    "2.1": lstm_by_gates,
    "3.1": read_by_loop,
    "3.2": write_by_einsum,
    "4.1": content_by_similarity,
    "4.2": interpolate_by_hand,
    "4.3": shift_by_loop,
    "4.4": sharpen_by_power,
    "5.1": wrong_bits_by_loop,
    "6.1": scores_by_slot,
    "6.2": blend_by_hand,
    "7.1": words_by_loop,
    "7.2": sums_by_loop,
    "8.1": strength_by_odds,
    "9.1": next_bit_by_loop,
    "10.1": named_by_loop,
}


def test_every_exercise_has_a_right_answer_here():
    assert set(RIGHT) <= set(EXERCISES)


@pytest.mark.parametrize("id", RIGHT)
def test_a_right_answer_passes_whatever_the_seed(id):
    faults = [exercise(id).fault(RIGHT[id], seed) for seed in range(10)]
    assert faults == [None] * 10


@pytest.mark.parametrize("id", EXERCISES)
def test_a_right_answer_is_recorded_used_and_drawn(id, capsys):
    one = EXERCISES[id]
    answer = RIGHT.get(id, one.reference)
    figure = one.show(answer)
    assert figure is None or isinstance(figure, Figure)
    one.check(answer)
    assert one.use(answer) is answer
    printed = capsys.readouterr().out
    assert f"{id} {one.title}: nothing broken here; now check it\n" in printed
    assert f"{id} {one.title}: all 20 cases agree\n" in printed
    assert f"{id} {one.title}: the lesson goes on with your function\n" in printed
    assert answers.get("exercises", id)["passed"] is True


@pytest.mark.parametrize("id", EXERCISES)
def test_an_untouched_stub_is_not_written_yet_and_the_lesson_goes_on(id, capsys):
    one = EXERCISES[id]
    assert one.show(stub) is None
    one.check(stub)
    assert one.use(stub) is one.reference
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"{id} {one.title}: not written yet"] * 2
    assert lines[2].endswith("goes on with the library's function until yours passes its check")
    assert answers.get("exercises", id) is None


# --- wrong answers: (exercise, function, what the check says, what show says) ---


def no_wrap(weights, shift):
    left = torch.nn.functional.pad(weights, (0, 1))[..., 1:]
    right = torch.nn.functional.pad(weights, (1, 0))[..., :-1]
    back, stay, forward = shift[..., None, :].unbind(-1)
    return back * left + stay * weights + forward * right


def wrong_way(weights, shift):
    return shift_by_loop(weights, shift.flip(-1))


def over_heads(memory, key, key_strength):
    cosine = torch.cosine_similarity(key[:, :, None], memory[:, None], dim=-1)
    return (key_strength[..., None] * cosine).softmax(1)


def no_key_strength(memory, key, key_strength):
    return content_by_similarity(memory, key, torch.ones_like(key_strength))


def plain_product(memory, key, key_strength):
    return (key_strength[..., None] * (key @ memory.transpose(1, 2))).softmax(-1)


def gate_the_other_way(content, previous, gate):
    return interpolate_by_hand(previous, content, gate)


def gates_that_add_up_to_two(content, previous, gate):
    return content + previous


def unnormalised(weights, sharpening):
    return weights ** sharpening[..., None]


def normalised_over_all(weights, sharpening):
    powered = weights ** sharpening[..., None]
    return powered / powered.sum()


def add_then_erase(memory, weights, erase_vector, add_vector):
    added = memory + torch.einsum("bhs,bhw->bsw", weights, add_vector)
    return added * (1 - torch.einsum("bhs,bhw->bhsw", weights, erase_vector)).prod(1)


def erase_everywhere(memory, weights, erase_vector, add_vector):
    written = torch.einsum("bhs,bhw->bsw", weights, add_vector)
    return memory * (1 - erase_vector).prod(1)[:, None] + written


def mean_of_slots(memory, weights):
    return (weights[..., None] * memory[:, None]).mean(2)


def sum_twice(memory, weights):
    return 2 * weights @ memory


def clip_each(gradients, max_norm):
    return [g * min(1.0, max_norm / float(g.norm())) for g in gradients]


def clip_always(gradients, max_norm):
    norm = torch.cat([g.flatten() for g in gradients]).norm()
    return [g * max_norm / norm for g in gradients]


def clip_elements(gradients, max_norm):
    return [g.clamp(-max_norm / 9, max_norm / 9) for g in gradients]


def no_tanh(inputs, hidden, input_weights, hidden_weights, bias):
    return 3 + inputs @ input_weights.T + hidden @ hidden_weights.T + bias


def forget_swapped(inputs, hidden, cell, input_weights, hidden_weights, bias):
    size = hidden.shape[-1]
    order = torch.cat([torch.arange(4 * size).reshape(4, size)[n] for n in (1, 0, 2, 3)])
    return lstm_by_gates(
        inputs, hidden, cell, input_weights[order], hidden_weights[order], bias[order]
    )


def no_mask(outputs, targets, mask):
    return ((outputs > 0) != (targets > 0.5)).sum((0, 2))


def bits_per_step(outputs, targets, mask):
    return (((outputs > 0) != (targets > 0.5)) & mask[..., None]).sum(2)


def flipped_kernels(memory, kernels):
    return scores_by_slot(memory, kernels.flip(-1))


def no_padding(memory, kernels):
    return torch.nn.functional.conv1d(memory.transpose(1, 2), kernels)


def raw_scores(content, scores, gate):
    return interpolate_by_hand(content, scores, gate)


def question_first(story, question):
    return ["Q", *question, *[word for sentence in story for word in sentence], "GO"]


def no_go(story, question):
    return [word for sentence in story for word in sentence] + ["Q", *question]


def every_sentence_counts(story, question, count):
    return "yes" if any(question[-1] in sentence for sentence in story[-count:]) else "no"


def a_truth_value(story, question, count):
    return named_by_loop(story, question, count) == "yes"


def last_sentence_takes_the_question(amounts, sentence, count):
    totals = amounts.new_zeros(count)
    return totals.index_add(0, sentence % count, amounts)


def strength_against_zero(share, slots, cosine):
    return strength_by_odds(share, slots, 0 * cosine)


def counts_alone(bits, context):
    """Without the half and the one: whoever saw a single 1 is sure of it."""
    chance = next_bit_by_loop(bits, context)
    return (chance - 0.5).sign() / 2 + 0.5


def unseen_never_comes(bits, context):
    chance = next_bit_by_loop(bits, context)
    windows = bits.unfold(0, context, 1)
    return chance * (windows[:-1] == windows[-1]).all(dim=-1).any()


WRONG = [
    ("1.1", no_tanh, "values differ", "is there a tanh around the whole sum?"),
    ("1.2", clip_each, "values differ", "above 1.00: one norm for all?"),
    ("1.2", clip_always, "gradients below the bound were changed", "nothing broken"),
    ("1.2", clip_elements, "is every gradient scaled alike?", "is every gradient scaled alike?"),
    ("2.1", forget_swapped, "item 0: the values differ", "nothing broken"),
    ("3.1", mean_of_slots, "values differ", "a read is 0.10, outside what its column"),
    ("3.1", sum_twice, "outside what its column", "a read is 1.30, outside what its column"),
    ("3.2", add_then_erase, "values differ", "nothing broken"),
    ("3.2", erase_everywhere, "values differ", "slot 0 changed although its weight is 0"),
    ("4.1", over_heads, "weights sum to", "weights sum to 4.00: is there a softmax over the slots"),
    ("4.1", no_key_strength, "values differ", "nothing broken"),
    ("4.1", plain_product, "values differ", "nothing broken"),
    ("4.2", gate_the_other_way, "values differ", "nothing broken"),
    ("4.2", gates_that_add_up_to_two, "weights sum to 2.00", "do g and 1 − g share out the whole?"),
    ("4.3", no_wrap, "did the shift wrap around?", "weights sum to 0.46: did the shift wrap"),
    ("4.3", wrong_way, "values differ", "nothing broken"),
    (
        "4.4",
        unnormalised,
        "weights sum to",
        "weights sum to 0.42: was the sum taken over the slots",
    ),
    ("4.4", normalised_over_all, "weights sum to", "nothing broken"),
    ("5.1", no_mask, "differ", "has 3 wrong bits, but only 2 count: was the mask used?"),
    ("5.1", bits_per_step, "expected the shape", "expected the shape (2,), got (2, 2)"),
    ("6.1", flipped_kernels, "values differ", "nothing broken"),
    ("6.1", no_padding, "expected the shape (1, 1, 3), got (1, 1, 1)", "expected the shape"),
    ("6.2", raw_scores, "are the scores a distribution yet", "are the scores a distribution yet"),
    ("7.1", question_first, "expected", "nothing broken"),
    ("7.1", no_go, "expected a list of", "expected a list of 8, got 7"),
    ("7.2", last_sentence_takes_the_question, "their words to", "add up to 1.90, their words to"),
    ("8.1", strength_against_zero, "values differ", "nothing broken"),
    ("9.1", counts_alone, "values differ", "nothing broken"),
    ("9.1", unseen_never_comes, "yet a 1 has 0.00, not 0.5", "nothing broken"),
    ("10.1", every_sentence_counts, "expected 'yes', got 'no'", "nothing broken"),
    ("10.1", a_truth_value, "expected", "expected 'yes' or 'no', got True"),
]


@pytest.mark.parametrize(("id", "function", "said", "_shown"), WRONG)
def test_a_wrong_answer_is_told_what_is_wrong_and_not_recorded(id, function, said, _shown, capsys):
    one = exercise(id)
    one.check(function, seed=1)
    assert said in capsys.readouterr().out
    assert answers.get("exercises", id) is None
    assert one.use(function) is one.reference
    assert "library's function" in capsys.readouterr().out


@pytest.mark.parametrize(("id", "function", "_said", "shown"), WRONG)
def test_a_wrong_answer_is_drawn_and_the_broken_invariant_named(id, function, _said, shown, capsys):
    figure = exercise(id).show(function)
    printed = capsys.readouterr().out
    assert shown in printed
    if id in ("7.1", "10.1"):
        assert len(printed.splitlines()) == 2  # the words themselves
    else:
        assert isinstance(figure, Figure)
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("id", "function"), [(row[0], row[1]) for row in WRONG])
@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_answer_fails_whatever_the_seed(id, function, seed):
    assert exercise(id).fault(function, seed)


# --- faults that any exercise can have ---


def in_place(weights, sharpening):
    weights.pow_(sharpening[..., None])
    return weights / weights.sum(-1, keepdim=True)


def detached(weights, sharpening):
    return sharpen_by_power(weights.detach(), sharpening)


def slightly_cut(weights, sharpening):
    """The values agree, the gradient with respect to the weights is half cut."""
    half = 0.5 * weights + 0.5 * weights.detach()
    return sharpen_by_power(half, sharpening)


def through_numpy(weights, sharpening):
    return torch.from_numpy(sharpen_by_power(weights, sharpening).detach().numpy())


def always_single(weights, sharpening):
    return sharpen_by_power(weights, sharpening).float()


def prints_only(weights, sharpening):
    print(sharpen_by_power(weights, sharpening).shape)


def numpy_array(weights, sharpening):
    return sharpen_by_power(weights, sharpening).detach().numpy()


def one_size_only(weights, sharpening):
    return sharpen_by_power(weights.reshape(1, 1, 3), sharpening)


def constant(weights, sharpening):
    return torch.full_like(weights, 1 / weights.shape[-1])


def not_a_number(weights, sharpening):
    return sharpen_by_power(weights * 0, sharpening)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (in_place, "your function changed its input: return a new one"),
        (detached, "no gradient flows back to weights"),
        (slightly_cut, "gradient with respect to weights differs"),
        (through_numpy, "no gradient flows back to weights"),
        (always_single, "expected the dtype torch.float64, got torch.float32: keep that of"),
        (prints_only, "got None: is a `return` missing?"),
        (numpy_array, "expected a torch.Tensor, got a ndarray"),
        (one_size_only, "case 2 of 20 (seed=5): raised RuntimeError at line 2 of its cell"),
        (constant, "the values differ"),
        (not_a_number, "the result holds a NaN"),
        (lambda weights: weights, "raised TypeError"),
    ],
)
def test_faults_of_any_kind_are_named(function, said, capsys):
    def cell_line(text):  # the file's own line numbers stand for the cell's
        number = function.__code__.co_firstlineno
        return text.replace(f"line {number + 1} of", "line 2 of")

    exercise("4.4").check(function, seed=5)
    assert said in cell_line(capsys.readouterr().out)


def test_a_failing_case_shows_small_numbers_and_its_seed_repeats_it(capsys):
    one = exercise("4.3")
    one.check(wrong_way)
    first = capsys.readouterr().out
    seed = int(first.split("seed=")[1].split(")")[0])
    one.check(wrong_way, seed=seed)
    assert capsys.readouterr().out == first
    lines = [line.split(" = ")[0].strip() for line in first.splitlines()[1:]]
    assert lines == ["weights", "shift", "yours", "library's"]


def test_check_is_fresh_each_time():
    drawn = set()

    def spy(weights, sharpening):
        drawn.add(float(weights.detach().sum(dim=(0, 1))[0]))
        return sharpen_by_power(weights, sharpening)

    exercise("4.4").check(spy)
    once = len(drawn)
    exercise("4.4").check(spy)
    assert len(drawn) > 1.5 * once


def test_check_leaves_the_lessons_random_stream_alone():
    torch.manual_seed(0)
    wanted = torch.rand(3)
    torch.manual_seed(0)
    for one in EXERCISES.values():
        one.show(one.reference)
        one.check(one.reference)
        one.use(one.reference)
    assert torch.equal(torch.rand(3), wanted)


def test_strict_runs_raise(monkeypatch):
    monkeypatch.setenv("LESSONS_STRICT", "1")
    with pytest.raises(AssertionError, match=r"4\.3 circular_shift: not written yet"):
        exercise("4.3").check(stub)
    with pytest.raises(AssertionError, match="did the shift wrap around"):
        exercise("4.3").check(no_wrap)
    exercise("4.3").check(shift_by_loop)


def test_use_believes_the_function_and_not_the_file(capsys):
    one = exercise("4.3")
    one.check(shift_by_loop)
    assert one.use(stub) is one.reference
    assert one.use(no_wrap) is one.reference
    assert one.use(shift_by_loop) is shift_by_loop


def test_a_later_failure_does_not_take_a_pass_away():
    one = exercise("4.3")
    one.check(shift_by_loop)
    one.check(no_wrap)
    assert answers.get("exercises", "4.3")["passed"]


def test_show_takes_the_learners_own_arguments(capsys):
    weights, shift = torch.tensor([[[1.0, 0.0, 0.0]]]), torch.tensor([[[0.2, 0.8, 0.0]]])
    exercise("4.3").show(no_wrap, weights, shift)
    assert "weights sum to 0.80" in capsys.readouterr().out


def test_show_names_an_error_and_goes_on(capsys):
    assert exercise("4.3").show(lambda weights, shift: weights @ shift) is None
    assert "4.3 circular_shift: raised RuntimeError at line" in capsys.readouterr().out


def test_show_draws_numbers_that_are_not_finite(capsys):
    figure = exercise("4.4").show(not_a_number)
    assert "NaN or an infinity" in capsys.readouterr().out
    labels = [text.get_text() for text in figure.axes[0].texts]
    assert labels == ["nan"] * 5


def test_a_folder_that_cannot_be_written_is_said_and_nothing_stops(monkeypatch, tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("LESSONS_ANSWERS", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="could not be kept"):
        exercise("4.3").check(shift_by_loop)
    assert "all 20 cases agree" in capsys.readouterr().out


def test_an_unknown_exercise_is_refused():
    with pytest.raises(ValueError, match=r"expected one of the exercises 1\.1, .* got '9\.9'"):
        exercise("9.9")


def test_the_bank_is_filed_under_its_own_ids_and_reads_well():
    assert all(id == one.id for id, one in EXERCISES.items())
    assert repr(exercise("4.3")) == "exercise('4.3')"
    assert all(isinstance(one, Exercise) and one.reference.__doc__ for one in EXERCISES.values())


@pytest.mark.parametrize("id", EXERCISES)
def test_the_first_random_case_is_small_enough_to_print(id):
    arguments = EXERCISES[id].instance(torch.Generator().manual_seed(0), 0)
    assert all("shape" not in agreement.text(argument) for argument in arguments)


# --- the progress page ---


def test_progress_counts_lesson_by_lesson(capsys):
    exercise("4.3").check(shift_by_loop)
    answers.put("predictions", "4.1", {"answer": "a"})
    answers.put("quizzes", "4.q1", {"answer": "a", "right": True})
    answers.put("quizzes", "4.q2", {"answer": "b", "right": False})
    rows = progress().data.splitlines()
    assert "| 4 | 1 of 4: 4.3 circular_shift | 1 | 1 of 2 answered |" in rows
    assert "| 1 | 0 of 2 | 0 | 0 of 0 answered |" in rows
    assert repr(progress()) == progress().data


def test_reset_forgets_one_exercise_alone(capsys):
    for id in ("4.2", "4.3"):
        exercise(id).check(RIGHT[id])
    capsys.readouterr()
    reset("4.3")
    reset("4.4")
    assert capsys.readouterr().out == "4.3: forgotten\n4.4: there was nothing to forget\n"
    assert answers.get("exercises", "4.3") is None
    assert answers.get("exercises", "4.2")["passed"]
