"""What is asked of a stream: the configuration laid over the defaults of each check."""

from __future__ import annotations

import pytest

from streamgauge.config.checks import Checks
from streamgauge.config.loading import of_values
from streamgauge.config.policies import check_policies, stream_policy
from streamgauge.core.checks.policy import Limit, Policy
from streamgauge.core.checks.registry import CHECKS
from streamgauge.model import Level

DEFAULTS = {check.name: check.default for check in CHECKS}


def policies(**checks):
    """The policies of a configuration with these checks, as the file would say them."""
    return check_policies(Checks.model_validate(checks))


def test_what_is_not_configured_is_as_by_default():
    """For every check."""
    assert policies() == DEFAULTS


def test_a_check_that_is_switched_off_demands_nothing():
    """Whatever limits stand beside it."""
    configured = policies(lag={"enabled": False, "warn": {"above": 5}})
    assert configured == DEFAULTS | {"lag": Policy()}


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({"above": 5}, Limit(above=5, for_ms=300_000)),
        ({"for": "1m"}, Limit(above=10_000, for_ms=60_000)),
        ({"above": 5, "for": "0s"}, Limit(above=5, for_ms=0)),
        ({}, Limit(above=10_000, for_ms=300_000)),
    ],
)
def test_a_limit_is_laid_over_its_default_part_by_part(configured, expected):
    """The bound, and how long it must be breached; the other limit stays."""
    lag = policies(lag={"warn": configured})["lag"]
    assert (lag.warn, lag.fail) == (expected, DEFAULTS["lag"].fail)


def test_a_check_without_limits_demands_nothing_until_one_is_set():
    """`throughput` has none; half a limit without a bound is none."""
    assert DEFAULTS["throughput"].warn is None
    assert policies(throughput={"keep_failing_for": "1m"})["throughput"].warn is None
    assert DEFAULTS["no_dead_letters"].warn is None
    assert policies(no_dead_letters={"warn": {"for": "1m"}})["no_dead_letters"].warn is None
    assert policies(throughput={"warn": {"below": 2}})["throughput"].warn == Limit(below=2)
    assert policies(arrival_age={"warn": {"for": "1m"}})["arrival_age"].fail == (
        DEFAULTS["arrival_age"].fail
    )


def test_ages_are_in_seconds():
    """The configuration keeps milliseconds, the check measures seconds."""
    assert policies(fresh={"fail": {"above": "1500ms"}})["fresh"].fail == Limit(above=1.5)


def test_statuses_are_severities():
    """The configuration names them, the check measures how bad they are."""
    status = policies(group_status={"warn": {"above": "LAGGING"}, "fail": {"above": "STALLED"}})
    assert status["group_status"].warn == Limit(above=1)
    assert status["group_status"].fail == Limit(above=3)


def test_a_time_left_is_in_seconds():
    """What is not set of it stays."""
    forecast = policies(forecast={"warn": {"below": "30m"}, "fail": {"below": "1m30s"}})["forecast"]
    assert forecast.warn == Limit(below=1_800, for_ms=30_000)
    assert forecast.fail == Limit(below=90)


def test_the_memory_and_the_word_for_nothing_are_laid_over_too():
    """Each by itself."""
    lag = policies(lag={"keep_failing_for": "10s"})["lag"]
    assert (lag.keep_failing_for_ms, lag.on_no_data) == (10_000, DEFAULTS["lag"].on_no_data)
    lag = policies(lag={"on_no_data": "fail"})["lag"]
    assert (lag.keep_failing_for_ms, lag.on_no_data) == (120_000, Level.FAIL)


@pytest.mark.parametrize(
    ("written", "percent"), [("1%", 1), (0.01, 1), ("0.25%", 0.25), ("150%", 150), (1, 100), (0, 0)]
)
def test_shares_are_in_percent(written, percent):
    """As a part of the whole or with a percent sign."""
    share = policies(dead_letter_share={"warn": {"above": written}})["dead_letter_share"]
    assert (share.warn, share.fail) == (Limit(above=percent), DEFAULTS["dead_letter_share"].fail)


def test_new_causes_are_a_count():
    """The memory and the other limit stay."""
    cause = policies(no_new_cause={"fail": {"above": 3}})["no_new_cause"]
    default = DEFAULTS["no_new_cause"]
    assert (cause.warn, cause.fail) == (default.warn, Limit(above=3))
    assert cause.keep_failing_for_ms == default.keep_failing_for_ms


def dead_letter_topics(**streams):
    """The dead letter topics of these streams, by stream; a stream is its `dead_letters`."""
    values = {
        name: {"topic": name, "dead_letters": entries, "asset_key": [name]}
        for name, entries in streams.items()
    }
    config = of_values({"kafka": {"bootstrap_servers": "k:1"}, "streams": values})
    return {
        name: stream_policy(name, stream, config.kafka).dead_letters
        for name, stream in config.streams.items()
    }


def test_a_topic_of_one_stream_is_its_own_as_a_whole():
    """Whatever its records say of their origin."""
    ((own,),) = dead_letter_topics(a=[{"topic": "d", "source_topics": ["x"]}]).values()
    assert (own.own_topics, own.left_to_others, own.takes_unknown) == ({"a", "x"}, set(), True)


def test_a_shared_topic_is_divided_by_origin():
    """Each leaves to the others what is theirs; the one named first takes what is nobody's."""
    topics = dead_letter_topics(
        b=[{"topic": "d", "source_topics": ["x"]}, {"topic": "e"}],
        a=[{"topic": "d"}],
        c=[{"topic": "f"}, {"topic": "d", "source_topics": ["y"]}],
    )
    shares = {
        (name, each.topic): (each.own_topics, each.left_to_others, each.takes_unknown)
        for name, entries in topics.items()
        for each in entries
    }
    assert shares == {
        ("b", "d"): ({"b", "x"}, {"a", "c", "y"}, True),
        ("b", "e"): ({"b"}, set(), True),
        ("a", "d"): ({"a"}, {"b", "x", "c", "y"}, False),
        ("c", "f"): ({"c"}, set(), True),
        ("c", "d"): ({"c", "y"}, {"b", "x", "a"}, False),
    }


def test_every_record_of_a_shared_topic_is_counted_by_one_stream():
    """Wherever it comes from."""
    topics = dead_letter_topics(
        b=[{"topic": "d", "source_topics": ["x"]}], a=[{"topic": "d"}], c=[{"topic": "d"}]
    )
    for origin in ("a", "b", "c", "x", "elsewhere", None):
        counting = [
            name
            for name, (each,) in topics.items()
            if origin in each.own_topics
            or (origin not in each.left_to_others and each.takes_unknown)
        ]
        assert counting == [{"x": "b", "elsewhere": "b", None: "b"}.get(origin, origin)]


def test_streams_of_one_topic_count_its_dead_letters_each():
    """One for each isolation level: neither leaves anything to the other."""
    kafka = {"bootstrap_servers": "k:1"}
    one = {"topic": "t", "dead_letters": [{"topic": "d"}]}
    streams = {"a": one, "b": {**one, "asset_key": ["b"]}}
    config = of_values({"kafka": kafka, "streams": streams})
    for name, stream in config.streams.items():
        (each,) = stream_policy(name, stream, config.kafka).dead_letters
        assert (each.own_topics, each.left_to_others) == ({"t"}, set())
        assert each.takes_unknown == (name == "a")
