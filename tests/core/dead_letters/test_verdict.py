"""Poison or outage, over patterns as they come."""

from __future__ import annotations

from itertools import count

import pytest

from streamgauge.core.dead_letters.cause import CauseName
from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Kind, Letter
from streamgauge.core.dead_letters.recent_causes import RecentCauses

POISON, OUTAGE, UNKNOWN = Kind.POISON, Kind.OUTAGE, Kind.UNKNOWN
TEN_MINUTES = 600_000


def letters(
    *which,
    start_ms=1_000_000,
    every_ms=5_000,
    class_name="NullPointerException",
    kind=UNKNOWN,
    keys=True,
    topic="orders",
    partition=2,
    failed=True,
    key=None,
):
    """Dead letters of these original offsets (None: no address), each with a key of its own."""
    at_ms, made = count(start_ms, every_ms), []
    for place, offset in enumerate(which):
        now_ms = next(at_ms)
        said = DeadLetter(
            dialect=Dialect.SPRING,
            original_topic=None if offset is None else topic,
            original_partition=None if offset is None else partition,
            original_offset=offset,
            consumer_group="billing",
            error_class=class_name,
            kind=kind,
            failed_at=now_ms if failed else None,
        )
        own_key = (key if key is not None else offset) if keys else None
        made.append((now_ms, Letter(said, 0, now_ms + place, now_ms, own_key, None, None)))
    return made


def judged(received, span_ms=60_000, received_ms=None):
    """What is said of each cause once these were received."""
    causes = RecentCauses(span_ms)
    for at_ms, letter in received:
        causes.add(letter, received_ms or at_ms)
    last_ms = received_ms or received[-1][0]
    return [(each.kind, each.reason) for each in causes.views(last_ms, {})]


BATCH = letters(*range(5, 27), every_ms=3)
ONE_BATCH = "one burst orders-2@5 to @26, as of a batch that died as a whole"

