"""What a check last said comes back from Dagster as it was told, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from streamgauge.core.checks.standing import Breach
from streamgauge.dagster.graphql import AnswerError
from streamgauge.dagster.payloads import check_evaluation
from streamgauge.dagster.standings import LastStanding, read_standings, standings_question
from streamgauge.model import Level

from .conftest import entries


@pytest.fixture
def failing(maker):
    """A check that fails, and remembers both of its limits."""
    return maker.verdict(
        level=Level.FAIL,
        value=120_000,
        limit=100_000.0,
        since_ms=maker.start_ms + 7,
        breaches={
            "warn": Breach(maker.start_ms, maker.start_ms + 900, 10_000.0, counts=True),
            "fail": Breach(None, maker.start_ms + 800, 100_000.0, counts=True),
        },
    )


def answer(*evaluations, run_id=""):
    """GraphQL's answer for one check, the newest evaluation first."""
    told = [
        {
            "runId": run_id,
            "evaluation": metadata
            and {"metadataEntries": entries(json.loads(json.dumps(metadata)))},
        }
        for metadata in evaluations
    ]
    return json.dumps({"data": {"check0": told}}).encode()


def read(maker, content):
    """The standing of the one check that was asked for, None without one."""
    check = (maker.asset_key, "lag__billing")
    return read_standings(content, [check], maker.stream).get(check)


def test_a_standing_comes_back_as_it_was_told(maker, failing):
    """Level, since when, value, limit and memory of both limits, as of the snapshot."""
    snapshot = maker.snapshot(after_ms=1_234)
    last = read(maker, answer(check_evaluation(failing, snapshot).body["metadata"]))
    assert isinstance(last, LastStanding)
    assert last.as_of_ms == snapshot.as_of_ms
    standing = last.standing
    for name in ("level", "since_ms", "reason", "value", "limit", "breaches"):
        assert getattr(standing, name) == getattr(failing, name), name


def test_a_check_that_remembers_nothing_comes_back_so(maker):
    """A pass without a breach has no such entry."""
    metadata = check_evaluation(maker.verdict(), maker.snapshot()).body["metadata"]
    assert "breaches" not in metadata
    standing = read(maker, answer(metadata)).standing
    assert (standing.level, standing.breaches) == (Level.PASS, {})


def test_what_somebody_else_wrote_is_passed_over(maker, failing):
    """Runs, replays, other streams, checks without a word, and what is not whole."""
    metadata = check_evaluation(failing, maker.snapshot()).body["metadata"]
    others = [
        {**metadata, "replayed_from": "2026-01-31T12:34:56.789Z"},
        {**metadata, "stream": "returns"},
        {**metadata, "level": "green"},
        {**metadata, "since": "yesterday"},
        {**metadata, "breaches": {"fail": {"since_ms": "now"}}},
        {**metadata, "breaches": {"fail": {"from_tomorrow": 1}}},
        {**metadata, "breaches": [1]},
        {name: value for name, value in metadata.items() if name != "as_of"},
        None,
    ]
    for other in others:
        assert read(maker, answer(other)) is None, other
    assert read(maker, answer(metadata, run_id="5f0c")) is None
    assert read(maker, answer(*others, metadata)).standing.level is Level.FAIL


def test_the_newest_one_counts(maker, failing):
    """Dagster tells it first."""
    older = replace(failing, level=Level.PASS)
    told = [check_evaluation(each, maker.snapshot()).body["metadata"] for each in (failing, older)]
    assert read(maker, answer(*told)).standing.level is Level.FAIL


@pytest.mark.parametrize("data", [None, [], {}, {"check0": 3}, {"check0": [{}]}])
def test_another_answer_is_told(maker, data):
    """Rather than taken for checks without a standing."""
    with pytest.raises(AnswerError):
        read(maker, json.dumps({"data": data}).encode())


def test_the_question_names_each_check(maker):
    """By variables, so that no name can be taken for a part of the query."""
    checks = [(maker.asset_key, 'a"b'), (maker.letters_key, "no_dead_letters")]
    question = standings_question(checks)
    assert question["variables"] == {
        "key0": {"path": list(maker.asset_key)},
        "name0": 'a"b',
        "key1": {"path": list(maker.letters_key)},
        "name1": "no_dead_letters",
    }
    assert '"' not in question["query"]
