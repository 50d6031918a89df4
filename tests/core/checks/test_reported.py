"""Which checks are reported of a stream, and their evaluation together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamgauge.core.checks.evaluation import Evaluation
from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.reported import reported_checks
from streamgauge.core.gauge import DeadLetterTopic, StreamPolicy
from streamgauge.core.lag import group_of_log
from streamgauge.model import Blind, CommittedOffsets, Level, LogOffsets

STREAM = StreamPolicy(
    name="orders-stream",
    topic="orders",
    asset_key=("kafka", "orders"),
    groups=(),
    dead_letters=(),
    window_ms=60_000,
    resolution_ms=100,
    checks={},
)

ONLY_LAG = {
    name: Policy()
    for name in ("data_loss", "group_status", "time_lag", "processed_age", "forecast")
}
"""Of the checks of groups only `lag` demands anything."""


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["orders fresh", "orders arrival_age"]),
        ({"groups": ("c", "b-*")},
         ["orders data_loss__c", "orders data_loss__b__", "orders fresh", "orders arrival_age",
          "orders group_status__c", "orders group_status__b__", "orders time_lag__c",
          "orders time_lag__b__", "orders lag__c", "orders lag__b__", "orders processed_age__c",
          "orders processed_age__b__", "orders forecast__c", "orders forecast__b__"]),
        ({"dead_letters": (DeadLetterTopic("d.1", ("k", "one")), DeadLetterTopic("d.2", ("two",)))},
         ["one no_dead_letters", "two no_dead_letters", "one no_new_cause", "two no_new_cause",
          "one dead_letter_share", "two dead_letter_share", "orders fresh", "orders arrival_age"]),
        ({"groups": ("c",),
          "checks": ONLY_LAG | {"lag": Policy(), "fresh": Policy(keep_failing_for_ms=5)}},
         ["orders arrival_age"]),
        ({"checks": {"throughput": Policy(warn=Limit(below=1))}},
         ["orders fresh", "orders arrival_age", "orders throughput"]),
    ],
)  # fmt: skip
def test_every_topic_and_configured_group_has_its_own_checks(changes, expected):
    """In the configured order, what has died first; without any limit nothing is reported."""
    reported = reported_checks(replace(STREAM, **changes))
    assert [f"{each.subject.asset_key[-1]} {each.name}" for each in reported] == expected


def test_only_checks_of_groups_name_one():
    """A pattern stays as it is configured."""
    stream = replace(STREAM, groups=("b-*",), dead_letters=(DeadLetterTopic("d", ("d",)),))
    reported = {each.name: each.group for each in reported_checks(stream)}
    assert reported == {
        "no_dead_letters": None,
        "no_new_cause": None,
        "dead_letter_share": None,
        "data_loss__b__": "b-*",
        "fresh": None,
        "arrival_age": None,
        "group_status__b__": "b-*",
        "time_lag__b__": "b-*",
        "lag__b__": "b-*",
        "processed_age__b__": "b-*",
        "forecast__b__": "b-*",
    }


def test_verdicts_follow_policies(snapshot):
    """A policy replaces the default; no limit, no verdict."""
    committed = CommittedOffsets("b.1", "orders", {0: 90}, 1_000_000)
    log = LogOffsets("orders", {0: 0}, {0: 100}, 1_000_000)
    groups = {"b.1": group_of_log((0,), committed, log)}
    policies = ONLY_LAG | {
        "no_new_cause": Policy(),
        "fresh": Policy(),
        "lag": Policy(warn=Limit(above=9)),
        "throughput": Policy(fail=Limit(below=1)),
    }
    letters = (DeadLetterTopic("dlq", ("kafka", "dlq")),)
    stream = replace(STREAM, groups=("b.1",), dead_letters=letters, checks=policies)
    evaluation = Evaluation(reported_checks(stream))
    now = snapshot(groups=groups, watched_groups=("b.1",))
    verdicts = evaluation.evaluate(now)
    told = [(v.check, v.asset_key[-1], v.level.value, v.value, v.unit, v.limit) for v in verdicts]
    assert told == [
        ("no_dead_letters", "dlq", "pass", 0, "dead letters", 0),
        ("dead_letter_share", "dlq", "unknown", None, "%", None),
        ("arrival_age", "orders", "pass", None, "s", None),
        ("lag__b_1", "orders", "warn", 10, "records", 9),
        ("throughput", "orders", "fail", 0, "records/s", 1),
    ]  # fmt: skip
    later = evaluation.evaluate(replace(now, as_of_ms=1_060_000))
    assert {v.since_ms for v in later} == {1_000_000}
    assert later[-1].reason == (
        "orders brought 0 records a second (limit 1 records/s, breached for 1 m)"
    )


def test_a_check_that_never_knew_is_unknown_since_its_first_evaluation(snapshot):
    """Not since some other time."""
    evaluation = Evaluation(reported_checks(STREAM))
    blind = (Blind("topic orders", 5, "absent"),)
    for as_of_ms in (1_000_000, 1_005_000):
        verdicts = evaluation.evaluate(snapshot(blind=blind, as_of_ms=as_of_ms))
        (fresh,) = [verdict for verdict in verdicts if verdict.check == "fresh"]
        assert (fresh.level, fresh.since_ms) == (Level.UNKNOWN, 1_000_000)
