"""What it costs to remember event times, and to age records when a commit passes them.

Run: `python benchmarks/ledger.py`. Each figure is the best of many rounds in which the loops take
turns, so that they share the machine's good and bad moments: filling a ledger from polls, ageing
its records at commits that each pass so many, the same where the ledger is coarse, and what this
replaces: a dictionary from offset to event time, read record by record. "Bins" is the histogram's
part alone, on event times that lie in one array. Ratios are what to look at; nanoseconds depend on
the machine. Then the memory of a ledger of a million records and behind a hundred million, and of
as many with gaps between their offsets. At last many groups on many partitions: one poll of all of
them, where all are aged (nothing is stored) and where few have a place for ages (state is kept).
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import sys
import tracemalloc
from dataclasses import replace
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from streamgauge.core.keeping import planted
from streamgauge.core.ledger import Ledger, LedgerBudget
from streamgauge.core.topic import Topic
from streamgauge.core.totals import GroupTotals
from streamgauge.core.worked import Worked
from streamgauge.model import UNKNOWN, Columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RECORDS = 200_000
ROUNDS = 15
POLLED = 2_000
"""Records of one poll."""
PASSED = (50, 500, 5_000, RECORDS)
"""Records that one commit passes."""
BEHIND = 100_000_000
FIRST_MS = 1_795_217_557_332
SPREAD_MS = 2_000
"""Event times are out of order by as much."""
GROUPS, PARTITIONS, POLLS = 100, 1_000, 4


def event_times(first: int, count: int) -> NDArray[np.int64]:
    """About a thousand records a second, not in order."""
    random = np.random.default_rng(first)
    return FIRST_MS + first + np.arange(count) - random.integers(0, SPREAD_MS, count)


def fill(ledger: Ledger, event_ms: NDArray[np.int64], step: int = 1) -> None:
    """As polls do, after what the ledger has."""
    offsets = ledger.end + step * np.arange(len(event_ms))
    arrived_ms = event_ms + SPREAD_MS
    for at in range(0, len(event_ms), POLLED):
        polled = slice(at, at + POLLED)
        after = int(offsets[polled][-1]) + 1
        ledger.add(offsets[polled], event_ms[polled], arrived_ms[polled], after)


def age(ledger: Ledger, passed: int, seen_at_ms: int) -> GroupTotals:
    """As commits do that each pass so many records."""
    group, worked = GroupTotals(), Worked()
    for at in range(0, RECORDS, passed):
        for times in ledger.read(at, at + passed):
            group.age(times.event_ms, seen_at_ms)
            worked.age(times, seen_at_ms)
    return group


def naive_age(times: dict[int, int], seen_at_ms: int) -> GroupTotals:
    """Record by record, in one go."""
    group = GroupTotals()
    ages_ms = [max(0, seen_at_ms - times.pop(offset)) for offset in range(RECORDS)]
    group.aged.fold(np.array(ages_ms))
    return group


def best(loops: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Nanoseconds per record of each."""
    found = dict.fromkeys(loops, float("inf"))
    for _ in range(ROUNDS):
        for name, loop in loops.items():
            start = perf_counter_ns()
            loop()
            found[name] = min(found[name], (perf_counter_ns() - start) / RECORDS)
    return found


def measure() -> dict[str, float]:
    """All loops, taking turns."""
    event_ms = event_times(0, RECORDS)
    seen_at_ms = FIRST_MS + RECORDS + 1_000
    exact, coarse = Ledger(LedgerBudget(), 0), Ledger(LedgerBudget(exact_records=0), 0)
    fill(exact, event_ms)
    fill(coarse, event_ms)
    times = dict(enumerate(event_ms.tolist()))
    loops: dict[str, Callable[[], object]] = {
        "fill": lambda: fill(Ledger(LedgerBudget(), 0), event_ms),
        "fill, coarse": lambda: fill(Ledger(LedgerBudget(exact_records=0), 0), event_ms),
        "fill a dictionary": lambda: dict(enumerate(event_ms.tolist())),
        "bins": lambda: GroupTotals().age(event_ms, seen_at_ms),
        **{f"age by {n:,}": lambda n=n: age(exact, n, seen_at_ms) for n in PASSED},  # type: ignore[misc]
        **{f"age by {n:,}, coarse": lambda n=n: age(coarse, n, seen_at_ms) for n in PASSED},  # type: ignore[misc]
        "age by a dictionary": lambda: naive_age(dict(times), seen_at_ms),
    }
    return best(loops)


