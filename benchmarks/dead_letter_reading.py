"""How long one dead letter takes to read: each corpus of real records, and the worst of 1 MB.

Run: python benchmarks/dead_letter_reading.py
"""  # noqa: INP001 - a script, not a package
# ruff: noqa: T201 - it prints what it measures

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from pathlib import Path

from streamgauge.core.dead_letters.reading import read_dead_letter
from streamgauge.core.dead_letters.rules import ReadingRules
from streamgauge.core.explain import LineRecord, parse_line

DATA = Path(__file__).parent.parent / "tests" / "data" / "dead-letters"
MEGABYTE = 1 << 20
TOPIC = b"orders"

NOTHING_CONFIGURED = ReadingRules()
RULES = ReadingRules(headers={"stacktrace": "trace", "message": "text", "error_class": "class"})


def spring(**more: bytes) -> list[tuple[str, bytes | None]]:
    """The headers of a letter of Spring, with these instead of its own."""
    return [
        *((f"kafka_dlt-exception-{name}", value) for name, value in more.items()),
        ("kafka_dlt-original-topic", TOPIC),
        ("kafka_dlt-original-offset", bytes(8)),
        ("kafka_dlt-original-consumer-group", b"billing"),
    ]


def filled(pattern: bytes) -> bytes:
    """A megabyte of it."""
    return (pattern * (MEGABYTE // len(pattern) + 1))[:MEGABYTE]


def worst() -> dict[str, list[tuple[str, bytes | None]]]:
    """Headers of about 1 MB each, chosen to be slow."""
    patterns = {
        "causes": b"\nCaused by: a.B: c",
        "causes that are none": b"\nCaused by: ",
        "frames": b"\n\tat a.B.c(D.java:1)",
        "newlines": b"\n",
        "no newline": b"a.B",
        "tracebacks": b"Traceback (most recent call last):\n  x\nE: y\n",
        "traceback headers": b"Traceback (most recent call last):",
        "closing parentheses": b"\n at )))))))))))))))))))",
    }
    shapes = {
        f"stack trace of {name}": spring(stacktrace=b"a.B: c" + filled(pattern) + b"\n")
        for name, pattern in patterns.items()
    }
    messages = [
        *(b"(", b"'a ", b'"a', b"[", b"{", b"<a ", b"1a", b"a.1 ", b"@a", b"0x", b"token ", b"a= "),
        *(b"Listener method '", b"Listener failed; ", b"; nested exception is a.B: ", b"api key "),
        *(b"1:", b"-", b"a-1/", b"\xff", "\u0664".encode(), b"eyJ", b"/", b"\\"),
    ]
    shapes |= {
        f"message of {pattern.decode(errors='replace')!r}": spring(message=filled(pattern))
        for pattern in messages
    }
    shapes["a million empty headers"] = [("", b"")] * MEGABYTE
    shapes["a thousand names of 1 KB"] = [("A" * 1024, b"")] * 1024
    shapes["four thousand names of 255 bytes"] = [("A" * 255, b"")] * 4096
    shapes["a name of 1 MB"] = [("A" * MEGABYTE, b"")]
    shapes["4096 topics"] = [("kafka_dlt-original-topic", b"a" * 249)] * 4096
    shapes["4096 configured"] = [("trace", b"a.B: c\n\tat d\n" * 18)] * 4096
    return shapes


def measured_us(record: LineRecord, rounds: int, rules: ReadingRules = NOTHING_CONFIGURED) -> float:
    """Best of some rounds, in microseconds for one record."""
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        for _ in range(rounds):
            read_dead_letter(record, record.topic, rules)
        best = min(best, (time.process_time() - started) / rounds)
    return best * 1e6


def main() -> int:
    """Print microseconds for one record, by corpus and by shape."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    by_corpus: dict[str, list[float]] = defaultdict(list)
    for path in sorted(DATA.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            record = parse_line(line)
            by_corpus[path.stem].append(measured_us(record, rounds))
    print(f"{'corpus':36} {'records':>8} {'median us':>10} {'worst us':>10}")
    for name, times in by_corpus.items():
        times.sort()
        print(f"{name:36} {len(times):8} {times[len(times) // 2]:10.1f} {times[-1]:10.1f}")
    print(f"\n{'1 MB of headers':60} {'us':>10}")
    for name, headers in worst().items():
        record = LineRecord("orders.dlq", 0, 0, 1_795_217_557_332, 0, None, None, headers)
        print(f"{name:60} {measured_us(record, 2, RULES):10.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
