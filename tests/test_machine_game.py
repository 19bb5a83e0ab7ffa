"""The game in which the learner is the controller: rules, par, honesty of its numbers and words."""

from __future__ import annotations

import matplotlib.figure
import pytest
import torch

from lessons_lib import memory, tasks
from lessons_lib.addressing import circular_shift, content_weights, interpolate, sharpen
from lessons_lib.machine_game import MOST_STEPS, Game, learned_run
from lessons_lib.machine_levels import LEVELS, SLOTS, WIDTH, Choice, Step, make_level
from lessons_lib.machine_words import name_pattern, tell_step
from lessons_lib.trace import Trace
from lessons_lib.widgets import DriveTheMachine, TapeStepper
from tests.test_widgets import sent

REST = Choice()
SEEDS = range(12)
EVERY_WAY = [
    (name, seed, way)
    for name, ways in (("copy", 1), ("repeat copy", 1), ("sort", 2))
    for seed in SEEDS
    for way in range(ways)
]


def way_to_play(name: str, seed: int, way: int) -> list[Step]:
    return list(make_level(name, seed).solutions.values())[way]


def played(name: str = "copy", seed: int = 0, way: int = 0, **setting) -> Game:
    game = Game(name, seed, **setting)
    game.play(way_to_play(name, seed, way))
    return game


# --- Levels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "seed", "way"), EVERY_WAY)
def test_every_way_reaches_par_without_a_wrong_bit(name, seed, way):
    game = played(name, seed, way)
    assert game.score.finished
    assert (game.score.steps, game.score.wrong_bits) == (game.level.par, 0)


@pytest.mark.parametrize("name", LEVELS)
def test_par_is_the_fewest_steps_since_answers_count_one_a_step_after_the_marker(name):
    level = make_level(name)
    game = Game(level)
    for _ in range(level.par):
        assert not game.score.finished
        game.act("right write", "right out")  # gives out at every step, from the first on
    assert game.score.answers == len(level.wanted)  # never sooner than par
    assert level.par == len(level.items) + 1 + len(level.wanted)


@pytest.mark.parametrize("seed", SEEDS)
def test_lists_are_clear_and_the_same_for_the_same_seed(seed):
    for name in LEVELS:
        level, again = make_level(name, seed), make_level(name, seed)
        assert torch.equal(level.items, again.items)
        assert level.names == again.names
        assert len(set(level.names)) == len(level.items)
        assert len({tuple(item.tolist()) for item in level.items}) == len(level.items)
        assert [name_pattern(level, item) for item in level.items] == list(level.names)
    assert not torch.equal(make_level("copy", seed).items, make_level("copy", seed + 1).items)


@pytest.mark.parametrize("seed", SEEDS)
def test_sort_wants_the_highest_priority_first_and_no_storing_in_order_does_it(seed):
    level = make_level("sort", seed)
    given = [level.priorities[item] for item in level.wanted]
    assert given == [4, 3, 2, 1]
    assert list(level.priorities) not in ([4, 3, 2, 1], [1, 2, 3, 4])


def test_a_level_shows_its_items_then_the_marker_then_nothing():
    level = make_level("copy")
    shown = torch.stack([level.input(t) for t in range(8)])
    assert torch.equal(shown[:5, :WIDTH], level.items)
    assert shown[5].tolist() == [0] * WIDTH + [1]
    assert not shown[6:].any()
    assert not shown[:5, WIDTH].any()


# --- Steps --------------------------------------------------------------------------------------


@pytest.mark.parametrize("soft", [False, True])
def test_each_step_is_the_librarys_own_step_ntm_eqs_2_to_9(soft):
    game = played("repeat copy", soft=soft, sharpening=2.0)
    trace = game.trace
    assert len(trace) == game.level.par
    for t in range(len(trace)):
        record = trace.at(t)
        for head in (record.read, record.write):
            content = content_weights(record.memory_before, head.key, head.key_strength)
            shifted = circular_shift(interpolate(content, head.previous, head.gate), head.shift)
            torch.testing.assert_close(head.weights, sharpen(shifted, head.sharpening))
        after = memory.erase(record.memory_before, record.write.weights, record.erase_vector)
        after = memory.add(after, record.write.weights, record.add_vector)
        torch.testing.assert_close(record.memory_after, after)
        torch.testing.assert_close(record.reads, memory.read(after, record.read.weights))
        if t:
            torch.testing.assert_close(record.memory_before, trace.at(t - 1).memory_after)
            torch.testing.assert_close(record.read.previous, trace.at(t - 1).read.weights)
            torch.testing.assert_close(record.write.previous, trace.at(t - 1).write.weights)
    assert trace.problems() == []


