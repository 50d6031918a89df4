"""What it costs to remember trace ids, and to find them again.

Run: `python benchmarks/first_sightings.py`. Each figure is the best of many rounds on a full table
of the size that the service has, in polls of so many records: noting trace ids that are all new,
noting those of one poll again, finding records of which half are there, and a dictionary from
trace id to event time, which knows no bound. Ratios are what to look at; nanoseconds depend on the
machine.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import hashlib
import sys
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from streamgauge.core.first_sightings import PLACES, FirstSightings

if TYPE_CHECKING:
    from collections.abc import Callable

POLLED = (20, 200, 2_000, 20_000)
"""Records of one poll."""
ROUNDS = 200
FIRST_MS = 1_795_217_557_332


def contexts_of(first: int, count: int) -> list[bytes]:
    """Version-00 contexts, no two of them of one trace."""
    digits = (hashlib.sha256(b"%d" % row).hexdigest() for row in range(first, first + count))
    return [b"00-%b-%b-01" % (each[:32].encode(), each[32:48].encode()) for each in digits]


def best_ns(turn: Callable[[list[bytes]], object], polls: list[list[bytes]]) -> float:
    """Nanoseconds per record of the fastest poll."""
    best = float("inf")
    for poll in polls:
        start = perf_counter_ns()
        turn(poll)
        best = min(best, (perf_counter_ns() - start) / len(poll))
    return best


def measure(polled: int, pool: list[bytes]) -> tuple[float, float, float, float]:
    """Best nanoseconds per record: noting new ids, the same again, finding, and a dictionary."""
    event_ms = FIRST_MS + np.arange(polled)
    polls = [pool[at : at + polled] for at in range(0, len(pool) - polled, polled)][:ROUNDS]
    half_known = polls[-1][: polled // 2] + contexts_of(1 << 40, polled // 2)
    known: dict[bytes, int] = {}
    sightings = FirstSightings()
    sightings.note(pool[PLACES:], FIRST_MS + np.arange(PLACES))

    def note(poll: list[bytes]) -> None:
        sightings.note(poll, event_ms)

    def remember(poll: list[bytes]) -> None:
        for context, ms in zip(poll, event_ms.tolist(), strict=True):
            known.setdefault(context[3:35], ms)

    return (
        best_ns(note, polls),
        best_ns(note, polls[-1:] * ROUNDS),
        best_ns(sightings.find, [half_known] * ROUNDS),
        best_ns(remember, polls),
    )


def main() -> None:
    """Print one line for each number of records."""
    write = sys.stdout.write
    write(f"{'ns per record':>16}{'note new':>10}{'note again':>12}{'find':>7}{'dict':>7}\n")
    pool = contexts_of(0, 2 * PLACES)
    for polled in POLLED:
        new, again, find, plain = measure(polled, pool)
        write(f"{polled:7} a poll  {new:10.0f}{again:12.0f}{find:7.0f}{plain:7.0f}\n")


if __name__ == "__main__":
    main()
