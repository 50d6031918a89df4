"""What people read in Dagster about an asset or a check, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from streamgauge.config.durations import format_duration
from streamgauge.config.event_time import FirstSightingTime, HeaderTime, PointerTime
from streamgauge.core.lag import is_pattern
from streamgauge_dagster.limits import limit_words, policy_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.config.event_time import EventTime
    from streamgauge.core.checks.reported import ReportedCheck
    from streamgauge.core.gauge import DeadLetterTopic, StreamPolicy

_READING: Final = (
    "A number that is not there is unknown; 0 means 0. Observing repeats the last report, "
    "which is no new data."
)


def stream_description(
    stream: StreamPolicy, checks: Sequence[ReportedCheck], period_ms: int
) -> str:
    """What the numbers of a stream mean, and what its checks demand."""
    numbers = {
        "`records`, `records_per_second`": "what came in the period of a report",
        "`arrival_age_p50_seconds`, `arrival_age_p99_seconds`": "how old events were on arrival",
    }
    if stream.groups:
        numbers["`lag`"] = "records that the worst consumer group has still to read"
    if stream.dead_letters:
        numbers["`dead_letters`"] = "what arrived in the dead letter topics"
    numbers["`completeness`"] = "below 1 these numbers lack something"
    return _described(f"Kafka topic `{stream.topic}`, {_reported(period_ms)}", numbers, checks)


def dead_letter_description(
    topic: DeadLetterTopic, stream: StreamPolicy, checks: Sequence[ReportedCheck], period_ms: int
) -> str:
    """What the numbers of a dead letter topic mean, and what its check demands."""
    numbers = {
        "`dead_letters`": "what arrived in the period of a report, also if it is gone",
        "`dead_letters_total`": "the same since counting began",
    }
    letters = f"Dead letters of `{stream.topic}` on Kafka topic `{topic.topic}`"
    return _described(f"{letters}, {_reported(period_ms)}", numbers, checks)


def polled_description(
    topic: str, period_ms: int, *, groups: bool = False, dead_letters_of: str | None = None
) -> str:
    """What the numbers of a topic mean that Dagster polls where no gauge measures it.

    Args:
        topic: its name.
        period_ms: time between two polls.
        groups: whether consumer groups are asked about.
        dead_letters_of: the topic whose dead letters these are.
    """
    numbers = {
        "`offsets`": "what was added to the log between two polls, markers of transactions too"
    }
    if groups:
        numbers |= {
            "`lag`": "records that the worst consumer group has still to read, at most",
            "`time_lag_seconds`": "age of the first record that a group has still to read",
        }
    numbers["`completeness`"] = "below 1 these numbers lack something"
    whose = f"Dead letters of `{dead_letters_of}` on Kafka" if dead_letters_of else "Kafka"
    every = format_duration(period_ms)
    first = f"{whose} topic `{topic}`, polled by Dagster every {every}: no gauge measures it."
    return _described(first, numbers, ())


def _reported(period_ms: int) -> str:
    return f"measured by streamgauge and reported every {format_duration(period_ms)}."


def _described(first: str, numbers: Mapping[str, str], checks: Sequence[ReportedCheck]) -> str:
    """One sentence, which the graph shows alone, and then the numbers and limits."""
    meanings = "\n".join(f"- {names}: {meaning}" for names, meaning in numbers.items())
    rows = [
        f"| `{each.name}` | {limit_words(each.check, each.policy.warn) or '-'} "
        f"| {limit_words(each.check, each.policy.fail) or '-'} |"
        for each in checks
    ]
    limits = "\n".join(["| check | warns | fails |", "|---|---|---|", *rows]) if rows else ""
    return "\n\n".join(part for part in (first, meanings, _READING, limits) if part)


def check_description(reported: ReportedCheck) -> str:
    """What a check measures and when it warns and fails."""
    check, group = reported.check, reported.group
    measured = check.description
    if group is not None:
        whose = "Consumer groups: the worst of" if is_pattern(group) else "Consumer group:"
        measured += f" {whose} `{group}`."
    words = "\n".join(f"- {words}" for words in policy_words(check, reported.policy))
    return f"{measured}\n\n{words}\n\nExecuting it repeats what the gauge reported last."


def event_time_description(entries: Sequence[EventTime]) -> str:
    """Where the time of an event is looked for, in order."""
    return ", else ".join(_event_time(entry) for entry in entries)


def _event_time(entry: EventTime) -> str:
    match entry:
        case HeaderTime():
            return f"header {entry.header}"
        case PointerTime():
            return f"{entry.pointer} in the value"
        case FirstSightingTime():
            return f"first sighting on {entry.first_sighting}"
        case _:
            return "timestamp of the record"
