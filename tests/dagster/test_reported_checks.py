"""Evaluations are told when they change and once every period, the most urgent first."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.dagster.reported_checks import ReportedChecks, Told
from streamgauge.model import Level

EVERY = 60.0


def tell(checks, snapshot, now_seconds):
    """All that is due is acknowledged; the names in their order."""
    due = checks.due([snapshot], now_seconds, EVERY)
    for verdict, of in due:
        checks.begin(verdict, of)
        checks.keep(verdict, of, Told(verdict.level, of.as_of_ms, now_seconds))
    return [verdict.check for verdict, _ in due]


@pytest.fixture
def judged(maker):
    """Maker of snapshots by the levels of their checks; one stands on the dead letter topic."""

    def judged(after_ms, **levels):
        verdicts = tuple(
            maker.verdict(name, Level(level), asset_key=maker.letters_key)
            if name == "no_dead_letters"
            else maker.verdict(name, Level(level))
            for name, level in levels.items()
        )
        return maker.snapshot(after_ms=after_ms, verdicts=verdicts)

    return judged


def test_everything_is_new_at_first_and_trouble_comes_first(judged):
    """Of troubles, and of what is none, what has died is told before what is late."""
    checks = ReportedChecks()
    snapshot = judged(0, lag="pass", fresh="fail", arrival_age="unknown", no_dead_letters="pass")
    assert tell(checks, snapshot, 0.0) == ["fresh", "no_dead_letters", "lag", "arrival_age"]
    assert tell(checks, snapshot, 0.0) == []
    assert tell(ReportedChecks(), judged(0, lag="warn", no_dead_letters="fail"), 0.0) == [
        "no_dead_letters",
        "lag",
    ]


def test_changes_and_first_troubles_are_urgent(judged):
    """Not what says at first that all is well, or that nothing is known, nor a repetition."""
    checks = ReportedChecks()

    def urgent(snapshot):
        return [each.check for each in snapshot.verdicts if checks.is_urgent(each, snapshot)]

    first = judged(0, a="pass", b="warn", c="unknown", d="fail")
    assert urgent(first) == ["b", "d"]
    tell(checks, first, 0.0)
    assert urgent(first) == []
    assert urgent(judged(1, a="unknown", b="fail", c="pass", d="fail")) == ["a", "b", "c"]


def test_level_that_may_replace_one_in_doubt_is_urgent(judged):
    """Dagster may show a failure that is over."""
    checks = ReportedChecks()
    failing, passing = judged(0, a="fail"), judged(1, a="pass")
    assert not checks.is_urgent(passing.verdicts[0], passing)
    checks.begin(failing.verdicts[0], failing)
    assert checks.is_urgent(passing.verdicts[0], passing)
    checks.keep(failing.verdicts[0], failing, None)
    assert not checks.is_urgent(passing.verdicts[0], passing)


def test_changed_level_is_due_at_once(judged):
    """In whatever direction; an unchanged one waits for its period."""
    checks = ReportedChecks()
    tell(checks, judged(0, lag="pass", fresh="pass"), 0.0)
    assert tell(checks, judged(1, lag="fail", fresh="pass"), 0.1) == ["lag"]
    assert tell(checks, judged(2, lag="pass", fresh="pass"), 0.2) == ["lag"]


def test_unchanged_levels_are_repeated_every_period_but_only_if_judged_again(judged):
    """An old verdict that is repeated would look like a new one."""
    checks = ReportedChecks()
    first = judged(0, lag="pass")
    tell(checks, first, 0.0)
    assert tell(checks, first, 1_000.0) == []
    assert tell(checks, judged(1, lag="pass"), 59.9) == []
    assert tell(checks, judged(1, lag="pass"), 60.0) == ["lag"]


def test_after_a_materialization_checks_of_the_asset_are_told_again(judged, maker):
    """Dagster shows a check as not executed if its asset was materialized since."""
    checks = ReportedChecks()
    snapshot = judged(0, lag="pass", no_dead_letters="pass")
    tell(checks, snapshot, 10.0)
    checks.materialized(maker.asset_key, 20.0)
    assert tell(checks, snapshot, 21.0) == ["lag"]
    assert tell(checks, judged(1, lag="pass", no_dead_letters="pass"), 22.0) == []


def test_changed_comes_before_repeated_and_oldest_first(judged):
    """A long round of repetitions holds no failure up."""
    checks = ReportedChecks()
    tell(checks, judged(0, lag="pass"), 10.0)
    tell(checks, judged(0, lag="pass", fresh="pass"), 5.0)
    tell(checks, judged(0, lag="pass", fresh="pass", arrival_age="pass"), 5.0)
    snapshot = judged(1, lag="pass", fresh="pass", arrival_age="fail")
    assert tell(checks, snapshot, 100.0) == ["arrival_age", "fresh", "lag"]


def test_evaluation_of_unknown_fate_goes_out_again(judged):
    """A failure that may have been stored must not outlive the pass that follows."""
    checks = ReportedChecks()
    tell(checks, judged(0, lag="pass"), 0.0)
    failing = judged(1, lag="fail")
    ((verdict, _),) = checks.due([failing], 0.1, EVERY)
    checks.begin(verdict, failing)
    assert tell(checks, judged(2, lag="pass"), 0.2) == ["lag"]


def test_evaluation_that_was_refused_leaves_what_was_told(judged):
    """It is surely not stored, so Dagster still has the former one."""
    checks = ReportedChecks()
    tell(checks, judged(0, lag="pass"), 0.0)
    failing = judged(1, lag="fail")
    ((verdict, _),) = checks.due([failing], 0.1, EVERY)
    checks.keep(verdict, failing, checks.begin(verdict, failing))
    assert tell(checks, judged(2, lag="pass"), 0.2) == []


def test_what_somebody_else_tells_is_forgotten(judged):
    """When the stream comes back, Dagster may have any level of it; that of others is known."""
    checks = ReportedChecks()
    failing = judged(0, lag="fail")
    other = replace(failing, stream="other")
    tell(checks, failing, 0.0)
    tell(checks, other, 0.0)
    checks.forget(failing.stream)
    assert tell(checks, failing, 0.1) == ["lag"]
    assert tell(checks, other, 0.1) == []


@pytest.mark.parametrize("stored", [True, False])
def test_what_was_on_its_way_then_is_forgotten_too(judged, stored):
    """Whether it was stored or not, somebody else's may have come after it."""
    checks = ReportedChecks()
    tell(checks, judged(0, lag="fail"), 0.0)
    passing = judged(1, lag="pass")
    ((verdict, _),) = checks.due([passing], 0.1, EVERY)
    before = checks.begin(verdict, passing)
    checks.forget(passing.stream)
    told = Told(verdict.level, passing.as_of_ms, 0.2) if stored else before
    checks.keep(verdict, passing, told)
    assert tell(checks, judged(2, lag="pass"), 0.3) == ["lag"]
    assert tell(checks, judged(3, lag="pass"), 0.4) == []


