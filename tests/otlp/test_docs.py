"""The documentation of the metrics says what the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from streamgauge.otlp.names import PROCESS_METRICS, STREAM_METRICS

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"


def as_markdown(table):
    """The rows as a Markdown table."""
    lines = ["| metric | kind | unit | attributes | meaning |", "|---|---|---|---|---|"]
    for row in table:
        attributes = ", ".join(f"`{key}`" for key in row.attributes) or "none"
        cells = (f"`{row.name}`", row.kind, f"`{row.unit}`", attributes, row.description)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


@pytest.mark.parametrize("table", [STREAM_METRICS, PROCESS_METRICS], ids=["stream", "process"])
def test_document_has_the_table(table):
    """Each row stands there word for word; the failure shows what to paste."""
    markdown = as_markdown(table)
    assert f"\n{markdown}\n" in DOCUMENT.read_text(encoding="utf-8"), f"paste:\n{markdown}"


def test_document_names_no_other_metric():
    """A row that was removed from the table does not stay in the document."""
    known = {row.name for row in (*STREAM_METRICS, *PROCESS_METRICS)}
    rows = DOCUMENT.read_text(encoding="utf-8").splitlines()
    named = {row.split("`")[1] for row in rows if row.startswith("| `")}
    assert named == known
