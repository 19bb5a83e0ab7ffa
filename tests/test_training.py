"""The training loop: repeated, interrupted and resumed to the same bits; stopped by a NaN."""

import json
import signal

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from lessons_lib import checkpoints, models, records, tasks
from lessons_lib.evaluate import story_logits
from lessons_lib.problems import StoryProblem, TaskProblem, problem
from lessons_lib.recipes import RECIPES, Recipe, find
from lessons_lib.training import NotFinite, Training

TINY = {"hidden_size": 6, "slots": 5, "width": 4}
COPY = Recipe(
    "tiny-copy",
    {"kind": "NTM", **TINY},
    {"task": "copy", "bits": 2, "max_length": 3, "held_out": 10},
    steps=12,
    batch_size=3,
    learning_rate=1e-2,
    measure_every=5,
)
QA1 = Recipe(
    "tiny-qa1",
    {"kind": "LNTM", "input_size": 5, "read_pointers": 2, "dropout": 0.3, **TINY},
    {"task": "qa1", "questions": 32, "held_out": 10},
    weight_decay=0.1,
    steps=12,
    batch_size=4,
    learning_rate=1e-2,
    decay="cosine",
    measure_every=5,
)
each_recipe = pytest.mark.parametrize("recipe", [COPY, QA1], ids=["copy", "qa1"])


def without_seconds(curve):
    return [{key: point[key] for key in point if key != "seconds"} for point in curve]


def assert_same_training(one, other):
    """The same parameters to the last bit, and the same curve apart from the clock."""
    mine, theirs = one.model.state_dict(), other.model.state_dict()
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    assert one.step == other.step
    assert without_seconds(one.curve) == without_seconds(other.curve)


def trained(recipe, **options):
    whole = Training(recipe, **options)
    whole.run(progress=False)
    return whole


def after(steps, method="loss", error=KeyboardInterrupt):
    """A patch of a problem's method that raises in the call after so many."""

    def patch(monkeypatch, training):
        plain, calls = getattr(training.problem, method), []

        def counted(*arguments):
            calls.append(1)
            if len(calls) == steps + 1:
                raise error
            return plain(*arguments)

        monkeypatch.setattr(training.problem, method, counted)

    return patch


def test_held_out_sequences_have_as_many_lengths_as_there_are_groups_of_them(monkeypatch):
    groups, made = [], tasks.Copy.batch
    monkeypatch.setattr(
        tasks.Copy, "batch", lambda self, size, rng: groups.append(size) or made(self, size, rng)
    )
    for alike, expected in ((50, [12]), (5, [5, 5, 2])):
        data = {"task": "copy", "bits": 2, "max_length": 3, "held_out": 12, "alike": alike}
        held_out = TaskProblem(0, 1, **data)
        found = held_out.measure(models.build("NTM", **held_out.sizes, **TINY))
        assert (found["examples"], groups) == (12, expected)
        groups.clear()


@each_recipe
def test_the_same_seed_gives_the_same_bits_and_another_does_not(recipe):
    first, second, other = trained(recipe), trained(recipe), trained(recipe, seed=1)
    assert_same_training(first, second)
    keys = [key for key, _ in first.model.named_parameters()]
    mine, theirs = first.model.state_dict(), other.model.state_dict()
    assert not all(torch.equal(mine[key], theirs[key]) for key in keys)


def test_the_callers_own_random_numbers_do_not_matter():
    first = trained(COPY)
    torch.manual_seed(1234)
    torch.rand(7)
    second = Training(COPY)
    torch.rand(3)
    second.run(progress=False)
    assert_same_training(first, second)


@each_recipe
@pytest.mark.parametrize(
    "interrupt", [after(7), after(5), after(0, "measure"), after(2, "measure")]
)
def test_interrupted_and_resumed_equals_uninterrupted(recipe, interrupt, tmp_path, monkeypatch):
    """In the middle, right after a measure, within the first measure and within the last."""
    whole = trained(recipe)
    begun = Training(recipe, out=tmp_path)
    with monkeypatch.context() as patched:
        interrupt(patched, begun)
        with pytest.raises(KeyboardInterrupt):
            begun.run(progress=False)
    assert begun.state_path.exists()
    resumed = Training(recipe, out=tmp_path)
    assert 0 < resumed.step == begun.step
    record = resumed.run(progress=False)
    assert_same_training(resumed, whole)
    assert record["finished"]
    begun.run(progress=False)  # the same object goes on as well
    assert_same_training(begun, whole)


