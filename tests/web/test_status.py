"""How snapshots are rendered, without any server."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

from streamgauge.core.growing import Growing
from streamgauge.core.histogram import Histogram
from streamgauge.core.totals import Totals
from streamgauge.model import GroupStatus, LagBound, Level
from streamgauge.web.status import STALE_AFTER_MS, histogram, status, totals

if TYPE_CHECKING:
    from streamgauge.core.snapshot import Snapshot
    from streamgauge.model import SinkHealth


def _stream(snapshot: Snapshot, now_ms: int | None = None) -> dict:
    now_ms = snapshot.as_of_ms if now_ms is None else now_ms
    return status([snapshot], [], now_ms)["streams"]["orders"]


def _histogram(*ages_ms: int) -> Histogram:
    ages = Histogram()
    ages.fold(np.array(ages_ms, dtype=np.int64))
    return ages


@pytest.mark.parametrize(
    ("ages_ms", "zero_count", "length", "last"),
    [
        ([], 0, 0, None),
        ([0, 0], 2, 0, None),  # whole milliseconds below the layout: only 0
        ([1], 0, 1, -80),  # the first bucket reaches from 2**-10 s to about 1.06 ms
        ([1_000], 0, 80, -1),  # 1 s is the upper bound of (2**(-1/8), 2**0]
        ([1_000, 1_001], 0, 81, 0),
        ([1 << 18, 262_144_000], 0, 224, 143),  # 2**18 s is the layout's end
        ([262_144_001], 0, 225, 144),  # and what is above it is told in one more bucket
    ],
)
def test_histogram_layout(
    ages_ms: list[int], zero_count: int, length: int, last: int | None
) -> None:
    """Zeros at the end are left out, and the last entry has the index that OTLP gives it."""
    told = histogram(_histogram(*ages_ms))
    assert told["count"] == len(ages_ms)
    assert told["sum_seconds"] == sum(ages_ms) / 1000
    assert (told["scale"], told["offset"]) == (3, -80)
    assert told["zero_count"] == zero_count
    assert len(told["bucket_counts"]) == length
    assert told["zero_count"] + sum(told["bucket_counts"]) == len(ages_ms)
    if last is not None:
        assert told["offset"] + len(told["bucket_counts"]) - 1 == last


@pytest.mark.parametrize("age_ms", [1, 7, 999, 1_000, 1_001, 60_000, 86_400_000, 262_144_000])
def test_histogram_buckets_hold_their_ages(age_ms: int) -> None:
    """An age lies within the bounds that a reader computes from scale, offset and position."""
    told = histogram(_histogram(age_ms))
    index = told["offset"] + told["bucket_counts"].index(1)
    assert 2 ** (index / 8) < age_ms / 1000 <= 2 ** ((index + 1) / 8)


def test_quantiles_are_unknown_without_ages() -> None:
    """No age has no quantile; it is not 0."""
    told = histogram(Histogram())
    assert [told[f"p{q}_seconds"] for q in (50, 90, 99)] == [None, None, None]


def test_quantiles() -> None:
    """Each quantile comes from its own rank."""
    told = histogram(_histogram(*[1_000] * 80, *[10_000] * 15, *[100_000] * 5))
    assert told["p50_seconds"] == pytest.approx(1, rel=0.09)
    assert told["p90_seconds"] == pytest.approx(10, rel=0.09)
    assert told["p99_seconds"] == pytest.approx(100, rel=0.09)


def test_every_field_of_a_table_is_told_by_its_type() -> None:
    """A field that a table gains appears without a change here."""

    @dataclass(slots=True)
    class Inner(Growing):
        seen: int = 0
        ages: Histogram = field(default_factory=Histogram)

    @dataclass(slots=True)
    class Table(Growing):
        new_count: int = 3
        new_ages: Histogram = field(default_factory=Histogram)
        by_cause: dict[str, int] = field(default_factory=lambda: {"poison": 2})
        by_name: dict[str, Inner] = field(
            default_factory=lambda: {"a": Inner(1), "b": Inner(2, _histogram(1_000))}
        )

    told = totals(Table())
    assert told["new_count"] == 3
    assert told["new_ages"]["count"] == 0
    assert told["by_cause"] == {"poison": 2}
    assert told["by_name"]["a"] == {"seen": 1, "ages": None}
    assert told["by_name"]["b"]["ages"]["count"] == 1


def test_document_is_plain_json(snapshot: Snapshot, sinks: list[SinkHealth]) -> None:
    """What is rendered survives JSON unchanged: keys are texts and numbers are numbers."""
    document = status([snapshot], sinks, snapshot.as_of_ms)
    assert orjson.loads(orjson.dumps(document)) == document


def test_stream_without_anything(snapshot: Snapshot) -> None:
    """Before the topic was seen, all is unknown or empty and nothing is made up."""
    empty = replace(
        snapshot,
        totals=Totals(),
        partitions=(),
        dead_letter_partitions=(),
        dead_letters=(),
        groups={},
        last_window=None,
        listening_since_ms=0,
        last_record_ms=None,
        completeness=None,
        blind=(),
        verdicts=(),
    )
    told = _stream(empty)
    assert told["completeness"] is None
    assert told["last_window"] is None
    assert told["last_record_ms"] is None
    assert told["partitions"] == told["groups"] == told["checks"] == told["sinks"] == {}
    assert told["totals"]["records"] == 0


def test_stream(snapshot: Snapshot) -> None:
    """The parts stand where readers look for them."""
    told = _stream(snapshot)
    assert told["completeness"] == 0.5
    assert told["blind"] == [
        {
            "what": "partition 1",
            "since_ms": snapshot.blind[0].since_ms,
            "reason": "no fetch was answered",
        }
    ]
    assert told["partitions"]["0"]["next_offset"] == told["partitions"]["0"]["end_offset"] == 100
    assert told["partitions"]["1"]["end_offset"] is None
    group = told["groups"]["fulfillment"]
    assert (group["status"], group["lag"], group["lag_bound"]) == ("LAGGING", 10, "exact")
    assert (group["time_lag_seconds"], group["time_lag_bound"]) == (42.5, "lower")
    assert group["partitions"]["0"]["committed_offset"] == 90
    assert group["partitions"]["1"]["lag"] is None
    assert told["totals"]["groups"]["fulfillment"]["aged"]["count"] == 1
    assert told["totals"]["groups"]["billing"] == {
        "committed": 0,
        "aged": None,
        "reprocessed": 0,
        "unaged": 0,
    }
    assert told["last_window"]["totals"]["records"] == 2
    assert (told["resolution_ms"], told["processed_resolution_ms"]) == (500, 1_000)
    assert told["ledger"] == {
        "exact_records": 7,
        "coarse_records": 512,
        "dropped_records": 3,
        "error_ms": 9,
    }
    assert told["dead_letters"]["orders.placed.dlq"]["dead_letters"] == 3
    assert told["first_sightings"] == {"size": 1024, "asked": 12, "answered": 11, "evicted": 5}
    assert told["dead_letters"]["orders.placed.dlq"]["partitions"]["0"]["next_offset"] == 3
    assert told["checks"]["lag__fulfillment"]["level"] == "pass"
    assert told["checks"]["lag__fulfillment"]["asset_key"] == ["kafka", "orders_placed"]
    assert told["checks"]["fresh"]["value"] is None


def test_dead_letters(snapshot: Snapshot) -> None:
    """Why they died, how late, and what is no dead letter."""
    told = _stream(snapshot)["dead_letters"]["orders.placed.dlq"]
    assert (told["dead_letters"], told["retrying"], told["other_causes"]) == (3, 1, 1)
    assert (told["recent"], told["retrying_recent"], told["other_recent"]) == (2, 1, 4)
    assert told["death_ages"]["p50_seconds"] == pytest.approx(60, rel=0.044)
    assert told["append_to_death"]["sum_seconds"] == 5.0
    assert (told["new_causes"], told["origins"]["by_letter"]) == (1, 4)
    poison, unclassified = told["causes"]
    assert poison["error_class"] == "InvalidAmountException"
    assert (poison["consumer_group"], poison["message"]) == ("billing", "amount <n> is negative")
    assert (poison["kind"], poison["reason"]) == (
        "poison",
        "poison: orders.placed-2@4711, third time",
    )
    assert poison["origin"] == {"topic": "orders.placed", "partition": 2, "offset": 4711}
    assert (poison["recent"], poison["total"], poison["is_new"]) == (2, 2, True)
    assert (unclassified["kind"], unclassified["total"]) == ("unknown", None)
    assert unclassified["consumer_group"] is unclassified["origin"] is unclassified["trace_id"]


def test_totals_of_causes_are_by_their_keys(snapshot: Snapshot) -> None:
    """Those of the causes that are told by name."""
    told = _stream(snapshot)
    (cause, _) = told["dead_letters"]["orders.placed.dlq"]["causes"]
    assert told["totals"]["causes"] == {cause["key"]: cause["total"]}


def test_sinks_are_told_under_every_stream(snapshot: Snapshot, sinks: list[SinkHealth]) -> None:
    """A sink is the process's, so that each stream shows the same."""
    document = status([snapshot, replace(snapshot, stream="carts")], sinks, snapshot.as_of_ms)
    for name in ("orders", "carts"):
        told = document["streams"][name]["sinks"]
        assert told["dagster"]["last_error"] == "connection refused"
        assert told["dagster"]["last_delivered_ms"] is None
        assert told["otlp"]["delivered"] == 12


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_is_none_is_unknown(snapshot: Snapshot, number: float) -> None:
    """NaN and infinity have no place in JSON and no meaning for a reader."""
    group = replace(snapshot.groups["fulfillment"], time_lag_seconds=number)
    told = _stream(replace(snapshot, completeness=number, groups={"fulfillment": group}))
    assert told["completeness"] is None
    assert told["groups"]["fulfillment"]["time_lag_seconds"] is None


