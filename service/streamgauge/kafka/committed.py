"""What coordinators say of committed offsets, told as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streamgauge.kafka.answers import (
    COORDINATOR_MOVES,
    GROUP_AUTHORIZATION_FAILED,
    TOPIC_AUTHORIZATION_FAILED,
    Forbidden,
    Retry,
    describe_error,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Committed:
    """What a group has committed on one topic, as one answer said it."""

    offsets: Mapping[int, int | None]
    """By partition; None: nothing is committed. A partition that had an error is absent."""
    metadata: Mapping[int, str]
    """The text beside each committed offset."""


def read_offset_fetch(response: Any, group: str, topic: str) -> Committed | Retry | Forbidden:  # noqa: ANN401 - untyped aiokafka
    """Read an OffsetFetch response, version 1 to 3, that was asked for one group and topic.

    A group, topic or partition that does not exist cannot be told from one without commits: all
    are answered without error and without an offset.
    """
    code = getattr(response, "error_code", 0)  # version 1 tells it per partition
    rows = [row for name, rows in response.topics for row in rows if name == topic]
    return _read_commits(code, rows, group, topic)


def read_offsets_of_groups(
    response: Any,  # noqa: ANN401 - untyped aiokafka
    groups: Iterable[str],
    topic: str,
) -> dict[str, Committed | Retry | Forbidden]:
    """Read an OffsetFetch response, version 8, that was asked for these groups and one topic.

    Each group is read by the rules of `read_offset_fetch`.
    """
    told = {group: (code, topics) for group, topics, code, *_ in response.groups}
    answers = {}
    for group in groups:
        code, topics = told.get(group, (0, ()))
        rows = [
            (partition, offset, text, error)
            for name, rows, _ in topics
            if name == topic
            for partition, offset, _, text, error, _ in rows
        ]
        answers[group] = _read_commits(code, rows, group, topic)
    return answers


def _read_commits(
    code: int, rows: Sequence[tuple[int, int, str | None, int]], group: str, topic: str
) -> Committed | Retry | Forbidden:
    """Apply the rules; a row is partition, offset, metadata and error code."""
    for problem in (code, *(row[3] for row in rows)):
        if problem in COORDINATOR_MOVES:
            return Retry(f"group {group}: {describe_error(problem)}")
        if problem == GROUP_AUTHORIZATION_FAILED:
            return Forbidden(f"DESCRIBE on group {group}")
        if problem == TOPIC_AUTHORIZATION_FAILED:
            return Forbidden(f"DESCRIBE on topic {topic}")
    answered = [(partition, offset, text) for partition, offset, text, error in rows if not error]
    if not answered:
        problem = code or next((row[3] for row in rows), 0)
        return Retry(f"group {group}: {describe_error(problem) if problem else 'empty answer'}")
    return Committed(
        offsets={partition: offset if offset >= 0 else None for partition, offset, _ in answered},
        # librdkafka's Python client ends the text with a NUL
        metadata={partition: (text or "").rstrip("\0") for partition, _, text in answered},
    )
