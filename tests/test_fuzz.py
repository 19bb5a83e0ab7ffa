"""Random machines under random settings end finite, or stop with the message and lose nothing."""

import pytest

from tests.machines import TINY_RECIPE
from tools import fuzz


@pytest.mark.parametrize("number", range(1000, 1012))
def test_a_random_configuration_ends_well(number):
    assert fuzz.outcome(fuzz.configuration(number))["ended"] in ("finished", "stopped")


def test_an_absurd_learning_rate_stops_with_the_message_and_the_last_good_state():
    wild = TINY_RECIPE.changed(learning_rate=3e37, steps=20)
    found = fuzz.outcome(wild)
    assert found["ended"] == "stopped"
    assert found["step"] < 20