def test_elements_of_arrays_are_numbers(snapshot: Snapshot) -> None:
    """A value that came out of a column is told like any other."""
    partition = replace(snapshot.partitions[0], next_offset=np.int64(7))
    told = _stream(
        replace(snapshot, partitions=(partition,), totals=Totals(records=np.int64(3))),
    )
    assert told["partitions"]["0"]["next_offset"] == 7
    assert orjson.dumps(told)


def test_same_check_on_several_assets(snapshot: Snapshot) -> None:
    """The worst verdict is told under the name, and none is left out."""
    first = replace(snapshot.verdicts[0], check="no_dead_letters", asset_key=("a",))
    verdicts = (
        first,
        replace(first, asset_key=("b",), level=Level.FAIL, reason="2 dead letters"),
        replace(first, asset_key=("c",), level=Level.UNKNOWN),
    )
    check = _stream(replace(snapshot, verdicts=verdicts))["checks"]["no_dead_letters"]
    assert (check["level"], check["asset_key"]) == ("fail", ["b"])
    assert [(o["level"], o["asset_key"]) for o in check["others"]] == [
        ("unknown", ["c"]),
        ("pass", ["a"]),
    ]


def test_single_check_has_no_others(snapshot: Snapshot) -> None:
    """The key is there, so that readers need no second way."""
    assert _stream(snapshot)["checks"]["fresh"]["others"] == []