PATTERNS = {
    "one poison record retried": (
        letters(4711, 4711, 4711),
        (POISON, "poison: orders-2@4711, third time"),
    ),
    "the same without keys": (
        letters(4711, 4711, 4711, keys=False),
        (POISON, "poison: orders-2@4711, third time"),
    ),
    "tried twice": (letters(4711, 4711), (UNKNOWN, "too few to tell")),
    "every ten minutes": (
        letters(4711, 4711, 4711, every_ms=TEN_MINUTES),
        (POISON, "poison: orders-2@4711, third time"),
    ),
    "every hour: nobody remembers": (
        letters(4711, 4711, 4711, every_ms=3_600_000),
        (UNKNOWN, "too few to tell"),
    ),
    "put back to its topic, so each time with another address": (
        letters(4711, 4803, 4950, key=7),
        (POISON, "poison: one key, third time, now orders-2@4950"),
    ),
    "a key without an address": (
        letters(None, None, None, key=7),
        (POISON, "poison: one key, third time"),
    ),
    "often": (letters(*[9] * 12, every_ms=1), (POISON, "poison: orders-2@9, 12 times")),
    "two keys in turn": (
        letters(1, 8, 1, 8, 1, 8),
        (POISON, "poison: orders-2@1, third time"),
    ),
    "three keys in turn": (letters(*[1, 8, 20] * 3), (UNKNOWN, "too few to tell")),
    "one key came often, and now another": (
        letters(*[90] * 9, every_ms=30_000) + letters(1, 1, 1, start_ms=1_299_000, every_ms=10),
        (POISON, "poison: orders-2@1, third time"),
    ),
    "one key came often, and now many others": (
        letters(*[90] * 9, every_ms=30_000)
        + letters(*range(0, 40, 3), start_ms=1_300_000, every_ms=10),
        (OUTAGE, "looks like an outage: 14 keys, one cause"),
    ),
    "a change of the schema": (
        letters(*range(0, 26, 2), class_name="DeserializationException", kind=POISON),
        (POISON, "poison: 12 keys, one cause: a change of the schema looks likely"),
    ),
    "one record that cannot be read": (
        letters(4711, class_name="DeserializationException", kind=POISON),
        (POISON, "poison: orders-2@4711"),
    ),
    "one record that cannot be read, again": (
        letters(4711, 4711, class_name="MismatchedInputException", kind=POISON),
        (POISON, "poison: orders-2@4711, second time"),
    ),
    "two records that cannot be read": (
        letters(4711, 4790, kind=POISON),
        (POISON, "poison: the error says so"),
    ),
    "half of them cannot be read": (
        letters(1, kind=POISON) + letters(8),
        (UNKNOWN, "too few to tell"),
    ),
    "the database is away": (
        letters(*range(0, 26, 2), class_name="SQLTransientConnectionException", kind=OUTAGE),
        (OUTAGE, "looks like an outage: 12 keys, one cause"),
    ),
    "the database was away for one record": (
        letters(1, kind=OUTAGE),
        (OUTAGE, "looks like an outage: the error says so"),
    ),
    "an outage behind another class": (
        letters(*range(13), every_ms=300, class_name="InventoryException"),
        (OUTAGE, "looks like an outage: 13 keys, one cause"),
    ),
    "the same without keys behind another class": (
        letters(*range(0, 26, 2), every_ms=300, keys=False),
        (OUTAGE, "looks like an outage: 13 records, one cause"),
    ),
    "four keys": (letters(0, 2, 4, 6), (UNKNOWN, "too few to tell")),
    "five keys": (letters(0, 2, 4, 6, 8), (OUTAGE, "looks like an outage: 5 keys, one cause")),
    "few keys of many records": (
        [each for key in range(6) for each in letters(*range(key, 60, 6), every_ms=700, key=key)],
        (OUTAGE, "looks like an outage: 6 keys, one cause"),
    ),
    "many records, put back once": (
        letters(*[0, 2, 4, 6, 8] * 2, every_ms=1_000),
        (UNKNOWN, "5 keys, some of them again and again"),
    ),
    "more than are looked at": (
        letters(*range(0, 600, 2), every_ms=10),
        (OUTAGE, "looks like an outage: 128 or more keys, one cause"),
    ),
    "nobody knows which records they are": (
        letters(*[None] * 9),
        (UNKNOWN, "9 records, and none says which one has failed"),
    ),
    "nobody knows why they died": (
        letters(*range(0, 18, 2), class_name=None),
        (UNKNOWN, "9 keys, and none says why"),
    ),
    "one dead letter": (letters(1), (UNKNOWN, "too few to tell")),
    "a batch listener": (BATCH, (UNKNOWN, ONE_BATCH)),
    "a batch of one key": (letters(*range(5, 27), every_ms=3, key=1), (UNKNOWN, ONE_BATCH)),
    "a batch and two more": (
        BATCH + letters(90, 99, start_ms=1_020_000),
        (UNKNOWN, f"{ONE_BATCH}, and 2 more"),
    ),
    "a batch, and many others": (
        BATCH + letters(*range(90, 98, 2), start_ms=1_020_000, every_ms=500),
        (OUTAGE, "looks like an outage: 26 keys, one cause"),
    ),
    "a batch that is put back": (
        BATCH + letters(*range(5, 27), start_ms=1_020_000, every_ms=3),
        (POISON, "poison: one burst orders-2@5 to @26, second time"),
    ),
    "a batch that is put back much later": (
        BATCH + letters(*range(5, 27), start_ms=1_900_000, every_ms=3),
        (POISON, "poison: one burst orders-2@5 to @26, second time"),
    ),
    "a batch with a record that had come before": (
        letters(20) + letters(*range(5, 27), start_ms=1_020_000, every_ms=3),
        (POISON, "poison: one burst orders-2@5 to @26, second time"),
    ),
    "a batch with a record that came once long ago": (
        letters(20) + letters(*range(5, 27), start_ms=4_600_000, every_ms=3),
        (UNKNOWN, ONE_BATCH),
    ),
    "a batch beside the same offsets of another partition": (
        letters(20, partition=3) + letters(*range(5, 27), start_ms=1_020_000, every_ms=3),
        (UNKNOWN, f"{ONE_BATCH}, and 1 more"),
    ),
    "a small batch beside a key that comes again and again": (
        letters(5, 6, 7, every_ms=3) + letters(*[90] * 4, start_ms=1_020_000),
        (POISON, "poison: orders-2@90, fourth time"),
    ),
    "a batch after dead letters of many partitions": (
        [
            each
            for number in range(100, 200)
            for each in letters(1, partition=number, start_ms=900_000)
        ]
        + BATCH,
        (UNKNOWN, ONE_BATCH),
    ),
    "two batches": (
        BATCH + letters(*range(40, 50), start_ms=1_020_000, every_ms=3),
        (UNKNOWN, "2 bursts, as of batches that died as a whole"),
    ),
    "five batches": (
        [
            each
            for number in range(5)
            for each in letters(
                *range(number * 20, number * 20 + 10),
                start_ms=1_000_000 + number * 4_000,
                every_ms=3,
            )
        ],
        (OUTAGE, "looks like an outage: 50 keys, one cause"),
    ),
    "three consecutive offsets are a batch": (
        letters(5, 6, 7, every_ms=500),
        (UNKNOWN, "one burst orders-2@5 to @7, as of a batch that died as a whole"),
    ),
    "a batch of 500": (
        letters(*range(500), every_ms=2),
        (UNKNOWN, "one burst orders-2@0 to @499, as of a batch that died as a whole"),
    ),
    "two consecutive offsets are no batch": (
        letters(5, 6, every_ms=1),
        (UNKNOWN, "too few to tell"),
    ),
    "offsets that go on to die are no batch": (
        letters(*range(5, 27), every_ms=60),
        (OUTAGE, "looks like an outage: 22 keys, one cause"),
    ),
    "nobody knows when consecutive offsets died": (
        letters(*range(5, 27), every_ms=0, failed=False),
        (OUTAGE, "looks like an outage: 22 keys, one cause"),
    ),
}


