"""Everything that is known of one stream at one moment, as the sinks are handed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamgauge.core.dead_letters.dead_letter import Kind
from streamgauge.model import GroupStatus

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from streamgauge.core.checks.standing import Breach
    from streamgauge.core.dead_letters.cause import CauseName
    from streamgauge.core.dead_letters.dead_letter import Address
    from streamgauge.core.totals import Totals
    from streamgauge.model import Blind, LagBound, Level


@dataclass(frozen=True, slots=True)
class PartitionView:
    """One partition of the stream's topic or of one of its dead letter topics."""

    topic: str
    partition: int
    start_position: int
    """First offset that the totals of this life can hold."""
    next_offset: int
    """Offset up to which records are folded into the totals."""
    end_offset: int | None
    as_of_ms: int | None
    """When a fetch was last answered: up to then the totals hold all that the broker gave."""
    totals: Totals
    """A copy that no longer grows."""
    topic_id: UUID | None = None
    """Kafka's id of the topic, as it is stored with the totals; None where that is unknown."""


@dataclass(frozen=True, slots=True)
class GroupPartitionView:
    """One consumer group on one partition; None is unknown."""

    committed_offset: int | None
    end_offset: int | None
    lag: int | None
    lag_bound: LagBound
    time_lag_seconds: float | None
    time_lag_bound: LagBound
    first_unread_offset: int | None = None
    """Of the first record that it has still to read; None where there is none, or unknown."""
    status: GroupStatus = GroupStatus.UNKNOWN


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a group works, as means over a look-back; None is unknown."""

    look_back_seconds: float | None = None
    in_per_second: float | None = None
    """Records that came."""
    out_per_second: float | None = None
    """Records that the group passed."""
    arrival_age_seconds: float | None = None
    """Of the records that it passed: event to arrival. A late producer makes it large."""
    processing_seconds: float | None = None
    """Of the same records: arrival to commit. A slow consumer makes it large."""
    processed_age_seconds: float | None = None
    """Of the same records: event to commit."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a group's lag is going; None is unknown, or will not happen at this rate."""

    lag_slope: float | None = None
    """Records per second, least squares over the look-back; 0 within the dead band."""
    time_lag_slope: float | None = None
    """Seconds per second, in the same way."""
    drain_seconds: float | None = None
    """Until nothing is left to read, while the lag shrinks."""
    breach_seconds: float | None = None
    """Until the nearest limit of the checks `lag` and `time_lag` is reached, while it grows; 0 if
    one is reached."""
    breach_of: str | None = None
    """The check whose limit that is."""
    breach_limit: float | None = None
    """That limit, in the unit of the check."""
    retention_seconds: float | None = None
    """Until retention deletes what the group has not read, while the time lag grows."""


@dataclass(frozen=True, slots=True)
class GroupView:
    """One consumer group on the stream's topic; lag is the sum over its partitions."""

    status: GroupStatus
    lag: int | None
    lag_bound: LagBound
    time_lag_seconds: float | None
    time_lag_bound: LagBound
    as_of_ms: int | None
    """When its committed offsets were last answered."""
    partitions: Mapping[int, GroupPartitionView]
    status_reason: str = "its committed offsets were not answered yet"
    """One sentence that a person on call understands."""
    status_since_ms: int | None = None
    """Since when the group has this status."""
    lost: int = 0
    """Records that retention deleted before the group read them, as this process has seen."""
    lost_recently: int = 0
    """Of these, what was seen within the last window length."""
    pace: Pace = Pace()
    forecast: Forecast = Forecast()


@dataclass(frozen=True, slots=True)
class Window:
    """What came in [start, end) of the reporter's wall clock."""

    start_ms: int
    end_ms: int
    totals: Totals
    """Totals at the end less totals at the start."""
    completeness: float | None
    """Share of the stream's partitions whose state was fresh at the end."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says now."""

    check: str
    """Name as Dagster shows it: `<measure>` or `<measure>__<group>`."""
    asset_key: tuple[str, ...]
    level: Level
    reason: str
    """One sentence that a person on call understands."""
    value: float | None
    """The measured value in `unit`; None where there is none."""
    unit: str
    limit: float | None
    """The limit that `level` is about: the breached one, or the nearest one not breached."""
    since_ms: int
    """Since when the check says this level."""
    breaches: Mapping[str, Breach] = field(default_factory=dict)
    """What is remembered of the limits `warn` and `fail`, of those of which there is something."""


@dataclass(frozen=True, slots=True)
class CauseView:
    """Dead letters of one cause: a consumer group, an error class and a masked message."""

    key: str
    """16 hex digits that stand for the cause."""
    consumer_group: str | None
    error_class: str
    """Without its package; `unclassified` where the records name none."""
    message: str | None
    """Masked; None where there is none, or where the cause holds many messages of its class."""
    recent: int
    """Dead letters within the last window length."""
    total: int | None = None
    """Of this life, as it is told; None where the totals count this cause among others."""
    kind: Kind = Kind.UNKNOWN
    reason: str | None = None
    """What speaks for it, in words."""
    identities: int = 0
    """Different keys of the recent ones, or addresses where there are no keys: at most so many."""
    times: int = 0
    """How often the one that came most often has come."""
    first_ms: int | None = None
    """Receipt of the first one that this process has seen."""
    last_ms: int | None = None
    origin: Address | None = None
    """Of the one that came most often, else of the last one."""
    trace_id: str | None = None
    """Of the last one whose trace is kept by its producer: 32 hex digits."""
    is_new: bool = False
    """Whether it was seen first in this life within the last window length."""