def test_a_choice_stands_for_what_a_controller_emits_ntm_eqs_5_to_9():
    game = Game("copy")
    game.act("right write", "start right")
    write, read = game.records[0].write, game.records[0].read
    assert (write.gate.item(), write.key_strength.item(), write.sharpening.item()) == (0, 0, 20)
    assert write.shift.flatten().tolist() == [0, 0, 1]
    assert (read.gate.item(), read.key_strength.item()) == (1, 20)
    assert torch.equal(read.key.flatten(), game.level.mark)
    assert torch.equal(game.records[0].erase_vector.flatten(), torch.ones(WIDTH))
    assert torch.equal(game.records[0].add_vector.flatten(), game.level.items[0])
    game.act("left")
    assert not game.records[1].erase_vector.any()
    assert not game.records[1].add_vector.any()
    assert game.records[1].write.shift.flatten().tolist() == [1, 0, 0]


def test_jumps_find_the_start_the_input_the_last_read_and_a_priority_ntm_eq_5():
    game = Game("sort", 1)
    for _ in range(4):
        game.act("right write")
    places = {tag: 5 + game.level.priorities.index(int(tag)) for tag in game.level.tags}
    for tag, slot in places.items():
        game.act("stay", tag)
        assert int(game.weights("read").argmax()) == slot
        assert game.weights("read").max() > 0.999
        game.act("stay", "last")
        assert int(game.weights("read").argmax()) == slot
    game.act("stay", "start left")
    assert int(game.weights("read").argmax()) == SLOTS - 1  # the tape is a ring
    again = Game("copy", 1)
    again.act("right write")
    again.act("right write", "input")  # the head looks before the write: the list is not there yet
    assert game.weights("read").sum().item() == pytest.approx(1)


def test_soft_shifts_spoil_the_copy_and_a_little_sharpening_saves_it_ntm_eq_9():
    for seed in range(5):
        assert played("copy", seed, soft=True).score.wrong_bits > 0
        assert played("copy", seed, soft=True, sharpening=1.25).score.wrong_bits == 0
    game = played("copy", soft=True)
    assert game.records[0].write.shift.flatten().tolist() == pytest.approx([0.05, 0.05, 0.9])
    game.set(sharpening=1.25)  # the same steps, computed anew
    assert game.score.wrong_bits == 0
    game.set(soft=False)
    assert game.setting.sharpening == 20
    assert torch.equal(game.trace.reads, played("copy").trace.reads)


def test_undo_takes_back_any_number_of_steps_exactly():
    game, fewer = played("repeat copy"), Game("repeat copy")
    fewer.play(way_to_play("repeat copy", 0, 0)[:4])
    game.undo(game.level.par - 4)
    assert game.score == fewer.score
    assert torch.equal(game.memory, fewer.memory)
    assert torch.equal(game.weights("write"), fewer.weights("write"))
    game.undo(100)
    assert game.score.steps == 0
    assert torch.equal(game.memory, game.level.memory)
    game.undo()
    game.restart()
    with pytest.raises(ValueError, match="at least one step"):
        _ = game.trace


# --- Score and words ----------------------------------------------------------------------------


def test_the_score_is_that_of_tasks_wrong_bits():
    game = Game("copy")
    game.play(way_to_play("copy", 0, 0)[:7])
    game.play([Step(REST, Choice(act=True))] * 4)  # stays on the first slot
    answers = torch.tensor([t > 5 for t in range(11)])[:, None]
    batch = tasks.Batch(game.trace.inputs, game.targets()[:, None], answers)
    assert game.score.wrong_bits == tasks.wrong_bits(game.trace.outputs, batch).item() > 0


