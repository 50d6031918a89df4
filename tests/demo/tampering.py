"""Ways to falsify what a demo run has kept, each with the proofs that must notice it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Edit = Callable[[dict], None]


def log(program: str, event: str, edit: Edit | None, which: int = 100) -> Callable[[Path], None]:
    """Edit one line of a program's log, the one at `which` of this event; without edit drop it."""

    def tamper(folder: Path) -> None:
        path = folder / f"{program}.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        chosen = [line for line in lines if line["event"] == event][which]
        if edit is None:
            lines.remove(chosen)
        else:
            edit(chosen)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    return tamper


def document(name: str, edit: Edit) -> Callable[[Path], None]:
    """Edit a JSON document."""

    def tamper(folder: Path) -> None:
        told = json.loads((folder / name).read_text())
        edit(told)
        (folder / name).write_text(json.dumps(told))

    return tamper


def add(field: str, amount: int) -> Edit:
    """Add to a number."""

    def edit(line: dict) -> None:
        line[field] += amount

    return edit


def put(field: str, value: object) -> Edit:
    """Set a field."""

    def edit(line: dict) -> None:
        line[field] = value

    return edit


def _flip_sampled(line: dict) -> None:
    line["sampled"] = not line["sampled"]


def _commit_further(line: dict) -> None:
    partition = next(iter(line["offsets"]))
    line["offsets"][partition] += 1


def evaluation(topic: str, check: str, edit: Edit, which: int) -> Callable[[Path], None]:
    """Edit one evaluation as Dagster gave it back; 0 is the newest."""
    return document("dagster.json", lambda told: edit(told[topic]["checks"][check][which]))


def _level(level: str) -> Edit:
    return lambda told: told["metadata"].update(level=level)


def observation(topic: str, edit: Edit, which: int = 0) -> Callable[[Path], None]:
    """Edit one observation as Dagster gave it back; 0 is the newest."""
    return document("dagster.json", lambda told: edit(told[topic]["observations"][which]))