def test_paused_again_and_again_equals_uninterrupted(tmp_path):
    whole = trained(COPY)
    for step in range(1, 13):
        part = Training(COPY, out=tmp_path)
        record = part.run(seconds=0, progress=False)
        assert part.step == step
        assert record["steps"] == step
        assert record["finished"] == (step == 12)
    assert_same_training(part, whole)
    assert not list(tmp_path.glob("*.part"))


def test_dropout_draws_from_the_seed_and_the_step_and_leaves_the_callers_numbers_alone():
    first, second = Training(QA1), Training(QA1)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert first.update() == second.update()
    assert torch.equal(torch.get_rng_state(), before)
    drops = Training(QA1.changed(model={**QA1.model, "dropout": 0.0}))
    assert drops.update() != first.update()


def test_an_interrupt_waits_for_the_end_of_an_update(monkeypatch):
    """Ctrl-C while the parameters change must not leave half an update behind."""
    whole, begun = trained(COPY), Training(COPY)
    plain, handler = begun.optimizer.step, signal.getsignal(signal.SIGINT)

    def interrupted():
        signal.raise_signal(signal.SIGINT)
        plain()

    with monkeypatch.context() as patched:
        patched.setattr(begun.optimizer, "step", interrupted)
        with pytest.raises(KeyboardInterrupt):
            begun.run(progress=False)
    assert begun.step == 1
    assert signal.getsignal(signal.SIGINT) is handler
    begun.run(progress=False)
    assert_same_training(begun, whole)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_stops_before_the_update(value, tmp_path, monkeypatch):
    whole, begun = trained(COPY), Training(COPY, out=tmp_path)
    plain = begun.problem.loss

    def broken(model, step, device):
        return plain(model, step, device) * (value if step == 7 else 1)

    with monkeypatch.context() as patched:
        patched.setattr(begun.problem, "loss", broken)
        message = rf"tiny-copy-seed0, step 7: the loss is {value}.* kept in .*state.pt.*learning"
        with pytest.raises(NotFinite, match=message):
            begun.run(progress=False)
    assert begun.step == 7
    assert all(parameter.isfinite().all() for parameter in begun.model.parameters())
    resumed = Training(COPY, out=tmp_path)
    assert resumed.step == 7
    resumed.run(progress=False)
    assert_same_training(resumed, whole)


def steep(model, step, device):
    """A loss of 0 whose gradient is infinite."""
    return sum(parameter.sub(parameter.detach()).sqrt().sum() for parameter in model.parameters())


def test_a_batch_whose_gradient_overflows_is_left_out_and_said_in_the_record(tmp_path, monkeypatch):
    begun = Training(COPY, out=tmp_path)
    plain = begun.problem.loss
    monkeypatch.setattr(
        begun.problem, "loss", lambda *of: (steep if of[1] in (2, 3) else plain)(*of)
    )
    before = None
    while begun.step < 5:
        now = {key: value.clone() for key, value in begun.model.state_dict().items()}
        if begun.step in (3, 4):  # after the second and the third update
            assert all(torch.equal(now[key], before[key]) for key in before)
        before = now
        begun.update()
    begun.save_state()
    assert begun.record()["skipped"] == [2, 3]
    assert Training(COPY, out=tmp_path).skipped == [2, 3]


def test_a_gradient_that_stays_infinite_stops_the_training(monkeypatch):
    begun = Training(COPY)
    before = {key: value.clone() for key, value in begun.model.state_dict().items()}
    monkeypatch.setattr(begun.problem, "loss", steep)
    with pytest.raises(
        NotFinite, match=r"step 4: the loss is 0 and .* norm (nan|inf).* this object"
    ):
        begun.run(progress=False)
    now = begun.model.state_dict()
    assert all(torch.equal(now[key], before[key]) for key in before)


def test_a_huge_learning_rate_ends_in_a_message_and_finite_parameters():
    wild = Training(COPY.changed(learning_rate=3e37, steps=50, measure_every=100))
    with pytest.raises(NotFinite, match=r"A smaller learning rate than 3e\+37"):
        wild.run(progress=False)
    assert all(parameter.isfinite().all() for parameter in wild.model.parameters())


def test_gradients_are_clipped_by_norm(monkeypatch):
    """Survey eq. 44: a gradient longer than the clip is scaled to it."""
    begun, norms = Training(COPY.changed(clip=1e-3)), []
    plain = begun.optimizer.step

    def noted():
        parts = [parameter.grad.norm() for parameter in begun.model.parameters()]
        norms.append(torch.stack(parts).norm().item())
        plain()

    monkeypatch.setattr(begun.optimizer, "step", noted)
    begun.run(progress=False)
    assert len(norms) == 12
    assert max(norms) == pytest.approx(1e-3, rel=1e-2)


