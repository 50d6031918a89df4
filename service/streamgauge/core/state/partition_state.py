"""What is stored of a partition: how far it is read, what that amounts to, and how its groups do.

Everything here is a value: a histogram or a table inside must not be changed any more. A
`PartitionState` is made only of values that its text can hold (`validity.py`): arrival ages and
groups, or deaths, and not both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from streamgauge.core.histogram import Histogram
from streamgauge.core.state.validity import check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from streamgauge.model import GroupStatus, LagBound


class ProcessedAges(NamedTuple):
    """The ages at which a group had finished the records of the partition."""

    aged_to: int | None
    """Offset before which every record was aged or counted as unaged; None before the first."""
    ages: Histogram
    reprocessed: int = 0
    """Records passed again after a rewind."""
    unaged: int = 0
    """Records passed while nobody watched."""


class GroupState(NamedTuple):
    """One consumer group on the partition in this life."""

    highest_commit: int | None
    """Highest committed offset seen; None before the first."""
    committed: int
    """Offsets its commits moved forward, from the first commit seen in this life."""
    processed: ProcessedAges | None = None
    """None: of this group only commits are kept."""


class Cause(NamedTuple):
    """Dead letters of one cause."""

    class_name: str
    """Error class, for people; its start is cut off if it is long, and it may be empty."""
    dead_letters: int
    group: str | None = None
    """Key of the consumer group in which they died; None if unknown."""


class PresentLag(NamedTuple):
    """How far a group is behind on the partition at the state's as-of time; no total."""

    lag: int | None
    lag_bound: LagBound
    time_lag_ms: int | None
    time_lag_bound: LagBound
    status: GroupStatus


@dataclass(frozen=True, slots=True)
class NewerParts:
    """What a newer version wrote and this one carries on unread."""

    format_version: int
    """Format that it was written in."""
    reader: int
    """The oldest format whose readers may go on from it."""
    sections: tuple[tuple[int, bytes], ...]
    """Unknown sections by tag, ascending, as they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionState:
    """One partition in one life, up to a position. All counts only grow within the life."""

    topic_id: UUID | None = None
    """Kafka's id of the topic, which tells a recreated topic; None where the broker has none."""
    life: str
    """Identity of the span over which the totals grow, 16 hex digits."""
    life_start_ms: int
    start_position: int
    """First offset that the totals can hold."""
    position: int
    """Offset up to which records are counted; the offset of the commit that carries the state."""
    writer: str
    """Identity of the process that wrote it, 16 hex digits."""
    version: int
    """The writer's running number for this state."""
    as_of_ms: int | None = None
    """When the partition was last read to its end; None if never."""
    last_record_ms: int | None = None
    """When its newest record came; None if unknown."""
    forgotten: bool = False
    """The state was reset by hand: whoever finds it plants a new life by `start_from`."""

    records: int = 0
    bytes: int = 0
    unaged: int = 0
    negative: int = 0
    traced: int = 0
    sampled: int = 0
    dead_letters: int = 0
    undecodable: int = 0
    lost: int = 0
    event_times: Mapping[str, int] = field(default_factory=dict)
    """By name as `names.py` lists them; what counts nothing is absent."""
    unreadable_event_times: Mapping[str, int] = field(default_factory=dict)
    rejected_contexts: Mapping[str, int] = field(default_factory=dict)
    arrival_ages: Histogram = field(default_factory=Histogram)
    groups: Mapping[str, GroupState] = field(default_factory=dict)
    """By group key: at most 5 with processed ages and 16 without."""
    causes: Mapping[str, Cause] = field(default_factory=dict)
    """Dead letters by cause key: at most 20."""
    other_causes: int = 0
    """Dead letters of all other causes."""
    retrying: int = 0
    """Records of a dead letter topic that are being tried again."""
    death_ages: Histogram = field(default_factory=Histogram)
    """From the event to the arrival of the dead letter."""
    append_to_death: Histogram = field(default_factory=Histogram)
    """From the append of the original record to that arrival."""
    present_lags: Mapping[str, PresentLag] = field(default_factory=dict)
    """By group key: of `groups`, and of at most 8 others."""
    absent_topics: tuple[str, ...] = ()
    """Keys of the stream's topics that did not exist, at most 20; only partition 0 knows them."""
    newer: NewerParts | None = None
    """None unless a newer version has written here."""

    def __post_init__(self) -> None:
        check(self)

    def fits(self, *, dead_letters: bool) -> bool:
        """Whether a dead letter topic, or the stream's topic, can go on from what is counted."""
        if dead_letters:
            return not (self.records or self.groups)
        return not (self.dead_letters or self.retrying)