def test_fresh_snapshot_is_told_as_it_is(snapshot: Snapshot) -> None:
    """At exactly 30 s it is still fresh."""
    told = _stream(snapshot, snapshot.as_of_ms + STALE_AFTER_MS)
    assert told == _stream(snapshot)


def test_stale_snapshot_is_blind(snapshot: Snapshot) -> None:
    """What nobody has renewed is not healthy, and what failed goes on failing."""
    failing = replace(snapshot.verdicts[0], check="failing", level=Level.FAIL)
    snapshot = replace(snapshot, verdicts=(*snapshot.verdicts, failing), completeness=1.0)
    told = _stream(snapshot, snapshot.as_of_ms + STALE_AFTER_MS + 1)
    assert told["completeness"] == 0.0
    assert told["blind"][-1]["what"] == "stream orders"
    assert told["blind"][-1]["since_ms"] == snapshot.as_of_ms
    assert told["checks"]["lag__fulfillment"]["level"] == "unknown"
    assert told["checks"]["lag__fulfillment"]["since_ms"] == snapshot.as_of_ms
    assert told["checks"]["failing"]["level"] == "fail"
    assert told["groups"] == _stream(snapshot)["groups"]


@pytest.mark.parametrize("level", list(Level))
def test_levels_are_told_in_lower_case(snapshot: Snapshot, level: Level) -> None:
    """As the contract has them."""
    told = _stream(replace(snapshot, verdicts=(replace(snapshot.verdicts[0], level=level),)))
    assert told["checks"]["lag__fulfillment"]["level"] == level.value


@pytest.mark.parametrize("group_status", list(GroupStatus))
@pytest.mark.parametrize("bound", list(LagBound))
def test_group_words(snapshot: Snapshot, group_status: GroupStatus, bound: LagBound) -> None:
    """Statuses and bounds are told by their values."""
    group = replace(snapshot.groups["fulfillment"], status=group_status, lag_bound=bound)
    told = _stream(replace(snapshot, groups={"g": group}))["groups"]["g"]
    assert (told["status"], told["lag_bound"]) == (group_status.value, bound.value)
