"""The status document of a gauge (docs/status.md), as far as reports are made of it."""

# pydantic resolves the annotations of these fields, so they must not be turned into text.

import json
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from streamgauge.model import GroupStatus, LagBound, Level

TEXT_MAX: Final = 1_000
"""Characters of a text that are kept."""
DO: Final = "name the address of a gauge's status document, http://host:port/status"
"""What to do where something else answers."""


class StatusError(RuntimeError):
    """There is no status to report; says where it was asked for, why, and what to do."""


def _clean(value: object) -> object:
    """A text that any store behind Dagster can hold."""
    if not isinstance(value, str):
        return value
    return value.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")[:TEXT_MAX]


_Text: TypeAlias = Annotated[str, BeforeValidator(_clean)]
_Count: TypeAlias = Annotated[int, Field(ge=0)]
_Seconds: TypeAlias = Annotated[float, Field(ge=0)]
_AssetKey: TypeAlias = Annotated[tuple[_Text, ...], Field(min_length=1)]


class _Part(BaseModel):
    """A part of the document; what is not known to it is left alone."""

    model_config = ConfigDict(allow_inf_nan=False, frozen=True, hide_input_in_errors=True)


class Partition(_Part):
    """How far a partition is counted."""

    next_offset: _Count


class GroupPartition(_Part):
    """A consumer group on one partition."""

    lag: _Count | None


class Group(_Part):
    """A consumer group."""

    status: GroupStatus
    lag: _Count | None
    lag_bound: LagBound
    time_lag_seconds: _Seconds | None
    time_lag_bound: LagBound
    as_of_ms: _Count | None
    partitions: Mapping[int, GroupPartition]

    @property
    def known_lag(self) -> int | None:
        """The lag, or what of it is known; nothing known, and a known part of 0, are None."""
        if self.lag is not None:
            return self.lag
        return sum(each.lag or 0 for each in self.partitions.values()) or None


class DeadLetterTopic(_Part):
    """A dead letter topic."""

    asset_key: _AssetKey
    dead_letters: _Count
    last_arrival_ms: _Count | None
    partitions: Mapping[int, Partition]

    @property
    def total(self) -> int:
        """What the topic's own records amount to."""
        return self.dead_letters


class Totals(_Part):
    """What is counted."""

    records: _Count
    dead_letters: _Count


class Blind(_Part):
    """What the gauge cannot vouch for."""

    what: _Text
    since_ms: _Count
    reason: _Text


class Verdict(_Part):
    """What a check says."""

    asset_key: _AssetKey
    level: Level
    reason: _Text
    value: float | None
    unit: _Text
    limit: float | None
    since_ms: _Count


class Check(Verdict):
    """What a check says; of several assets the worst one, then the others."""

    others: tuple[Verdict, ...]


class Stream(_Part):
    """One stream."""

    asset_key: _AssetKey
    life: _Text
    life_start_ms: _Count
    life_reason: _Text | None
    as_of_ms: _Count
    last_record_ms: _Count | None
    completeness: Annotated[float, Field(ge=0, le=1)] | None
    blind: tuple[Blind, ...]
    partitions: Mapping[int, Partition]
    groups: Mapping[_Text, Group]
    dead_letters: Mapping[_Text, DeadLetterTopic]
    totals: Totals
    checks: Mapping[_Text, Check]

    @property
    def total(self) -> int:
        """What the topic's own records amount to."""
        return self.totals.records

    @property
    def topics(self) -> "tuple[Topic, ...]":
        """The stream's own topic, then its dead letter topics."""
        return (self, *self.dead_letters.values())


Topic: TypeAlias = Stream | DeadLetterTopic
"""What is observed: a stream, or one of its dead letter topics."""


class Status(_Part):
    """All streams of a gauge, by name."""

    contract: Annotated[Literal[1], Field(alias="schema")]
    as_of_ms: _Count
    streams: Mapping[_Text, Stream]


def read_status(place: str, content: bytes) -> Status:
    """The document that somebody has answered.

    Args:
        place: where it was asked for, as it may be told.
        content: the answer.

    Raises:
        StatusError: it is no status.
    """
    try:
        return Status.model_validate(json.loads(content))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        told = f"{'.'.join(map(str, first['loc'])) or 'the document'}: {first['msg']}"
    except (ValueError, RecursionError):
        told = "it is not JSON"
    raise StatusError(f"{place} answers what is no status ({told}): {DO}")
