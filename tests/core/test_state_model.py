"""The rules by which state is kept hold in any order of events, and each of them is needed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .state_model import StateModel

SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    stateful_step_count=60,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
)


def test_no_record_is_lost_and_none_is_counted_twice():
    """Whoever is killed, frozen or cut off, and whatever lands late, twice or never."""
    run_state_machine_as_test(StateModel, settings=settings(SETTINGS, max_examples=150))


@pytest.mark.parametrize(
    "mutant",
    [
        "from memory",
        "no plant",
        "same member",
        "no fencing",
        "cached coordinator",
        "nobody asks",
    ],
)
def test_each_rule_is_needed(mutant):
    """Without it some order of events loses or doubles records, and the machine finds it."""
    broken = type("Broken", (StateModel,), {"mutant": mutant})
    with pytest.raises((AssertionError, ValueError)):
        run_state_machine_as_test(broken, settings=settings(SETTINGS, max_examples=6000))
