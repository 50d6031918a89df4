"""Poison or outage: what the dead letters of one cause mean, by rules.

The first that holds decides:
1. Class and stage of more than half of them say it: poison or outage.
2. At least half of them, and fewer than 5 failures in all, are one batch that died as a whole (see
   `burst`): unknown, because one bad record or a short outage looks like that. If a record of the
   batch had come before, it is poison: the batch fails again.
3. Outside batches one key, or one record where there are no keys, has come 3 times or more, and at
   least half of the recent ones are of it: poison.
4. At least 5 different keys, or records where there are no keys, failed within a minute, and more
   than half of the dead letters are of different records: outage. A batch is one of these. Nothing
   is told of dead letters that do not say why they died.
5. Unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from streamgauge.core.dead_letters.dead_letter import Address, Kind

if TYPE_CHECKING:
    from streamgauge.core.dead_letters.pattern import Batch, Pattern

AGAIN_AND_AGAIN: Final = 3
MANY: Final = 5
_ORDINALS: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip


class Verdict(NamedTuple):
    """What would help, and what speaks for it."""

    kind: Kind
    reason: str
    record: Address | None = None
    """Of poison that is one record, or a batch with one in it: where it lies, or begins."""


def verdict_of(pattern: Pattern, *, says_why: bool) -> Verdict:
    """Judge the dead letters of one cause by the rules of this module.

    Args:
        pattern: what they look like.
        says_why: whether they have an error class.
    """
    known = _by_class(pattern) or _by_batch(pattern)
    if known is not None:
        return known
    if pattern.top_times >= AGAIN_AND_AGAIN and 2 * pattern.top_letters >= pattern.letters:
        return Verdict(Kind.POISON, f"poison: {_again(pattern)}", pattern.top_origin)
    if says_why and pattern.at_once >= MANY and pattern.mostly_different:
        return _outage(pattern)
    return Verdict(Kind.UNKNOWN, _undecided(pattern, says_why=says_why))


def _by_class(pattern: Pattern) -> Verdict | None:
    """Rule 1."""
    if pattern.kind is Kind.POISON:
        return Verdict(Kind.POISON, f"poison: {_poison_by_class(pattern)}")
    return _outage(pattern) if pattern.kind is Kind.OUTAGE else None


def _by_batch(pattern: Pattern) -> Verdict | None:
    """Rule 2."""
    most = 2 * pattern.in_batches >= pattern.letters
    if len(pattern.batches) != 1 or not most or pattern.failures >= MANY:
        return None
    [batch] = pattern.batches
    if batch.times > 1:
        reason = f"poison: {_named(batch)}, {_time(batch.times)}"
        return Verdict(Kind.POISON, reason, Address(batch.topic, batch.partition, batch.first))
    return Verdict(
        Kind.UNKNOWN, f"{_named(batch)}, as of a batch that died as a whole{_also(pattern)}"
    )


def address_named(origin: Address) -> str:
    """A record as `orders-2@4711`; what is unknown of it is a question mark."""
    topic, partition, offset = ("?" if each is None else each for each in origin)
    return f"{topic}-{partition}@{offset}"


def _poison_by_class(pattern: Pattern) -> str:
    if pattern.identities >= MANY:
        return f"{_identities(pattern)}, one cause: a change of the schema looks likely"
    if pattern.top_times > 1 and 2 * pattern.top_letters >= pattern.letters:
        return _again(pattern)
    if pattern.identities == 1 and pattern.top_origin is not None:
        return address_named(pattern.top_origin)
    return "the error says so"


def _outage(pattern: Pattern) -> Verdict:
    many = pattern.identities > 1
    why = f"{_identities(pattern)}, one cause" if many else "the error says so"
    return Verdict(Kind.OUTAGE, f"looks like an outage: {why}")


def _again(pattern: Pattern) -> str:
    origin, times = pattern.top_origin, pattern.top_times
    if origin is None:
        return f"one key, {_time(times)}"
    if pattern.top_is_one_record:
        return f"{address_named(origin)}, {_time(times)}"
    return f"one key, {_time(times)}, now {address_named(origin)}"


def _undecided(pattern: Pattern, *, says_why: bool) -> str:
    if len(pattern.batches) > 1:
        return f"{len(pattern.batches)} bursts, as of batches that died as a whole{_also(pattern)}"
    if pattern.identities < MANY:
        return "too few to tell"
    if not says_why:
        return f"{_identities(pattern)}, and none says why"
    if not pattern.at_once:
        return f"{_identities(pattern)}, and none says which one has failed"
    if pattern.at_once >= MANY:
        return f"{_identities(pattern)}, some of them again and again"
    return f"{_identities(pattern)}, but not at once"


def _also(pattern: Pattern) -> str:
    others = pattern.letters - pattern.in_batches
    return f", and {others} more" if others else ""


def _identities(pattern: Pattern) -> str:
    what = "key" if pattern.have_keys else "record"
    count = f"{pattern.identities:,} or more" if pattern.has_more else f"{pattern.identities:,}"
    return f"{count} {what}{'' if count == '1' else 's'}"


def _named(batch: Batch) -> str:
    topic, partition = ("?" if each is None else each for each in (batch.topic, batch.partition))
    return f"one burst {topic}-{partition}@{batch.first} to @{batch.last}"


def _time(times: int) -> str:
    return f"{_ORDINALS[times - 1]} time" if times <= len(_ORDINALS) else f"{times:,} times"
