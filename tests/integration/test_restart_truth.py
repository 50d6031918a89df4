"""The judgement of reports notices each way in which they can be wrong."""

from __future__ import annotations

import copy

import pytest

from .restart_truth import judge

COUNTS = {0: 7, 1: 5}
DEAD = 2


def told(sequence, first, second, dead, before=(0, 0)):
    """One report: records of both partitions, dead letters, and totals of the report before."""
    return {
        "life": "a",
        "sequence": sequence,
        "records": first + second - before[0],
        "records_total": first + second,
        "dead_letters": dead - before[1],
        "dead_letters_total": dead,
        "detail": {"positions": {"rows": [[0, first, first], [1, second, second]]}},
    }


@pytest.fixture
def reports():
    """Three sequences, of which the second was stored twice with other totals."""
    return [
        told(1, 3, 1, 0),
        told(2, 4, 1, 1, (4, 0)),
        told(2, 4, 4, 1, (4, 0)),
        told(3, 7, 5, 2, (8, 1)),
    ]


def test_what_is_right_holds(reports):
    """Also late, and repeated."""
    judge(reports, COUNTS, DEAD)
    judge([reports[3], reports[1], *reports, reports[0]], COUNTS, DEAD)


def changed(position, **fields):
    """A change of one report."""

    def change(reports):
        reports[position] |= fields

    return change


def row(position, partition, records):
    """Another count of a partition."""

    def change(reports):
        reports[position]["detail"]["positions"]["rows"][partition][2] = records

    return change


@pytest.mark.parametrize(
    "change",
    [
        changed(3, life="b"),
        changed(3, sequence=4),
        changed(3, records=5),
        changed(3, records=3),
        changed(3, dead_letters=0),
        changed(3, dead_letters_total=3, dead_letters=2),
        changed(3, records_total=13, records=5),
        changed(3, records_total=11, records=3),
        changed(2, dead_letters_total=0, dead_letters=0),
        row(3, 0, 6),
        row(3, 1, 6),
        row(2, 0, 2),
        lambda reports: reports.pop(0),
        lambda reports: reports.pop(3),
        lambda reports: reports.pop(2),
    ],
)
def test_what_is_wrong_is_noticed(reports, change):
    """A lost or doubled record, a step back, a hole, another life."""
    wrong = copy.deepcopy(reports)
    change(wrong)
    with pytest.raises(AssertionError):
        judge(wrong, COUNTS, DEAD)