def test_the_learning_rate_falls_along_a_cosine():
    begun, rates = Training(QA1), []
    for _ in range(QA1.steps):
        begun.update()
        rates.append(begun.optimizer.param_groups[0]["lr"])
    assert rates[0] == QA1.learning_rate
    assert rates[6] == pytest.approx(QA1.learning_rate / 2)
    assert rates == sorted(rates, reverse=True)


def test_training_lowers_the_loss():
    easy = COPY.changed(steps=150, batch_size=16, measure_every=50)
    begun = Training(easy)
    begun.run(progress=False)
    losses = [point["loss"] for point in begun.curve]
    assert losses[-1] < losses[0] - 0.01


# What is left behind


@each_recipe
def test_the_record_is_complete_and_json(recipe, tmp_path):
    begun = Training(recipe, seed=3, out=tmp_path)
    record = json.loads(json.dumps(begun.run(progress=False)))
    assert record["recipe"]["name"] == recipe.name
    assert record["seed"] == 3
    assert record["steps"] == 12
    assert record["finished"] is True
    assert {"torch", "python", "numpy", "lessons-lib"} <= record["versions"].keys()
    assert record["hardware"]["processor"]
    assert record["hardware"]["cores"] >= 1
    assert record["seconds"] >= 0
    assert record["cpu_seconds"] >= 0
    assert [point["step"] for point in record["curve"]] == [5, 10, 12]
    assert all({"loss", "seconds", begun.problem.goal} <= point.keys() for point in record["curve"])
    assert recipe.name in record["command"]
    assert "--seed 3" in record["command"]


@each_recipe
def test_the_checkpoint_is_the_trained_model_with_its_record(recipe, tmp_path):
    begun = trained(recipe, out=tmp_path)
    model, vocabulary, record = checkpoints.load(tmp_path / f"{begun.name}.pt")
    assert vocabulary == begun.problem.vocabulary
    assert without_seconds(record["curve"]) == without_seconds(begun.curve)
    mine, theirs = begun.model.state_dict(), model.state_dict()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    assert begun.problem.measure(model) == begun.problem.measure(begun.model)


