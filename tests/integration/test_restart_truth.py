"""The judgement of reports notices each way in which they can be wrong."""

from __future__ import annotations

import copy

import pytest

from .restart_truth import After, counts_of, judge, late, schedule, sequences, unaccounted

COUNTS = {0: 7, 1: 5}
TOTALS = {"records": 12, "dead_letters": 2}


def told(sequence, first, second, dead, before=(0, 0)):
    """One report: records of both partitions, dead letters, and totals of the report before."""
    return {
        "life": "a",
        "sequence": sequence,
        "records": first + second - before[0],
        "records_total": first + second,
        "dead_letters": dead - before[1],
        "dead_letters_total": dead,
        "detail": {
            "positions": {"rows": [[0, first, first], [1, second, second]]},
            "totals": {
                "arrival_ages": {"buckets": f"3:{first} 9:{second - 1}"},
                "unaged": 1,
            },
        },
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
    """Also late, and repeated; each sequence counts once."""
    assert judge(reports, COUNTS, **TOTALS) == "a"
    repeated = [reports[3], reports[1], *reports, reports[0]]
    assert judge(repeated, COUNTS, **TOTALS) == "a"
    assert sequences(repeated, *TOTALS) == [reports[0], reports[2], reports[3]]


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
        judge(wrong, COUNTS, **TOTALS)


def test_a_step_back_in_the_order_of_storing_is_late(reports):
    """An older report under the same sequence, too; an equal one is not."""
    first, second, greater, third = reports
    assert late([first, second, greater, greater, third], *TOTALS) == 0
    assert late([first, greater, second, third, first], *TOTALS) == 2


def test_each_record_has_an_age_or_is_told_to_have_none(reports):
    """Ages and counts are one step."""
    assert unaccounted(reports) == []
    reports[1]["detail"]["totals"]["unaged"] = 0
    assert unaccounted(reports) == [(2, 4, 0, 5)]


def test_what_was_acknowledged_is_the_whole_log():
    """A record that nobody told of, or one told twice, makes it no truth."""
    assert counts_of([(0, 0), (1, 0), (0, 1)]) == {0: 2, 1: 1}
    for wrong in ([(0, 0), (0, 2)], [(0, 0), (0, 0)]):
        with pytest.raises(AssertionError):
            counts_of(wrong)


def test_a_schedule_repeats_and_has_moments_of_each_kind():
    """Each within its time."""
    moments = schedule("5-0", 50)
    assert moments == schedule("5-0", 50) != schedule("5-1", 50)
    assert {moment.after for moment in moments} == set(After)
    assert all(0 <= moment.seconds <= moment.after.value for moment in moments)