def test_reading_out_before_the_marker_does_not_count():
    game = Game("copy")
    said = game.act("right write", "right out")
    assert "does not count" in said
    assert game.score.answers == 0


WRONG = {
    "slot 11, which was never written; B is on slot 1": (
        ["right write"] * 4 + [""] * 2,
        ["", "", "", "", "", "", "left left out"],
    ),
    "stood on slot 1; Z is on slot 2": (["right write"] * 5, [""] * 6 + ["right out", "out"]),
    "slot 0, the start mark; B is on slot 1": (["right write"], [""] * 6 + ["out"]),
    "written over": (["right write"] + ["write"] * 4, [""] * 6 + ["right out"]),
    "nothing was stored when it came": ([""] + ["right write"] * 4, [""] * 6 + ["right out"]),
    "gone for good": ([""], [""]),
    "is overwritten": (["write"], [""]),
    "key is blank": ([""], ["last"]),
    "mark was overwritten": (["write", ""], ["", "start"]),
}


@pytest.mark.parametrize("expected", WRONG)
def test_a_bad_move_is_told_in_words_and_is_no_error(expected):
    writes, reads = WRONG[expected]
    steps = max(len(writes), len(reads))
    game = Game("copy")
    for t in range(steps):
        said = game.act(*(words[t] if t < len(words) else "" for words in (writes, reads)))
    assert expected in said


def test_a_spread_head_is_told_and_a_right_end_too():
    game = played("copy", soft=True)
    assert "spread over several slots" in tell_step(game, 8)
    assert "wrong bits. Undo" in tell_step(game, 10)
    assert "that is par" in tell_step(played("copy"), 10)
    slow = Game("copy")
    solution = way_to_play("copy", 0, 0)
    slow.play([*solution[:6], Step(REST, REST), *solution[6:]])
    assert "in 12 steps; par is 11" in tell_step(slow, 11)


def test_a_finished_game_and_an_endless_one_take_no_more_steps():
    game = played("copy")
    assert "done" in game.act("right write")
    assert game.score.steps == 11
    endless = Game("copy")
    for _ in range(MOST_STEPS + 3):
        said = endless.act()
    assert endless.score.steps == MOST_STEPS
    assert "Undo" in said


def test_words_that_are_no_choice_are_refused():
    game = Game("copy")
    with pytest.raises(ValueError, match="expected words among here, start, input, last, left"):
        game.act("jump")
    with pytest.raises(ValueError, match="got '4'"):
        game.act("4 write")  # copy has no priorities
    with pytest.raises(ValueError, match="a level among copy, repeat copy, sort"):
        Game("count")
    with pytest.raises(ValueError, match="at least 0, got -1"):
        Game("copy", -1)
    with pytest.raises(ValueError, match="sharpening of at least 1"):
        Game("copy", sharpening=0.5)
    assert game.score.steps == 0


# --- The learned machine ------------------------------------------------------------------------


def test_the_learned_machine_copies_the_same_list_on_as_many_slots():
    for seed in range(3):
        level = make_level("copy", seed)
        trace = learned_run(level)
        assert trace.write.weights.shape == (level.par, 1, 1, SLOTS)
        assert torch.equal(trace.inputs[:5, 0, :WIDTH], level.items)
        assert torch.equal(trace.outputs[-5:, 0] > 0, level.items > 0.5)
        check_what_the_lesson_says(trace)
    with pytest.raises(ValueError, match="copy level"):
        learned_run(make_level("sort"))


def check_what_the_lesson_says(trace: Trace) -> None:
    """It writes a staircase, spreads its read head, jumps at the marker, and reads a step ahead."""
    wrote, read, marker = trace.write.weights[:, 0, 0], trace.read.weights[:, 0, 0], 5
    first = int(wrote[0].argmax())
    assert wrote[:marker].argmax(-1).tolist() == [(first + t) % SLOTS for t in range(marker)]
    assert wrote[:marker].max(-1).values.min() > 0.9
    assert read[:marker].max() < 0.5
    assert read[marker:].argmax(-1).tolist() == [(first + t) % SLOTS for t in range(marker + 1)]
    assert trace.read.gate[marker, 0, 0] > 0.5 > trace.read.gate[marker + 2 :, 0, 0].mean()
    assert int(trace.read.content[marker, 0, 0].argmax()) == first