def test_an_unfinished_training_leaves_a_state_and_no_checkpoint(tmp_path):
    Training(COPY, out=tmp_path).run(seconds=0, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-copy-seed0.state.pt"]


def test_an_ntm_is_shipped_on_the_tape_that_its_recipe_names(tmp_path):
    begun = trained(COPY.changed(run_slots=9), out=tmp_path)
    model, _, _ = checkpoints.load(tmp_path / f"{begun.name}.pt")
    assert model.slots == 9
    assert begun.model.slots == 5


def test_a_tape_for_a_model_that_has_none_is_refused_at_once():
    with pytest.raises(ValueError, match="expected run_slots for an NTM alone"):
        Training(QA1.changed(run_slots=9))


def test_a_state_of_another_recipe_is_refused(tmp_path):
    Training(COPY, out=tmp_path).run(seconds=0, progress=False)
    with pytest.raises(ValueError, match="is of another recipe named tiny-copy"):
        Training(COPY.changed(learning_rate=1e-3), out=tmp_path)
    assert Training(COPY, seed=1, out=tmp_path).step == 0


def test_it_stops_when_it_was_good_enough_twice_in_a_row(monkeypatch):
    begun = Training(COPY.changed(steps=100, measure_every=2, stop_at=0.5))
    wrong = iter([3.0, 0.2, 0.7, 0.5, 0.1, 0.0])
    monkeypatch.setattr(
        begun.problem, "measure", lambda _: {"wrong_bits_per_sequence": next(wrong)}
    )
    assert begun.run(progress=False)["finished"]
    assert begun.step == 10

    stories = Training(QA1.changed(steps=100, measure_every=2, stop_at=0.9))
    right = iter([0.95, 0.8, 0.9, 0.91, 1.0])
    monkeypatch.setattr(stories.problem, "measure", lambda _: {"accuracy": next(right)})
    stories.run(progress=False)
    assert stories.step == 8


def test_watch_is_called_after_each_measure():
    seen = []
    Training(COPY).run(progress=False, watch=lambda begun: seen.append(len(begun.curve)))
    assert seen == [1, 2, 3]


def test_the_progress_bar_shows_loss_and_held_out_measure(capsys):
    Training(COPY).run()
    shown = capsys.readouterr().err
    assert "12/12" in shown
    assert "loss=" in shown
    assert "wrong_bits_per_sequence=" in shown


# Problems: what a recipe trains on


def test_a_batch_depends_on_seed_and_step_alone(monkeypatch):
    seen = []
    monkeypatch.setattr(
        tasks, "loss", lambda outputs, batch: seen.append(batch.inputs) or outputs.sum()
    )
    one, same, other = (TaskProblem(seed, 3, task="copy", max_length=3) for seed in (0, 0, 1))
    model = Training(COPY.changed(data={"task": "copy", "max_length": 3})).model
    for source, step in [(one, 4), (one, 5), (same, 4), (other, 4)]:
        source.loss(model, step, torch.device("cpu"))
    assert torch.equal(seen[0], seen[2])
    assert seen[0].shape != seen[1].shape or not torch.equal(seen[0], seen[1])
    assert seen[0].shape != seen[3].shape or not torch.equal(seen[0], seen[3])


def test_each_pass_meets_every_question_once_in_a_new_order():
    source = StoryProblem(0, 4, task="qa1", questions=32, held_out=10)
    passes = [torch.cat([torch.tensor(b) for b in source._batches(epoch)]) for epoch in (0, 1, 0)]
    for order in passes:
        assert sorted(order.tolist()) == list(range(32))
    assert torch.equal(passes[0], passes[2])
    assert not torch.equal(passes[0], passes[1])


def test_a_curriculum_goes_from_the_shortest_questions_to_all():
    source = StoryProblem(0, 4, task="qa1", questions=100, held_out=10, curriculum=50)
    lengths = sorted(len(coded) for coded in source._coded)
    longest = [max(len(source._coded[i]) for i in source._chosen(step)) for step in range(50)]
    for step in range(50):
        assert longest[step] <= lengths[round(100 * (0.2 + 0.8 * step / 50)) - 1]
    assert longest[0] < max(longest[40:])
    passed = np.concatenate([source._chosen(step) for step in range(50, 75)])
    assert sorted(passed) == list(range(100))  # from there, whole passes
    assert (source._chosen(7) == source._chosen(7)).all()


def test_held_out_questions_are_not_trained_on():
    source = StoryProblem(0, 4, task="qa1", questions=200, held_out=50)
    words = source.vocabulary.words
    trained_on = {tuple(words[number] for number in coded) for coded in source._coded}
    for item in source.held_out:
        told = [word for sentence in item.story for word in sentence]
        assert (*told, "Q", *item.question, "GO") not in trained_on


def test_questions_beside_are_trained_on_in_one_pool_and_never_held_out():
    alone = StoryProblem(0, 4, task="qa6", questions=40, held_out=10)
    other = StoryProblem(0, 4, task="qa1", questions=40, held_out=10)
    both = StoryProblem(0, 4, task="qa6", questions=40, held_out=10, beside=["qa1"])
    assert both.held_out == alone.held_out
    assert both.examples == 80
    assert set(both.vocabulary.answers) == {"yes", "no", *other.vocabulary.answers}
    words = both.vocabulary.words
    told = [[words[number] for number in coded] for coded in both._coded]
    parts = [
        (one, [[one.vocabulary.words[n] for n in coded] for coded in one._coded])
        for one in (alone, other)
    ]
    assert told == [sequence for _, sequences in parts for sequence in sequences]
    batches = [{int(i) >= 40 for i in batch} for batch in both._batches(0)]
    assert {True, False} in batches  # both tasks in one batch


def test_real_questions_beside_come_from_the_same_archive(tmp_path):
    (tmp_path / "qa1_train.txt").write_text(STORIES)
    (tmp_path / "qa6_train.txt").write_text(
        STORIES.replace("Where is", "Is").replace("office", "yes")
    )
    about = {"task": "qa6", "source": str(tmp_path), "held_out": 1}
    source = StoryProblem(0, 2, **about, beside=["qa1"])
    assert source.held_out == StoryProblem(0, 2, **about).held_out
    assert source.examples == 3 + 4
    assert [item.task for item in source.read(str(tmp_path), "train")] == ["qa6"] * 4


def test_the_tasks_beside_may_come_first():
    about = {"task": "qa6", "questions": 40, "held_out": 10, "beside": ["qa1"]}
    source = StoryProblem(0, 4, **about, beside_first=30, curriculum=20)
    plain = StoryProblem(0, 4, **about)
    chosen = [source._chosen(step) for step in range(60)]
    assert min(np.concatenate(chosen[:30])) >= 40  # qa1 alone
    lengths = sorted(source._lengths[40:])
    for step, batch in enumerate(chosen[:30]):  # its shortest, then all
        most = lengths[max(4, round(40 * min(1, 0.2 + 0.8 * step / 20))) - 1]
        assert max(source._lengths[batch]) <= most
    for step in range(30, 60):
        assert (chosen[step] == plain._chosen(step)).all()


def test_a_task_beside_itself_or_a_bare_word_is_refused():
    for wrong in (["qa6"], "qa1"):
        with pytest.raises(ValueError, match="expected a list of tasks other than qa6 beside it"):
            StoryProblem(0, 4, task="qa6", questions=32, beside=wrong)
    with pytest.raises(ValueError, match="expected tasks beside qa6 for beside_first=5, got none"):
        StoryProblem(0, 4, task="qa6", questions=32, beside_first=5)
    few = {"task": "qa6", "questions": 32, "beside": ["qa1"], "beside_first": 5}
    with pytest.raises(ValueError, match="expected at least 64 questions of qa1, got 32"):
        StoryProblem(0, 64, **few)


STORIES = """\
1 John moved to the office.
2 Where is John?\toffice\t1
1 Mary moved to the garden.
2 Where is Mary?\tgarden\t1
3 John went to the office.
4 Mary went back to the hallway.
5 Where is John?\toffice\t3
1 Mary went to the garden.
2 Where is Mary?\tgarden\t1
"""


def test_whole_stories_ask_for_every_answer_at_its_go_and_cut_no_story_in_two(tmp_path):
    path = tmp_path / "qa1_train.txt"
    path.write_text(STORIES)
    about = {"task": "qa1", "source": str(path), "whole_stories": True}
    source = StoryProblem(0, 2, held_out=1, **about)
    words, answers = source.vocabulary.words, source.vocabulary.answers
    told = " ".join(words[number] for number in source._coded[1])
    assert told == (
        "mary moved to the garden Q where is mary GO john went to the office "
        "mary went back to the hallway Q where is john GO"
    )
    assert [answers[number] for number in source._answers[1]] == ["garden", "office"]
    assert len(source._coded) == 2
    assert [item.answer for item in source.held_out] == ["garden"]
    assert len(StoryProblem(0, 1, held_out=2, **about).held_out) == 3  # the story of two goes whole


@pytest.mark.parametrize("kind", ["LSTM", "NTM", "LNTM"])
def test_the_loss_of_whole_stories_is_the_mean_over_their_questions_asked_alone(kind, tmp_path):
    path = tmp_path / "qa1_train.txt"
    path.write_text(STORIES)
    source = StoryProblem(0, 2, task="qa1", source=str(path), whole_stories=True, held_out=1)
    model = models.build(kind=kind, input_size=4, hidden_size=6, **source.sizes)
    questions = source.read(str(path), "train")[:3]
    logits, right = story_logits(model, source.vocabulary, questions)
    alone = F.cross_entropy(logits, right)
    with torch.no_grad():
        assert torch.allclose(source.loss(model, 0, torch.device("cpu")), alone, atol=1e-6)


def test_too_few_questions_and_unknown_tasks_are_named():
    with pytest.raises(ValueError, match="expected at least 64 questions, got 32"):
        StoryProblem(0, 64, task="qa1", questions=32)
    with pytest.raises(ValueError, match="expected a source for whole_stories"):
        StoryProblem(0, 4, task="qa1", questions=32, whole_stories=True)
    with pytest.raises(ValueError, match="nonsense"):
        problem(0, 4, {"task": "nonsense"})


# Recipes and records


def test_every_recipe_builds_its_model():
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        few = {"questions": 2 * recipe.batch_size, "held_out": 10}
        data = {**recipe.data, **(few if recipe.data["task"].startswith("qa") else {})}
        data.pop("source", None)
        begun = Training(recipe.changed(data=data))
        assert begun.step == 0
        assert json.loads(json.dumps(recipe.as_dict()))["name"] == name


def test_an_unknown_recipe_lists_those_there_are():
    assert find("ntm-copy").name == "ntm-copy"
    with pytest.raises(ValueError, match=r"one of .*ntm-copy.*; got 'ntm-paste'"):
        find("ntm-paste")


def test_a_record_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "record.json"
    records.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        records.write_json(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}
    assert [found.name for found in path.parent.iterdir()] == ["record.json"]
