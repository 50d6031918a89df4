"""When gauges are killed, what was written meanwhile, and what all reports of it must then be."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise


class After(Enum):
    """What a kill follows, and within how many seconds."""

    START = 13.0
    """Of the process: it loads, waits for the group, adopts, counts and tells by then."""
    DEAD_LETTER = 0.15
    """Acknowledged to its producer: it is read, counted and stored by then."""
    REPORT = 0.05
    """Sent to Dagster: it is stored and answered by then."""


@dataclass(frozen=True)
class Moment:
    """When a gauge is killed."""

    after: After
    seconds: float


def schedule(seed, kills):
    """The moments of one stream; of four, two follow the start alone."""
    rng = random.Random(seed)  # noqa: S311 - a repeatable schedule
    kinds = rng.choices((After.START, After.DEAD_LETTER, After.REPORT), (2, 1, 1), k=kills)
    return [Moment(after, rng.uniform(0.0, after.value)) for after in kinds]


def counts_of(acknowledged):
    """Records by partition.

    Args:
        acknowledged: partition and offset of each record, as its producer was told.

    Raises:
        AssertionError: the topic holds others too, so that this is not the truth about it.
    """
    counts = Counter(partition for partition, _ in acknowledged)
    for partition, count in counts.items():
        offsets = {offset for of, offset in acknowledged if of == partition}
        assert offsets == set(range(count)), f"partition {partition} was written by others too"
    return dict(counts)


def sequences(told, *names):
    """The report that counts of each sequence: of equal ones that with the greatest totals.

    Args:
        told: metadata of observations, in any order.
        names: of what is counted.
    """
    return list({each["sequence"]: each for each in _ordered(told, names)}.values())


def judge(told, counts, **totals):
    """Fail unless the reports of one asset tell exactly this; give their life.

    Args:
        told: metadata of all observations, in any order, repeated ones too.
        counts: records by partition of the asset's topic, as the producers' log has them.
        totals: what each entry with a `_total` has to come to, by the same log.
    """
    lives = {each["life"] for each in told}
    assert len(lives) == 1, f"lives are {lives}"
    counted = sequences(told, *totals)
    numbers = [each["sequence"] for each in counted]
    assert numbers == list(range(1, len(counted) + 1)), f"sequences are {numbers}"
    for before, after in pairwise(_ordered(told, totals)):
        assert _contains(after, before, totals), f"sequence {after['sequence']} steps back"
    for name, total in totals.items():
        before = 0
        for each in counted:
            grown = each[f"{name}_total"] - before
            assert each[name] == grown, f"sequence {each['sequence']}: {each[name]} {name}, {grown}"
            before += grown
        assert before == total, f"{before} of {total} {name}"
    assert _rows(counted[-1]) == counts, f"{_rows(counted[-1])} of {counts}"
    return lives.pop()


def late(stored, *names):
    """How many reports were stored after a greater one.

    Args:
        stored: metadata of observations, in the order in which they were stored.
        names: of what is counted.
    """
    return sum(not _contains(after, before, names) for before, after in pairwise(stored))


def unaccounted(told):
    """Reports of a stream in which ages and unaged records do not make up its records."""
    wrong = []
    for each in told:
        totals = each["detail"]["totals"]
        buckets = totals["arrival_ages"]["buckets"].split()
        ages = sum(int(bucket.partition(":")[2]) for bucket in buckets)
        if ages + totals["unaged"] != each["records_total"]:
            wrong.append((each["sequence"], ages, totals["unaged"], each["records_total"]))
    return wrong


def _ordered(told, names):
    return sorted(told, key=lambda each: (each["sequence"], _totals(each, names)))


def _totals(told, names):
    return tuple(told[f"{name}_total"] for name in names)


def _rows(told):
    """Records by partition."""
    return {partition: records for partition, _, records in told["detail"]["positions"]["rows"]}


def _contains(after, before, names):
    rows, past = _rows(after), _rows(before)
    return all(rows.get(partition, -1) >= records for partition, records in past.items()) and all(
        now >= then for now, then in zip(_totals(after, names), _totals(before, names), strict=True)
    )