@pytest.mark.parametrize(("received", "verdict"), PATTERNS.values(), ids=PATTERNS)
def test_patterns(received, verdict):
    """One cause each."""
    assert judged(received) == [verdict]


@pytest.mark.parametrize(
    ("every_ms", "verdict"),
    [
        (100_000, (UNKNOWN, "6 keys, but not at once")),
        (15_000, (UNKNOWN, "6 keys, but not at once")),
        (14_999, (OUTAGE, "looks like an outage: 6 keys, one cause")),
    ],
)
def test_a_trickle_is_no_outage(every_ms, verdict):
    """However long the window is, and also if all are received together."""
    received = letters(*range(0, 12, 2), every_ms=every_ms)
    assert judged(received, span_ms=TEN_MINUTES) == [verdict]
    assert judged(received, received_ms=2_000_000) == [verdict]


def test_two_causes_at_once_are_judged_each():
    """An outage does not hide a poison record."""
    received = letters(*range(0, 26, 2), every_ms=100) + letters(
        4711, 4711, 4711, class_name="InvalidAmountException"
    )
    assert judged(received) == [
        (OUTAGE, "looks like an outage: 13 keys, one cause"),
        (POISON, "poison: orders-2@4711, third time"),
    ]


def test_a_verdict_outlives_the_span():
    """Until something else comes: the last letters of an outage are no few that tell nothing."""
    causes = RecentCauses(60_000)
    for at_ms, letter in letters(*range(0, 26, 2), every_ms=4_000):
        causes.add(letter, at_ms)
    [all_of_them] = causes.views(1_048_000, {})
    assert (all_of_them.recent, all_of_them.identities) == (13, 13)
    [fading] = causes.views(1_100_000, {})
    assert (fading.recent, fading.identities, fading.kind) == (2, 2, OUTAGE)
    [gone] = causes.views(1_200_000, {fading.key: 13})
    assert (gone.recent, gone.identities, gone.kind) == (0, 0, OUTAGE)


def test_a_cause_that_was_stored_has_no_verdict():
    """Its name and total are known, and nothing else."""
    causes = RecentCauses(60_000)
    causes.know([CauseName("a" * 16, "billing", "Late", None)])
    [stored] = causes.views(1, {"a" * 16: 4, "b" * 16: 5})
    assert (stored.kind, stored.reason, stored.total) == (UNKNOWN, None, 4)
