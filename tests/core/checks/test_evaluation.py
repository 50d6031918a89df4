"""The checks of a stream: each with a standing of its own, which may come from before."""

from __future__ import annotations

import pytest

from streamgauge.core.checks.evaluation import Evaluation
from streamgauge.core.checks.no_dead_letters import NO_DEAD_LETTERS
from streamgauge.core.checks.policy import Limit, Policy, Subject
from streamgauge.core.checks.reported import ReportedCheck
from streamgauge.core.checks.standing import Breach, Standing
from streamgauge.core.snapshot import DeadLetterTopicView
from streamgauge.core.totals import Totals
from streamgauge.model import Level

KEY = (("kafka", "dlq"), "no_dead_letters")
BEFORE = Standing(
    Level.FAIL, 900_000, "", 3.0, 0.0, fail=Breach(900_000, 990_000, 0.0, counts=True)
)


@pytest.fixture
def evaluation():
    """One check: no dead letter within a window, and a minute more."""
    policy = Policy(fail=Limit(above=0), keep_failing_for_ms=60_000)
    return Evaluation([ReportedCheck(NO_DEAD_LETTERS, policy, Subject(("kafka", "dlq"), "dlq"))])


def letters(recent):
    """So many of late."""
    return (DeadLetterTopicView("dlq", ("kafka", "dlq"), Totals(), recent, None),)


def test_a_check_goes_on_from_what_it_said_before(evaluation, snapshot):
    """It keeps failing for as long as it would have without a restart, since the same moment."""
    assert evaluation.checks == (KEY,)
    evaluation.resume({KEY: BEFORE, (("kafka", "other"), "lag"): BEFORE})
    for now_ms, level in (
        (1_000_000, Level.FAIL),
        (1_049_999, Level.FAIL),
        (1_050_000, Level.PASS),
    ):
        (verdict,) = evaluation.evaluate(snapshot(as_of_ms=now_ms, dead_letters=letters(0)))
        assert verdict.level is level
        assert verdict.since_ms == (900_000 if level is Level.FAIL else now_ms)
    assert verdict.breaches == {}


def test_what_a_check_remembers_is_told(evaluation, snapshot):
    """Of the limit that is breached, and of no other."""
    (verdict,) = evaluation.evaluate(snapshot(as_of_ms=1_000_000, dead_letters=letters(2)))
    assert verdict.breaches == {"fail": Breach(1_000_000, 1_000_000, 0, counts=True)}


def test_what_was_judged_here_counts_more_than_what_was_told_before(evaluation, snapshot):
    """Nobody takes a present standing for an older one."""
    evaluation.evaluate(snapshot(as_of_ms=1_000_000, dead_letters=letters(0)))
    evaluation.resume({KEY: BEFORE})
    (verdict,) = evaluation.evaluate(snapshot(as_of_ms=1_001_000, dead_letters=letters(0)))
    assert verdict.level is Level.PASS


def test_a_check_that_has_forgotten_goes_on_from_what_another_has_told(evaluation, snapshot):
    """What it said itself before is no more."""
    evaluation.evaluate(snapshot(as_of_ms=900_000, dead_letters=letters(0)))
    evaluation.forget()
    evaluation.resume({KEY: BEFORE})
    (verdict,) = evaluation.evaluate(snapshot(as_of_ms=1_000_000, dead_letters=letters(0)))
    assert (verdict.level, verdict.since_ms) == (Level.FAIL, 900_000)
    evaluation.forget()
    (verdict,) = evaluation.evaluate(snapshot(as_of_ms=1_001_000, dead_letters=letters(0)))
    assert (verdict.level, verdict.since_ms) == (Level.PASS, 1_001_000)
