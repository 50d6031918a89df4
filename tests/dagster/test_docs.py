"""The page about Dagster names every entry that is sent, and its definitions work."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from uuid import UUID

import pytest

from streamgauge.core.checks.standing import Breach
from streamgauge.core.report import dead_letter_report, report
from streamgauge.core.snapshot import Window
from streamgauge.core.totals import Totals
from streamgauge.dagster.payloads import (
    check_evaluation,
    dead_letter_observation,
    observation,
)
from streamgauge.events import Event

REPLAY = """
import dagster as dg

with dg.DagsterInstance.ephemeral() as instance:
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(["kafka", "orders_placed"]),
            check_name="fresh",
            passed=True,
            metadata={"reason": "as told"},
        )
    )
    job = defs.resolve_implicit_global_asset_job_def()
    run = job.execute_in_process(instance=instance)
    for told in sorted(run.get_asset_check_evaluations(), key=lambda told: told.check_name):
        print(told.check_name, told.passed, told.metadata["reason"].text)
"""


def section(docs, title):
    """The text under a heading."""
    return docs.split(f"\n## {title}\n")[1].split("\n## ")[0]


def named(text):
    """The names in the first column of a table with types."""
    rows = re.findall(r"^\| (`[^|]*) \| (?:Int|Float|Text|Json)", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


@pytest.fixture
def full(maker):
    """A snapshot of which everything is known."""
    groups = {"billing": maker.group_totals([5])}
    base = maker.snapshot(1, 1, after_ms=1_000)
    ages = maker.histogram([5])
    letters = Totals(dead_letters=1, death_ages=ages, append_to_death=ages)
    totals = base.totals + Totals(groups=groups)
    return replace(
        base,
        totals=totals,
        partitions=tuple(replace(each, topic_id=UUID(int=1)) for each in base.partitions),
        dead_letter_partitions=tuple(
            replace(each, topic_id=UUID(int=2)) for each in base.dead_letter_partitions
        ),
        last_window=Window(0, 1, totals, 1.0),
        listening_since_ms=0,
        last_record_ms=1,
        life_reason="the stored state was gone",
        groups={"billing": maker.group(1, time_lag_seconds=1.0)},
        dead_letters=(replace(base.dead_letters[0], totals=letters, last_arrival_ms=1),),
    )


def test_every_entry_of_a_stream_is_documented_and_no_other(dagster_md, full):
    """The table is the contract of what is plotted."""
    body = observation(report(full, None), full).body
    assert named(section(dagster_md, "Observation of a stream")) == body["metadata"].keys()
    table = section(dagster_md, "Detail")
    documented = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert documented == list(body["metadata"]["detail"])


def test_every_entry_of_a_dead_letter_topic_is_documented_and_no_other(dagster_md, full):
    """The same for dead letters."""
    view = full.dead_letters[0]
    body = dead_letter_observation(dead_letter_report(full, view, None), view, 0.5).body
    text = section(dagster_md, "Observation of a dead letter topic")
    as_above = re.search(r"and as above .*?\.\n", text, re.DOTALL)[0]
    told = named(text) | set(re.findall(r"`(\w+)`", as_above))
    assert told == body["metadata"].keys()
    detail = re.search(r"The observation of a dead letter topic has .*?\.\n", dagster_md, re.DOTALL)
    assert set(re.findall(r"`(\w+)`", detail[0])) == body["metadata"]["detail"].keys()


def test_every_entry_of_an_evaluation_is_documented_and_no_other(dagster_md, maker, full):
    """The same for checks."""
    breach = Breach(maker.start_ms, maker.start_ms, 5.0, counts=True)
    body = check_evaluation(maker.verdict(breaches={"warn": breach}), full).body
    assert named(section(dagster_md, "Evaluation of a check")) == body["metadata"].keys()


def test_events_are_those_of_the_log(dagster_md):
    """Every event about Dagster is explained there, by its name."""
    events = set(re.findall(r"`(dagster_\w+)`", dagster_md))
    known = {event.value for event in Event if event.value.startswith("dagster_")}
    assert events == known - {"dagster_recovered"}


def test_definitions_of_the_page_repeat_what_was_reported(page_definitions):
    """Executing a check of them invents no pass."""
    done = subprocess.run(
        [sys.executable, "-c", page_definitions + REPLAY],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    nothing = "nothing was reported yet: is the gauge running with this configuration?"
    of_groups = ("data_loss", "forecast", "group_status", "lag", "processed_age", "time_lag")
    groups = [f"{check}__{group}" for check in of_groups for group in ("billing__", "fulfillment")]
    missing = [
        *("arrival_age", "dead_letter_share", *groups),
        *("no_dead_letters", "no_new_cause", "throughput"),
    ]
    assert done.stdout.splitlines() == sorted(
        [*(f"{check} False {nothing}" for check in missing), "fresh True as told"]
    )
