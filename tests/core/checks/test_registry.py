"""The registered checks: their defaults, and their evaluation together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.checks.evaluation import Evaluation
from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.registry import CHECKS
from streamgauge.core.lag import group_view
from streamgauge.model import Blind, CommittedOffsets, Level, LogOffsets


@pytest.mark.parametrize(
    ("name", "warn", "fail", "keep_failing_for_ms", "on_no_data"),
    [
        ("no_dead_letters", None, Limit(above=0), 600_000, Level.UNKNOWN),
        ("fresh", Limit(above=300), Limit(above=900), 0, Level.UNKNOWN),
        ("arrival_age", Limit(above=60, for_ms=60_000), Limit(above=300, for_ms=120_000), 0,
         Level.PASS),
        ("lag", Limit(above=10_000, for_ms=300_000), Limit(above=100_000, for_ms=120_000), 120_000,
         Level.UNKNOWN),
        ("throughput", None, None, 0, Level.UNKNOWN),
    ],
)  # fmt: skip
def test_defaults(name, warn, fail, keep_failing_for_ms, on_no_data):
    """What is demanded if nobody says; changing it is a change for users."""
    (check,) = [check for check in CHECKS if check.name == name]
    assert check.default == Policy(warn, fail, keep_failing_for_ms, on_no_data)
    assert check.description.endswith(".")


def test_verdicts_come_in_order_and_follow_policies(snapshot):
    """What has died comes first; a policy replaces the default; no limit, no verdict."""
    committed = CommittedOffsets("b.1", "orders", {0: 90}, 1_000_000)
    log = LogOffsets("orders", {0: 0}, {0: 100}, 1_000_000)
    groups = {"b.1": group_view((0,), committed, log)}
    policies = {
        "fresh": Policy(),
        "lag": Policy(warn=Limit(above=9)),
        "throughput": Policy(fail=Limit(below=1)),
    }
    evaluation = Evaluation(CHECKS, policies)
    now = snapshot(groups=groups, watched_groups=("b.1",))
    verdicts = evaluation.evaluate(now)
    told = [(v.check, v.asset_key[-1], v.level.value, v.value, v.unit, v.limit) for v in verdicts]
    assert told == [
        ("no_dead_letters", "dlq", "pass", 0, "dead letters", 0),
        ("arrival_age", "orders", "pass", None, "s", None),
        ("lag__b_1", "orders", "warn", 10, "records", 9),
        ("throughput", "orders", "fail", 0, "records/s", 1),
    ]  # fmt: skip
    later = evaluation.evaluate(replace(now, as_of_ms=1_060_000))
    assert {v.since_ms for v in later} == {1_000_000}
    assert later[3].reason == (
        "orders brought 0 records a second (limit 1 records/s, breached for 1 m)"
    )


def test_a_check_that_never_knew_is_unknown_since_its_first_evaluation(snapshot):
    """Not since some other time."""
    evaluation = Evaluation(CHECKS, {})
    blind = (Blind("topic orders", 5, "absent"),)
    for as_of_ms in (1_000_000, 1_005_000):
        verdicts = evaluation.evaluate(snapshot(blind=blind, as_of_ms=as_of_ms))
        (fresh,) = [verdict for verdict in verdicts if verdict.check == "fresh"]
        assert (fresh.level, fresh.since_ms) == (Level.UNKNOWN, 1_000_000)