def held(records: int, step: int = 1) -> tuple[float, Ledger, LedgerBudget]:
    """Megabytes of a ledger after so many records, one at every `step` offsets, and the ledger."""
    tracemalloc.start()
    budget = LedgerBudget()
    ledger = Ledger(budget, 0)
    while ledger.end < records * step:
        fill(ledger, event_times(ledger.end, min(1_000_000, records)), step)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / 1e6, ledger, budget


def many_partitions(*, kept: bool) -> Topic:
    """A topic of which a few records were read on each of them."""
    topic = Topic("orders", FIRST_MS, kept=kept)
    topic.assigned(dict.fromkeys(range(PARTITIONS), 0))
    columns = few_records()
    for number in range(PARTITIONS):
        topic.fold(replace(columns, partition=number))
        topic.planted(number, planted(None, ("a" * 16, FIRST_MS), 0, ("b" * 16, 1)))
    return topic


def poll(topic: Topic, offset: int) -> float:
    """Milliseconds that it takes to tell that all groups have committed this offset everywhere."""
    start = perf_counter_ns()
    for name in (f"group-{number}" for number in range(GROUPS)):
        for number in range(PARTITIONS):
            topic.committed(name, number, offset, FIRST_MS + 10_000 + 50 * offset)
    return (perf_counter_ns() - start) / 1e6


def many_groups(*, kept: bool) -> tuple[float, float]:
    """Milliseconds of a poll in which all groups move on all partitions, and megabytes of them."""
    topic = many_partitions(kept=kept)
    took_ms = min([poll(topic, 20 * number) for number in range(POLLS + 1)][1:])
    topic = many_partitions(kept=kept)
    tracemalloc.start()
    for offset in (0, 20):
        poll(topic, offset)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return took_ms, size / 1e6


def few_records() -> Columns:
    """What one poll brings of one partition."""
    count = 20 * POLLS
    return Columns(
        topic="orders",
        partition=0,
        next_offset=count,
        received_ms=FIRST_MS + 5_000,
        live=True,
        offsets=np.arange(count),
        append_ms=np.full(count, UNKNOWN),
        event_ms=event_times(0, count),
        event_time_source=np.zeros(count, dtype=np.int8),
        contexts=[None] * count,
        sampled=np.zeros(count, dtype=np.bool_),
        tracestates={},
        byte_count=0,
        rejected_contexts={},
        unreadable_event_times={},
    )


def main() -> None:
    """Print one line per loop, and some about memory and many groups."""
    write = sys.stdout.write
    found = measure()
    write(f"{'ns per record':30}{'':8}   dictionary/this\n")
    for name, nanoseconds in found.items():
        kind = "fill" if name.startswith("fill") else "age by"
        naive = found["fill a dictionary" if kind == "fill" else "age by a dictionary"]
        write(f"{name:30}{nanoseconds:8.1f}{naive / nanoseconds:18.1f}\n")
    for records, step in ((1_000_000, 1), (BEHIND, 1), (BEHIND // 10, 2), (BEHIND // 10, 50)):
        size, ledger, budget = held(records, step)
        write(
            f"{records:,} records, one in {step} offsets: {size:.1f} MB, "
            f"{ledger.exact_records:,} exact, {ledger.coarse_records:,} coarse, "
            f"{budget.dropped_records:,} dropped\n"
        )
    (aged_ms, aged_mb), (kept_ms, kept_mb) = many_groups(kept=False), many_groups(kept=True)
    write(
        f"{GROUPS} groups that move on {PARTITIONS:,} partitions: {aged_ms:.0f} ms a poll and "
        f"{aged_mb:.0f} MB if all are aged, {kept_ms:.0f} ms and {kept_mb:.0f} MB if 5 are: "
        f"{aged_ms / kept_ms:.1f} times as fast\n"
    )


if __name__ == "__main__":
    main()
