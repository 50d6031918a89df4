"""How the records of one dead letter topic are to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEUE_HEADERS: Final = (
    "retry-count",
    "retry_count",
    "x-retry-count",
    "retries",
    "x-retries",
    "retry-attempt",
    "x-retry-attempt",
)
"""What programs write that put a record back to be tried again, in lower case."""


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """What is configured of a dead letter topic, where its records do not say it."""

    source_topics: tuple[str, ...] = ()
    """Topics whose records end here. A single one is the origin of all that name none."""
    consumer_group: str | None = None
    """Of all records that name none."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header name (lower case) by field of `DeadLetter`, or `stacktrace` or `cause_class`."""
    is_retry_topic: bool | None = None
    """Whether all records are being tried again; None: as the topic's name says."""
    requeue_headers: tuple[str, ...] = REQUEUE_HEADERS
    """Lower case. A record of no dialect that has one of these was put back to be tried again."""
