"""The table at the end, and what does not hold in words."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .judge import Findings

HEADINGS = ("scenario", "samples", "lag max", "mean", "time lag max", "mean", "missing", "aged",
            "count", "sum", "quantile", "status", "forecast", "")  # fmt: skip
UNITS = ("", "", "records", "", "s", "", "", "records", "off by", "s off", "off by",
         "s after (limit)", "off by", "")  # fmt: skip


def report(rows: Sequence[Findings]) -> int:
    """Print the table, what does not hold, and the verdict; 0 if all hold, else 1."""
    lines = [
        table(rows),
        *(f"{row.scenario}: {sentence}" for row in rows for sentence in row.sentences()),
        f"truth: {sum(each.holds for each in rows)} of {len(rows)} scenarios hold",
    ]
    print("\n".join(lines), flush=True)  # noqa: T201 - the result
    return 0 if all(each.holds for each in rows) else 1


def table(rows: Iterable[Findings]) -> str:
    """A line for each scenario."""
    lines = [HEADINGS, UNITS, *(_cells(each) for each in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    left = first[0].ljust(first[1])
    return "  ".join([left, *(cell.rjust(width) for cell, width in others)]).rstrip()


def _cells(row: Findings) -> tuple[str, ...]:
    return (
        row.scenario,
        str(row.samples),
        _most(row.lag_errors, 0),
        _mean(row.lag_errors, 2),
        _most(row.time_lag_errors, 3),
        _mean(row.time_lag_errors, 3),
        str(row.missing),
        str(row.counted),
        str(row.count_error),
        f"{row.sum_error:.1f}",
        f"{row.quantile_error:.0%}",
        ", ".join(_delay(seconds, limit) for seconds, limit in row.delays) or "-",
        f"{max(row.forecast_errors):.0%}" if row.forecast_errors else "-",
        "holds" if row.holds else "FAILS",
    )


def _most(errors: Sequence[float], digits: int) -> str:
    return f"{max(errors):.{digits}f}" if errors else "-"


def _mean(errors: Sequence[float], digits: int) -> str:
    return f"{fmean(errors):.{digits}f}" if errors else "-"


def _delay(seconds: float, limit: float | None) -> str:
    return f"{seconds:.1f} ({'default' if limit is None else f'{limit:g}'})"
