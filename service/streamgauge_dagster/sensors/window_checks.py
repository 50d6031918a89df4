"""What the checks of a stream said while a window was filled: the worst of it, once.

Dagster stores one evaluation of a partition that no run has made, and refuses a second one: its
table has one row for each check, run and partition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from streamgauge.core.markdown import as_markdown
from streamgauge.core.wording import duration, moment
from streamgauge.model import Level
from streamgauge_dagster.reports import is_report, newest_rows, recorded_seconds
from streamgauge_dagster.sensors.level import level_of, reason_of, severity_of
from streamgauge_dagster.sensors.metadata import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Judged = tuple[dg.AssetCheckEvaluation, float]
    """An evaluation, and when the gauge judged so (seconds)."""

EVALUATIONS_MAX: Final = 5_000
"""Evaluations of one check that are looked at: a day of one every 20 s."""

_RANK: Final = {level: rank for rank, level in enumerate(Level)}  # from best to worst
_NUMBERS: Final = ("value", "limit", "unit")


def evaluated_windows(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> set[str]:
    """Windows whose check was evaluated outside of a run, among the newest evaluations."""
    return {
        row.partition
        for row in newest_rows(instance, check)
        if row.partition is not None and not row.run_id
    }


def judged_since(
    instance: dg.DagsterInstance, check: dg.AssetCheckKey, since_seconds: float
) -> list[Judged]:
    """What a gauge said of a check, the newest first, back to what held at a moment.

    Of very many evaluations the newest are given.
    """
    found: list[Judged] = []
    for row in newest_rows(instance, check, EVALUATIONS_MAX):
        evaluation = row.evaluation
        if evaluation is not None and is_report(row.run_id, evaluation):
            as_of = seconds(evaluation.metadata, "as_of")
            found.append((evaluation, recorded_seconds(row) if as_of is None else as_of))
            if found[-1][1] <= since_seconds:
                break
    return found


def window_evaluation(
    check: dg.AssetCheckKey,
    partition: str,
    histories: Mapping[str, Sequence[Judged]],
    between: tuple[float, float],
    silent_after_ms: int,
) -> dg.AssetCheckEvaluation:
    """The worst that was said from the start of a window until it had waited for what is late.

    A check that said nothing for too long is unknown then.

    Args:
        check: of the window.
        partition: key of the window.
        histories: of the checks of the stream and its dead letter topics that it sums up, by name,
            as `judged_since` gives them; at least one.
        between: start of the window, and the end of its waiting, since the epoch.
        silent_after_ms: how long a check may say nothing.
    """
    start, end = between
    said = [
        each
        for name, history in histories.items()
        for each in _said(name, history, start, end, silent_after_ms / 1000)
    ]
    level, reason, numbers = max(said, key=lambda each: _RANK[each[0]])
    value = dg.MetadataValue
    return dg.AssetCheckEvaluation(
        asset_key=check.asset_key,
        check_name=check.name,
        partition=partition,
        passed=level is Level.PASS,
        severity=severity_of(level),
        description=as_markdown(reason),
        metadata={
            "reason": value.text(reason),
            "level": value.text(level.value),
            **numbers,
            "since": value.timestamp(start),
            "as_of": value.timestamp(end),
        },
    )


def _said(
    name: str, history: Iterable[Judged], start: float, end: float, silent_after: float
) -> Iterator[tuple[Level, str, dict[str, dg.MetadataValue[Any]]]]:
    """What one check said from `start` to `end`, and when it said nothing; never empty."""
    after = end
    for evaluation, at in history:
        if at > end:
            continue
        silent = after - at > silent_after
        if silent:
            yield _silence(name, max(at, start), after)
        if silent and at < start:
            return
        numbers = {n: evaluation.metadata[n] for n in _NUMBERS if n in evaluation.metadata}
        level, when = level_of(evaluation), moment(round(1000 * at))
        yield level, f"at {when}: {reason_of(evaluation)}", numbers
        if at <= start:
            return
        after = at
    yield _silence(name, start, after)


def _silence(
    name: str, start: float, end: float
) -> tuple[Level, str, dict[str, dg.MetadataValue[Any]]]:
    lasted = duration(round(1000 * (end - start)))
    since = moment(round(1000 * start))
    return (
        Level.UNKNOWN,
        f"{name} is not known to have said anything for {lasted}, from {since}",
        {},
    )