# --- The widget without a browser -----------------------------------------------------------------


def test_the_widget_sends_the_librarys_numbers_of_the_planned_step():
    play = DriveTheMachine()
    play.act("right write")
    play.press("by", 1)
    play.press("act")
    play.press("origin", "start", "read")
    numbers = sent(play)
    choices = Step(Choice("here", 1, True), Choice("start"))
    assert play.plan == choices
    after = play.game.preview(choices)
    torch.testing.assert_close(numbers["write.weights"], after.write.weights[0, 0])
    torch.testing.assert_close(numbers["read.weights"], after.read.weights[0, 0])
    torch.testing.assert_close(numbers["memory_after"], after.memory_after[0])
    torch.testing.assert_close(numbers["add_vector"], play.game.level.items[1])
    assert play.game.score.steps == 1  # a plan makes no step


def test_keys_play_copy_to_the_end_and_undo():
    play = DriveTheMachine("copy", seed=2)
    for name, value in [("by", 1), ("act", None)] + [("enter", None)] * 5:
        play.press(name, value)
    for name, value in [("by", -1), ("act", None), ("enter", None), ("head", "read")]:
        play.press(name, value)
    for name, value in [("by", 1), ("act", None)] + [("enter", None)] * 5:
        play.press(name, value)
    assert repr(play) == (
        "DriveTheMachine('copy', 11 steps (par 11), 5 of 5 answers, 0 wrong bits of 40)"
    )
    play.press("learned")
    assert sent(play)["learned write"].shape == (SLOTS, 11)
    assert "no wrong bits" in play.view["compared"]
    play.press("undo")
    assert play.score.steps == 10
    assert not play.view["compared"]
    play.press("next")
    assert play.game.level.name == "repeat copy"
    play.press("learned")
    assert "Finish the copy level first" in play.status


def test_showing_how_leaves_the_learners_game_alone():
    play = DriveTheMachine("sort")
    play.act("right write")
    seen = set()
    for _ in range(2):  # the second time it shows the other way
        play.press("show")
        seen.add(play.status)
        while play.view["showing"]:
            play.press("tick")
        assert play.view["end"].startswith("Done without a wrong bit")
    assert len(seen) == 2
    assert play.score.steps == 1
    play.press("enter")  # the first key only brings the own game back
    assert (play.score.steps, play.view["demo"]) == (1, False)
    play.press("undo")
    assert play.score.steps == 0


def test_the_jump_is_over_after_its_step_and_the_walk_goes_on():
    play = DriveTheMachine()
    play.press("origin", "start", "read")
    play.press("by", 1)
    play.press("enter")
    assert play.plan.read == Choice("here", 1, False)


def test_unknown_keys_are_refused_and_values_are_kept_in_range():
    play = DriveTheMachine()
    with pytest.raises(ValueError, match="name of a key"):
        play.press("jump")
    for _ in range(5):
        play.press("by", 1)
    assert play.plan.write.step == 1
    play.press("origin", "4")  # no priority in copy: nothing happens
    assert play.plan.write.origin == "here"
    play.press("sharpening", 0.2)
    assert play.game.setting.sharpening == 1


def test_still_repr_and_the_tape_stepper_take_the_game():
    play = DriveTheMachine("copy")
    assert repr(play) == repr(DriveTheMachine("copy"))
    assert isinstance(play.still(), matplotlib.figure.Figure)
    for _ in range(5):
        play.act("right write", "stay")
    assert isinstance(play.still(), matplotlib.figure.Figure)
    assert repr(TapeStepper(play.trace)) == "TapeStepper(5 steps)"
    assert repr(play.game) == "Game('copy', 5 steps (par 11), 0 of 5 answers)"
    play.start("sort", 3)
    assert play.score.steps == 0


def test_a_restart_can_be_undone():
    play = DriveTheMachine()
    for _ in range(3):
        play.act("right write")
    play.press("restart")
    play.press("restart")
    assert play.score.steps == 0
    play.press("undo")
    assert (play.score.steps, play.status) == (3, "The game before the restart is back.")
    play.press("undo")
    assert play.score.steps == 2
