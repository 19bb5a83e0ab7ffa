"""The playground's challenge without a browser: every par is proved, and the game keeps count."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lessons_lib.widgets.challenge import AddressingChallenge
from lessons_lib.widgets.challenge_levels import (
    LEVELS,
    NEAR,
    NOTCHES,
    STEP,
    fewest,
    is_won,
    within_one_step,
)
from tests.test_widgets import sent


def play(game: AddressingChallenge, moves: tuple) -> None:
    for move in moves:
        if move == STEP:
            game.step()
        else:
            game.move(*move)


@pytest.mark.parametrize("place", range(len(LEVELS)))
def test_no_sequence_of_fewer_moves_than_par_wins(place):
    level = LEVELS[place]
    assert fewest(level, level.par - 1) is None  # every sequence was tried
    assert fewest(level, level.par) == level.par


def test_the_search_finds_a_shortcut_where_there_is_one():
    level = LEVELS[0]
    longer = replace(level, solution=(("shift", 0), STEP, ("shift", 5), STEP, STEP))
    assert longer.par == 5
    assert fewest(longer, 4) == 2


def test_a_level_needs_a_step_where_no_setting_of_the_controls_wins():
    for level in LEVELS:
        assert within_one_step(level) == (STEP not in level.solution)


def test_levels_rise_in_difficulty_and_none_starts_won():
    pars = [level.par for level in LEVELS]
    assert len(LEVELS) >= 6
    assert pars == sorted(pars)
    assert pars[0] == 1
    assert not any(is_won(level, level.start) for level in LEVELS)
    assert len({level.name for level in LEVELS}) == len(LEVELS)
    assert all(len(level.hints) == 2 for level in LEVELS)


@pytest.mark.parametrize("place", range(len(LEVELS)))
def test_each_level_is_won_by_its_solution_at_par(place):
    game = AddressingChallenge(place)
    play(game, LEVELS[place].solution)
    assert game.won
    assert len(game.moves) == LEVELS[place].par
    assert game.best == {place: LEVELS[place].par}
    assert game.picture.won
    assert "no sequence of fewer moves" in game.picture.status[1]
    numbers = sent(game.picture)
    torch.testing.assert_close(numbers["weights"], numbers["target"], rtol=0, atol=NEAR)


def test_a_control_moved_again_before_a_step_is_one_move_and_put_back_is_none():
    game = AddressingChallenge(5)
    for notch in (1, 2, 4):
        game.move("key_strength", notch)
    game.move("gate", 2)
    game.move("key_strength", 3)  # late, or in between: the order between two steps is no matter
    assert sorted(game.moves) == [("gate", 2), ("key_strength", 3)]
    game.move("gate", 0)
    assert game.moves == [("key_strength", 3)]
    game.step()
    game.move("key_strength", 4)  # after a step it is another move
    assert len(game.moves) == 3


def test_undo_and_restart_take_moves_back():
    game = AddressingChallenge(4)
    game.move("shift", 0)
    game.step()
    assert sent(game.picture)["previous"].argmax() == 0
    game.undo()
    assert game.moves == [("shift", 0)]
    assert sent(game.picture)["previous"].argmax() == 1
    game.restart()
    assert game.moves == []
    game.undo()  # nothing to take back
    assert game.state == LEVELS[4].start
    assert game.sliders["shift"].index == LEVELS[4].notches[2]


def test_a_won_level_takes_no_moves_but_can_be_undone():
    game = AddressingChallenge(0)
    game.move("shift", 5)
    assert all(slider.disabled for slider in game.sliders.values())
    game.move("gate", 4)
    game.step()
    assert game.moves == [("shift", 5)]
    game.undo()
    assert not game.won
    assert not any(slider.disabled for slider in game.sliders.values())
    assert game.best == {0: 1}


def test_more_moves_than_par_win_too_and_the_best_is_kept():
    game = AddressingChallenge(0)
    play(game, (("sharpening", 2), ("shift", 5)))
    assert game.won
    assert "It can be done in 1" in game.picture.status[1]
    assert game._choose.options[0] == "1 ✓"
    game.restart()
    game.move("shift", 5)
    assert game.best == {0: 1}
    assert game._choose.options[0] == "1 ★"
    game.next()
    assert game.level is LEVELS[1]
    assert game.best == {0: 1}


def test_hints_come_one_by_one():
    game = AddressingChallenge(2)
    assert len(game.picture.status) == 2
    game.hint()
    assert game.picture.status[2] == f"Hint: {LEVELS[2].hints[0]}"
    game.hint()
    game.hint()
    assert len(game.picture.status) == 4
    assert game._buttons["hint"].disabled


def test_sliders_and_buttons_are_the_moves():
    game = AddressingChallenge(4)
    game.sliders["shift"].index = 0
    game._buttons["step: w becomes w(t−1)"].click()
    game._buttons["step: w becomes w(t−1)"].click()
    assert game.won
    game._choose.index = 7
    assert game.level is LEVELS[7]
    assert game.moves == []
    assert "moves 0 · par 4" in game.picture.status[0]


def test_what_is_no_move_or_level_is_refused():
    game = AddressingChallenge()
    with pytest.raises(ValueError, match="expected a step or a notch"):
        game.move("gate", len(NOTCHES["gate"]))
    with pytest.raises(ValueError, match="expected a level from 0 to 8, got 9"):
        game.level = 9
    assert repr(game) == "AddressingChallenge(level 1 of 9)"


def test_it_has_a_still_figure():
    figure = AddressingChallenge(6).still()
    figure.canvas.draw()
    assert len(figure.axes) >= 5
