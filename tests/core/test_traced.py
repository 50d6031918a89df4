"""Sampled records: exemplars by bucket, and rows for spans."""

from __future__ import annotations

import numpy as np
import pytest

from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Letter
from streamgauge.core.totals import Totals
from streamgauge.core.traced import (
    TracedRecord,
    ages_of,
    exemplar_rows,
    shown_rows,
    spread,
    traced_records,
)


def test_the_last_sampled_record_of_each_bucket_is_the_exemplar(columns, context):
    """Unsampled and unaged records never are; a later one of the bucket wins."""
    unsampled = context[:-1] + b"0"
    folded = columns(
        [9_000, 9_001, 9_000, 5_000, -1, 2_000],
        contexts=[context, context, unsampled, None, context, context],
    )
    ages = Totals().fold(folded)
    assert exemplar_rows(folded, ages) == {1: 999, 5: 8_000}


def test_no_sampled_record_no_exemplar(columns):
    """Nothing is invented."""
    folded = columns([9_000])
    assert exemplar_rows(folded, Totals().fold(folded)) == {}
    empty = columns([])
    assert exemplar_rows(empty, Totals().fold(empty)) == {}


def test_ages_of_rows(columns):
    """Rows without an age are left out."""
    folded = columns([9_000, -1, 8_000, 7_000])
    ages = Totals().fold(folded)
    assert ages_of(ages, [3, 1, 0]) == {0: 1_000, 3: 3_000}
    assert ages_of(ages, []) == {}


@pytest.mark.parametrize(
    ("limit", "rows"), [(9, [0, 2, 4, 6]), (4, [0, 2, 4, 6]), (2, [0, 6]), (1, [0]), (0, [])]
)
def test_rows_for_spans_are_limited_and_spread(columns, context, limit, rows):
    """First and last are among them."""
    made = columns([1] * 7, contexts=[context, None] * 3 + [context])
    assert spread(shown_rows(made), limit) == rows


def test_a_traced_record_tells_what_the_columns_know(columns, context):
    """Every field, with unknowns as None."""
    made = columns(
        [9_000, -1],
        append_ms=[9_500, -1],
        contexts=[context, context[:-2] + b"b3"],
        tracestates={0: "a=1"},
        first_offset=7,
        partition=2,
    )
    first, second = traced_records(made, [0, 1], {0: 500})
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    assert first == TracedRecord(
        "orders", 2, 7, trace_id, span_id, 1, "a=1", 9_500, 10_000, 9_000, 500
    )
    assert second == TracedRecord(
        "orders", 2, 8, trace_id, span_id, 0xB3, None, None, 10_000, None, None
    )


def letter(offset, *, retrying=False):
    """A dead letter of the second partition, or a record that is being tried again."""
    said = DeadLetter(dialect=Dialect.SPRING, error_class="a.B", retrying=retrying)
    return Letter(said, 1, offset, None, None, None, None)


def test_records_that_are_tried_again_are_not_shown(columns, context):
    """What becomes of them is not known yet; a dead letter goes along with what it says."""
    letters = [letter(0, retrying=True), letter(1), letter(2), letter(3, retrying=True)]
    made = columns([1] * 4, contexts=[context, context, None, context], letters=letters)
    assert shown_rows(made).tolist() == [1]
    (record,) = traced_records(made, [1], {})
    assert record.said is letters[1].said


def test_a_row_without_context_is_refused(columns):
    """It could only be told with a made-up trace."""
    with pytest.raises(ValueError, match="row 0 has no trace context"):
        traced_records(columns([1]), [np.int64(0)], {})
