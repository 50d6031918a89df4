"""What reading a record into columns costs, beside OpenTelemetry's propagator on its headers.

Run: `python benchmarks/columns.py`. Each figure is the best of many rounds in which the four
loops take turns, so that they share the machine's good and bad moments. "On top" is what a loop
takes beyond iterating aiokafka's records; the ratio is what to look at, nanoseconds depend on the
machine. "Whole" is what reading takes in all where a batch is read as a whole, without iterating;
a dash: its records are none for that.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import hashlib
import sys
from time import perf_counter_ns
from typing import TYPE_CHECKING

from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from header_getter import HeaderGetter
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from streamgauge.core.columns import RecordReader
from streamgauge.core.event_time import DEFAULT_EVENT_TIME, HeaderRule, PointerRule, RecordRule
from streamgauge.core.record_batches import RawBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streamgauge.core.event_time import EventTimeRule
    from streamgauge.model import Columns

    Headers = list[tuple[str, bytes | None]]

RECORDS = 2_000
BATCH_HEADER_BYTES = 61
ROUNDS = 60
FIRST_MS = 1_795_217_557_332


def hexadecimal(row: int) -> bytes:
    """64 digits that differ from row to row, as ids do; equal ones would flatter every parser."""
    return hashlib.sha256(str(row).encode()).hexdigest().encode()


def traceparent(row: int, flags: bytes = b"00") -> tuple[str, bytes]:
    """One header of a version-00 trace context."""
    digits = hexadecimal(row)
    return "traceparent", b"00-%b-%b-%b" % (digits[:32], digits[32:48], flags)


def event_time(row: int) -> tuple[str, bytes]:
    """One header of milliseconds since the epoch."""
    return "event-time", b"%d" % (FIRST_MS + row * 37)


def b3(row: int) -> tuple[str, bytes]:
    """One single b3 header with a parent."""
    digits = hexadecimal(row)
    return "b3", b"%b-%b-1-%b" % (digits[:32], digits[32:48], digits[48:])


SHAPES: dict[str, Callable[[int], Headers]] = {
    "no headers": lambda _: [],
    "event-time": lambda row: [event_time(row)],
    "traceparent, event-time": lambda row: [traceparent(row), event_time(row)],
    "the same among 4 more": lambda row: [
        ("content-type", b"application/json"),
        event_time(row),
        ("id", b"7f2c"),
        ("source", b"shop"),
        traceparent(row),
        ("schema", b"3"),
    ],
    "ce_time (RFC 3339)": lambda row: [("ce_time", b"2026-11-20T23:32:%02d.332Z" % (row % 60))],
    "traceparent, tracestate, sampled": lambda row: [
        traceparent(row, b"01"),
        ("tracestate", b"vendor=abc,rojo=00f067aa0ba902b7"),
    ],
    "b3": lambda row: [b3(row)],
    "JSON pointer": lambda _: [],
}
POINTER: tuple[EventTimeRule, ...] = (
    HeaderRule("event-time"),
    PointerRule("/occurredAt"),
    RecordRule(),
)


def batch_of(headers: Callable[[int], Headers]) -> bytes:
    """One uncompressed record batch, as the broker would send it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=0,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for row in range(RECORDS):
        value = b'{"order": {"id": %d, "items": [1, 2, 3]}, "occurredAt": %d}'
        builder.append(
            row,
            timestamp=FIRST_MS + row,
            key=b"%d" % row,
            value=value % (row, FIRST_MS + row),
            headers=headers(row),
        )
    return bytes(builder.build())


def measure(batch: bytes, rules: tuple[EventTimeRule, ...]) -> tuple[float, float, float, float]:
    """Best nanoseconds per record: iterating, reading it, OpenTelemetry's extract, reading all.

    The last is 0 where the batch cannot be read as a whole.
    """
    reader = RecordReader(rules)
    propagator, getter, context = TraceContextTextMapPropagator(), HeaderGetter(), Context()

    def iterate(records: Iterable[object]) -> None:
        for _ in records:
            pass

    def read(records: DefaultRecordBatch) -> None:
        reader.read("orders", 0, records, next_offset=RECORDS, received_ms=FIRST_MS, live=True)

    def extract(records: DefaultRecordBatch) -> None:
        for record in records:
            propagator.extract(record.headers, context, getter)

    raw = RawBatch(0, FIRST_MS, None, RECORDS, batch[BATCH_HEADER_BYTES:])

    def read_whole(_: DefaultRecordBatch) -> Columns | None:
        return reader.read_batches(
            "orders", 0, [raw], next_offset=RECORDS, received_ms=FIRST_MS, live=True
        )

    loops = [iterate, read, extract]
    best = [float("inf")] * 3 + [0.0]
    if read_whole(DefaultRecordBatch(batch)) is not None:
        loops.append(read_whole)
        best[3] = float("inf")
    for _ in range(ROUNDS):
        for position, loop in enumerate(loops):
            records = DefaultRecordBatch(batch)
            start = perf_counter_ns()
            loop(records)
            best[position] = min(best[position], (perf_counter_ns() - start) / RECORDS)
    return best[0], best[1], best[2], best[3]


def main() -> None:
    """Print one line per shape of record."""
    write = sys.stdout.write
    write(f"{'ns per record':34}{'iterate':>9}{'columns':>9}{'OTel':>9}   OTel/columns")
    write(f"{'columns':>9}\n{'':34}{'':>9}{'on top':>9}{'on top':>9}{'':15}{'whole':>9}\n")
    for shape, headers in SHAPES.items():
        rules = POINTER if shape == "JSON pointer" else DEFAULT_EVENT_TIME
        iterate, read, extract, whole = measure(batch_of(headers), rules)
        read, extract = read - iterate, extract - iterate
        times = f"{iterate:9.0f}{read:9.0f}{extract:9.0f}"
        ratio = f"{extract / read:14.1f}" if "traceparent" in str(headers(0)) else ""
        all_of_it = f"{whole:.0f}" if whole else "-"
        write(f"{shape:34}{times}{ratio:15}{all_of_it:>9}\n")


if __name__ == "__main__":
    main()
