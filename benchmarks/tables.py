"""The two tables of `commits.py`, and what it ran on."""  # noqa: INP001 - a part of scripts, not of a package

from __future__ import annotations

import platform
import re
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from streamgauge_demo.parts.kafka_node import prepare_kafka_node

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = dict[str, float]
    Table = Mapping[str, list[Row]]

SIDE_BY_SIDE = (
    ("slot_bytes", 6, ".0f"),
    ("every", 7, ".2f"),
    ("capture", 8, ".1f"),
    ("make", 7, ".1f"),
    ("send", 6, ".1f"),
    ("settle", 8, ".1f"),
    ("folding_memory", 7, ".2f"),
    ("folding_kept", 7, ".2f"),
    ("keeper", 8, ".2f"),
    ("client", 8, ".2f"),
)
"""Columns with their widths."""

READ_BACK = {
    "text of a slot, bytes": ("slot_bytes", ".0f"),
    "commit: requests": ("commit_requests", ".0f"),
    "commit: bytes sent": ("commit_bytes", ",.0f"),
    "commit: ms of the clock": ("commit_ms", ".0f"),
    "commit: ms": ("commit_cpu_ms", ".0f"),
    "read: bytes received": ("fetch_bytes", ",.0f"),
    "read: ms of the clock": ("fetch_ms", ".0f"),
    "read: ms": ("fetch_cpu_ms", ".0f"),
    "decode: ms": ("decode_cpu_ms", ".0f"),
    "go on from: ms": ("restore_cpu_ms", ".0f"),
    "a tick: ms": ("tick_cpu_ms", ".1f"),
    "of it the sum: ms": ("sum_cpu_ms", ".1f"),
}
"""Lines with their columns."""


def machine() -> str:
    """Its processor, and the Python that runs."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return f"{cpu[1] if cpu else platform.processor()}, Python {platform.python_version()}"


def print_machine(rounds: int) -> None:
    """Print what it ran on, and how often."""
    kafka = re.search(r"kafka_2\.\d+-([\d.]+)\.jar", prepare_kafka_node().class_path)
    versions = [f"{each} {version(each)}" for each in ("aiokafka", "numpy", "uvloop")]
    sys.stdout.write(
        f"{machine()}, "
        f"{', '.join(versions)}, Apache Kafka {kafka[1] if kafka else 'unknown'}, "
        f"{rounds} rounds\n\n"
    )


def print_side_by_side(table: Table) -> None:
    """Print one line per shape and load."""
    write = sys.stdout.write
    write(f"{'':31}{'bytes':>6}{'every':>7}{'ms a cycle':>29}{'% of a core':>30}")
    write(f"{'keeping state':>20}{'ratio':>18}{'KB/s':>12}\n")
    write(f"{'64 partitions, or as it says':31}{'a slot':>6}{'s':>7}")
    write(f"{'capture':>8}{'make':>7}{'send':>6}{'settle':>8}")
    write(f"{'fold':>7}{'kept':>7}{'keeper':>8}{'client':>8}")
    write(f"{'% of a core':>20}{'':18}{'text':>6}{'log':>6}\n")
    for name, rows in table.items():
        write(f"{name:31}")
        for column, width, form in SIDE_BY_SIDE:
            write(f"{median(row[column] for row in rows):{width}{form}}")
        write(f"{_span(rows, 'keeping', '.2f'):>20}{_span(rows, 'ratio', '.1f'):>18}")
        for column in ("text", "log"):
            write(f"{median(row[column] for row in rows) / 1e3:6.1f}")
        write("\n")


def print_read_back(title: str, table: Table) -> None:
    """Print one line per figure."""
    write = sys.stdout.write
    write(f"\n{title:25}" + "".join(f"{name:>34}" for name in table) + "\n")
    for label, (column, form) in READ_BACK.items():
        spans = [f"{_span(rows, column, form):>34}" for rows in table.values()]
        write(f"{label:25}{''.join(spans)}\n")


def _span(rows: list[Row], column: str, form: str) -> str:
    """The median between the least and the greatest."""
    values = [row[column] for row in rows]
    least, greatest = f"{min(values):{form}}", f"{max(values):{form}}"
    if least == greatest:
        return least
    return f"{median(values):{form}} ({least}-{greatest})"