def _without_half(name: str) -> Callable[[Path], None]:
    def tamper(folder: Path) -> None:
        lines = (folder / name).read_bytes().splitlines(keepends=True)
        (folder / name).write_bytes(b"".join(lines[: len(lines) // 2]))

    return tamper


def metric(name: str, edit: Callable) -> Callable[[Path], None]:
    """Edit every point of a metric in all exports."""

    def tamper(folder: Path) -> None:
        path = folder / "otlp-metrics.txt"
        lines = []
        for line in path.read_bytes().splitlines():
            request = ExportMetricsServiceRequest.FromString(base64.b64decode(line))
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    for each in scope.metrics:
                        if each.name == name:
                            kind = each.WhichOneof("data")
                            for point in getattr(each, kind).data_points:
                                edit(point)
            lines.append(base64.b64encode(request.SerializeToString()))
        path.write_bytes(b"\n".join(lines) + b"\n")

    return tamper


def _one_more(point) -> None:
    point.as_int += 1


def _age_exemplars(point) -> None:
    for exemplar in point.exemplars:
        exemplar.as_double += 100.0


def _show(told: dict, *, passed: bool) -> None:
    for asset in told.values():
        for evaluations in asset["checks"].values():
            for each in evaluations:
                each.update(passed=passed, severity="WARN")


def _no_ages(told: dict) -> None:
    totals = told["metadata"]["detail"]["totals"]
    totals["unaged"] = totals["records"]
    totals["arrival_ages"] = {"sum_ms": 0, "buckets": ""}


def _put_int(point, value: int) -> None:
    point.as_int = value


def _fail_at(told: dict, value: int) -> None:
    told["metadata"].update(level="fail", value=value)


def _lags(told: dict, level: str, value: int) -> None:
    for each in told[ORDERS]["checks"]["lag__billing"]:
        if each["metadata"]["level"] == level:
            each["metadata"]["value"] = value


ORDERS, LETTERS = "orders.placed", "orders.placed.dlq"
COUNTS = {"every order once", "every report exact", "arrival ages", "event times", "records"}

TAMPERINGS = {
    "an order less": (
        log("producer", "sent", None),
        {*COUNTS, "orders of each phase", "age histograms", "nothing written", "traced orders"},
    ),
    "an order on another partition": (
        log("producer", "sent", lambda line: line.update(partition=(line["partition"] + 1) % 3)),
        {"every order once", "records", "orders of each phase", "nothing written"},
    ),
    "an order of another phase": (
        log("producer", "sent", put("phase", "recovery")),
        {"orders of each phase"},
    ),
    "an order that was older": (
        log("producer", "sent", add("event_ms", -600_000)),
        {"arrival ages", "age histograms"},
    ),
    "an order that was sampled or not": (
        log("producer", "sent", _flip_sampled),
        {"traced orders", "spans"},
    ),
    "a dead letter less": (
        log("fulfillment", "dead", None, 3),
        {"dead letters", "dead letter counts", "nothing written"},
    ),
    "a dead letter of another order": (
        log("billing", "dead", add("origin_offset", 1), 3),
        {"dead letters"},
    ),
    "dead letters without sampling": (
        log("fulfillment", "dead", _flip_sampled, 3),
        {"dead letter spans"},
    ),
    "a first dead letter that was earlier": (
        log("fulfillment", "dead", add("at_ms", -3_000), 0),
        {"dead letter told"},
    ),
    "evaluations that Dagster shows as passed": (
        document("dagster.json", lambda told: _show(told, passed=True)),
        {"dead letter told", "slow consumer seen"},
    ),
    "no ages at all": (observation(ORDERS, _no_ages), {"arrival ages"}),
    "no lag exported": (metric("kafka.consumer_group.lag", lambda p: _put_int(p, 0)), {"lag"}),
    "other numbers to plot": (
        observation(ORDERS, lambda told: told["metadata"].update(lag=9_999), 2),
        {"plotted numbers"},
    ),
    "other ages to plot": (
        observation(ORDERS, lambda told: told["metadata"].update(arrival_age_p99_seconds=1.0), 2),
        {"plotted numbers"},
    ),
    "a last dead letter that was later": (
        log("billing", "dead", add("at_ms", 4_000), -1),
        {"dead letter kept"},
    ),
    "a last commit less": (
        log("billing", "committed", None, -1),
        {"committed offsets", "lag"},
    ),
    "a commit that goes further": (
        log("fulfillment", "committed", _commit_further, -1),
        {"committed offsets", "lag"},
    ),
    "a lag that was never so great": (
        evaluation(ORDERS, "lag__billing", lambda e: _fail_at(e, 999), -1),
        {"no false alarm"},
    ),
    "a warning of the innocent": (
        evaluation(ORDERS, "lag__fulfillment", _level("warn"), 1),
        {"innocent group"},
    ),
    "a check that fails at the end": (
        evaluation(ORDERS, "fresh", _level("fail"), 0),
        {"well at the end"},
    ),
    "a report of other orders": (
        observation(ORDERS, lambda told: told["metadata"].update(records=7), 2),
        {"reports add up"},
    ),
    "a data version that stays": (
        document(
            "dagster.json",
            lambda told: [o.update(data_version="same") for o in told[ORDERS]["observations"]],
        ),
        {"data version"},
    ),
    "half of the spans": (_without_half("otlp-traces.txt"), {"spans"}),
    "other counts exported": (metric("streamgauge.records", _one_more), {"records"}),
    "other ages of exemplars": (metric("streamgauge.event.age", _age_exemplars), {"exemplars"}),
    "a gauge that crashed": (
        document("run.json", lambda run: run["gauge"].update(code=1)),
        {"clean stop"},
    ),
    "a topic that the gauge created": (
        document("run.json", put("new_topics", ["streamgauge-state"])),
        {"nothing written"},
    ),
    "a lag told too great": (
        document("dagster.json", lambda told: _lags(told, "fail", 999)),
        {"slow consumer seen"},
    ),
    "a recovery told too early": (
        document("dagster.json", lambda told: _lags(told, "pass", 51)),
        {"recovery seen"},
    ),
}