def test_streams_with_one_dead_letter_topic_do_not_alternate(judged):
    """Each has its own say; a difference between them is no change."""
    checks = ReportedChecks()
    one = judged(0, no_dead_letters="pass")
    other = replace(judged(0, no_dead_letters="fail"), stream="other")
    for snapshot in (one, other):
        assert tell(checks, snapshot, 0.0) == ["no_dead_letters"]
    assert checks.due([one, other], 1.0, EVERY) == []


def test_what_another_process_may_have_told_since_is_told_anew(judged):
    """Of the stream that it tells of, and of no other."""
    checks = ReportedChecks()
    one, other = judged(0, lag="pass"), replace(judged(0, lag="pass"), stream="other")
    for snapshot in (one, other):
        tell(checks, snapshot, 0.0)
    checks.forget(one.stream)
    assert checks.due([other], 0.1, EVERY) == []
    assert tell(checks, one, 0.1) == ["lag"]


def test_answer_to_an_evaluation_of_before_another_process_told_is_not_kept(judged):
    """Dagster has what the other one has told after it."""
    checks = ReportedChecks()
    snapshot = judged(0, lag="pass")
    ((verdict, _),) = checks.due([snapshot], 0.0, EVERY)
    checks.begin(verdict, snapshot)
    checks.forget(snapshot.stream)
    checks.keep(verdict, snapshot, Told(verdict.level, snapshot.as_of_ms, 0.0))
    assert tell(checks, snapshot, 0.1) == ["lag"]
    assert tell(checks, snapshot, 0.2) == []
