"""The pattern of a cause's dead letters: which records they are, how often and how close together.

A batch that died as a whole is one failure, however many dead letters it has become.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from streamgauge.core.dead_letters.dead_letter import Kind

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from streamgauge.core.dead_letters.burst import Run
    from streamgauge.core.dead_letters.dead_letter import Address

AT_ONCE_MS: Final = 60_000
"""Failures within this came at once."""

Identity: TypeAlias = "int | Address | tuple[int, int]"
"""Which record a dead letter is: hash of its key, else origin, else where it lies itself."""


class Seen(NamedTuple):
    """What is remembered of one dead letter."""

    at_ms: int
    died_ms: int
    """When it failed, or was received where nobody knows that."""
    identity: Identity
    origin: Address | None
    """Its topic may be unknown; None where its partition or offset is."""
    run: Run | None
    kind: Kind

    @property
    def has_key(self) -> bool:
        """Whether it has a key."""
        return isinstance(self.identity, int)

    @property
    def says_which(self) -> bool:
        """Whether another dead letter of the same record would be known as such."""
        return self.has_key or self.origin is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Consecutive offsets that died in one moment."""

    topic: str | None
    partition: int | None
    first: int
    last: int
    times: int = 1
    """How often one of its records has come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What the recent dead letters of one cause look like, as of the last of them."""

    letters: int
    """Those that were looked at: the last ones, if there are too many."""
    has_more: bool = False
    """Whether there are more than were looked at."""
    kind: Kind = Kind.UNKNOWN
    """What class and stage say of more than half of them."""
    identities: int
    """Different keys, or records where there are no keys."""
    have_keys: bool = True
    """Whether all have keys."""
    batches: tuple[Batch, ...] = ()
    in_batches: int = 0
    """Dead letters that are part of a batch."""
    failures: int = 0
    """Different keys or records outside batches, and batches."""
    at_once: int = 0
    """Most of these within a minute, without records of which nobody knows which they are."""
    mostly_different: bool = True
    """Whether more than half of those outside batches are of different records."""
    top_letters: int = 0
    """Outside batches: dead letters of the key or record that came most often."""
    top_times: int = 0
    """How often that one has come, also before the recent ones."""
    top_origin: Address | None = None
    """Where the last one of these came from."""
    top_is_one_record: bool = True
    """Whether all of these have come from there."""


def pattern_of(
    recent: Sequence[Seen], times: Mapping[Identity, int], runs: Sequence[Run], *, has_more: bool
) -> Pattern:
    """Look at dead letters of one cause.

    Args:
        recent: in the order of receipt; at least one.
        times: how often each of their identities has come, within a longer time.
        runs: their runs, and those of that longer time.
        has_more: whether there are recent ones beside these.
    """
    alone = [each for each in recent if each.run is None or not each.run.is_batch]
    batches = _batches(recent)
    top = _top(alone, times)
    of_top = [each for each in alone if each.identity == top]
    origins = {each.origin for each in of_top}
    failed: list[tuple[int, Hashable]] = [
        (each.died_ms, each.identity) for each in alone if each.says_which
    ]
    failed += [(run.first_ms, run) for run in batches]
    return Pattern(
        letters=len(recent),
        has_more=has_more,
        kind=_kind(recent),
        identities=len({each.identity for each in recent}),
        have_keys=all(each.has_key for each in recent),
        batches=tuple(_batch(run, runs) for run in batches),
        in_batches=len(recent) - len(alone),
        failures=len({each.identity for each in alone}) + len(batches),
        at_once=_most_at_once(failed),
        mostly_different=2 * len({each.origin or each.identity for each in alone}) > len(alone)
        or not alone,
        top_letters=len(of_top),
        top_times=0 if top is None else max(times.get(top, 0), len(of_top)),
        top_origin=of_top[-1].origin if of_top else None,
        top_is_one_record=len(origins) == 1,
    )


def _kind(recent: Sequence[Seen]) -> Kind:
    kind, count = Counter(each.kind for each in recent).most_common(1)[0]
    return kind if 2 * count > len(recent) else Kind.UNKNOWN


def _top(alone: Iterable[Seen], times: Mapping[Identity, int]) -> Identity | None:
    """The identity of the most dead letters; of several the one that has come most often."""
    counts = Counter(each.identity for each in alone)
    return max(counts, key=lambda each: (counts[each], times.get(each, 0)), default=None)


def _batches(recent: Iterable[Seen]) -> list[Run]:
    """The batches among these; of those with a record in common the last one."""
    kept: list[Run] = []
    for run in dict.fromkeys(each.run for each in recent):
        if run is not None and run.is_batch:
            kept = [each for each in kept if not each.overlaps(run)]
            kept.append(run)
    return kept


def _batch(run: Run, runs: Iterable[Run]) -> Batch:
    times = sum(each is run or each.overlaps(run) for each in runs)
    return Batch(
        topic=run.topic, partition=run.partition, first=run.first, last=run.last, times=times
    )


def _most_at_once(failed: Iterable[tuple[int, Hashable]]) -> int:
    ordered = sorted(failed, key=lambda each: each[0])
    within: Counter[Hashable] = Counter()
    most = first = 0
    for died_ms, what in ordered:
        within[what] += 1
        while ordered[first][0] <= died_ms - AT_ONCE_MS:
            gone = ordered[first][1]
            within[gone] -= 1
            if not within[gone]:
                del within[gone]
            first += 1
        most = max(most, len(within))
    return most