@dataclass(frozen=True, slots=True)
class OriginsView:
    """How the events of dead letters were found, for ages at death; since the process began."""

    by_address: int = 0
    """The stream's tail had read the original record."""
    by_fetch: int = 0
    """The original record was fetched."""
    by_trace: int = 0
    """The first sighting of the trace id on the stream."""
    by_letter: int = 0
    """What the dead letter itself says: most programs copy the headers of the original record."""
    unknown: int = 0
    """Nobody knows when the event happened, or when the dead letter arrived: it has no age."""
    awaited: int = 0
    """Still looked for."""


@dataclass(frozen=True, slots=True)
class SightingsView:
    """Trace ids that were seen first on the stream; since the process began."""

    size: int = 0
    """Places in the table."""
    asked: int = 0
    """Records and dead letters that were looked for in it."""
    answered: int = 0
    evicted: int = 0
    """Trace ids that others have pushed out."""


@dataclass(frozen=True, slots=True)
class DeadLetterTopicView:
    """One dead letter topic of the stream."""

    topic: str
    asset_key: tuple[str, ...]
    totals: Totals
    """Sum over its partitions."""
    recent: int
    """Dead letters that arrived within the last window length, up to `as_of_ms`."""
    last_arrival_ms: int | None
    """Receipt time of the newest dead letter of this life."""
    retrying_recent: int = 0
    """Records within the last window length that are being tried again, and not dead."""
    causes: tuple[CauseView, ...] = ()
    """Those with recent dead letters or a total, the most recent dead letters first; bounded."""
    cause_names: Mapping[str, CauseName] = field(default_factory=dict)
    """What each cause in the totals is called, by key."""
    origins: OriginsView = OriginsView()
    other_recent: int = 0
    """Recent dead letters of causes that have no place in `causes`."""
    new_causes: int = 0
    """Causes that were never seen in this life until the last window length."""
    last_window: Window | None = None
    """What came on this topic in the last window that ended."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How the counts of a stream are kept beyond the process that counts them."""

    group: str | None
    """Consumer group whose commits keep them; None while memory alone does."""
    reason: str | None = None
    """Why memory alone keeps them though a group was to; None where one does, or none was asked."""
    stored_ms: int | None = None
    """When something was stored last; None before the first time."""
    stored_bytes: int = 0
    """Text that this process has stored."""
    bytes_per_second: float | None = None
    """The same over the last minute."""
    largest_units: int | None = None
    """UTF-16 units of the largest partition's state; Kafka takes 4,096."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What the limits of a state had no place for, by kind; it is told, but not kept."""


@dataclass(frozen=True, slots=True)
class LedgerView:
    """What is remembered of the event times of a stream's records.

    Of what the limits have cost, all streams of a process tell the same.
    """

    exact_records: int = 0
    """Records whose event time is known exactly."""
    coarse_records: int = 0
    """Older records, whose event times are known within a bound."""
    dropped_records: int = 0
    """Records that a limit has dropped since the process began, of all its streams."""
    error_ms: int = 0
    """No processed age that this process has taken from it is wrong by more than this."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One stream at `as_of_ms`. Nothing in it changes any more, so threads may share it."""

    stream: str
    topic: str
    asset_key: tuple[str, ...]
    life: str
    """Identity of the span over which the totals grow."""
    life_start_ms: int
    as_of_ms: int
    totals: Totals
    """Sum over all partitions, dead letter topics included."""
    partitions: tuple[PartitionView, ...]
    """Of the stream's topic, ordered by partition; empty while the topic was never seen."""
    dead_letter_partitions: tuple[PartitionView, ...]
    dead_letters: tuple[DeadLetterTopicView, ...]
    groups: Mapping[str, GroupView]
    """By consumer group: those named in the configuration and those its patterns found."""
    watched_groups: tuple[str, ...]
    """Group names and patterns as configured."""
    window_ms: int
    """Length of a window."""
    last_window: Window | None
    """The last one that ended; None before the first."""
    listening_since_ms: int | None
    """Since when the gauge has seen the stream's topic without a break, or had until it went blind.

    None while it has never seen it.
    """
    last_record_ms: int | None
    """Receipt time of the newest record of this life."""
    completeness: float | None
    """Share of partitions (dead letter topics included) whose as-of time is at most 30 s old.

    None while it is not known how many partitions there are.
    """
    blind: tuple[Blind, ...]
    verdicts: tuple[Verdict, ...]
    resolution_ms: int
    """How much too large an arrival age of a CreateTime topic may be: the fetch wait."""
    keeping: Keeping
    life_reason: str | None = None
    """Why the life began, if this process began it after another one; else None."""
    groups_without_ages: frozenset[str] = frozenset()
    """Of these no processed ages are kept: their `aged`, `unaged`, `reprocessed` say nothing."""
    resumed: int = 0
    """How often this process has gone on in a life from what is stored."""
    ledger: LedgerView = LedgerView()
    """Of the stream's topic."""
    sightings: SightingsView | None = None
    """None where trace ids are not remembered."""
    processed_resolution_ms: int = 1_000
    """How much too large a processed age may be: how often committed offsets are asked for."""
