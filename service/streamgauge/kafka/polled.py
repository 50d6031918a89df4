"""What one poll of a tail brings: records as columns, where it stands, and what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from streamgauge.kafka.answers import Forbidden
from streamgauge.kafka.salvage import Undecodable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streamgauge.model import Columns


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the tail stands on one partition."""

    next_offset: int
    end_offset: int | None
    """As the last answered fetch said it; None before the first."""
    answered_ms: int | None
    """When the last answered fetch arrived; None before the first."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Retention or a deletion overtook the tail: it goes on at the start offset."""

    partition: int
    offset: int
    """Where the loss begins."""
    records: int
    """Offsets that are gone; at most as many records."""


@dataclass(frozen=True, slots=True)
class Truncated:
    """The log ends before the tail's position: it goes on at the end offset.

    That is a broker that lost records, or a topic that was deleted and created again; a topic id
    tells which.
    """

    partition: int
    next_offset: int
    """Where the tail was."""
    end_offset: int
    """Where it goes on."""


Notice: TypeAlias = Lost | Truncated | Undecodable | Forbidden


@dataclass(frozen=True, slots=True)
class Polled:
    """One poll."""

    columns: Sequence[Columns]
    """At most one for each partition. One without rows: only control records or aborted data."""
    progress: Mapping[int, Progress]
    """By partition, for all of them."""
    notices: Sequence[Notice]
