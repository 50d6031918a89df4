"""What all reports of a life must be, whatever happened between them: held against the truth."""

from __future__ import annotations

from itertools import groupby, pairwise


def sequences(told):
    """The report that counts of each sequence: of equal ones that with the greatest totals.

    Args:
        told: metadata of observations, in any order.
    """
    ordered = sorted(told, key=lambda each: (each["sequence"], each["records_total"], _dead(each)))
    return [list(same)[-1] for _, same in groupby(ordered, key=lambda each: each["sequence"])]


def judge(told, counts, dead_letters):
    """Fail unless the reports tell exactly this.

    Args:
        told: metadata of all observations of one stream, in any order, repeated ones too.
        counts: records by partition, as the producer's log has them.
        dead_letters: by the same log.
    """
    assert len({each["life"] for each in told}) == 1, "another life began"
    counted = sequences(told)
    numbers = [each["sequence"] for each in counted]
    assert numbers == list(range(1, len(counted) + 1)), f"sequences are {numbers}"
    ordered = sorted(told, key=lambda each: (each["sequence"], each["records_total"], _dead(each)))
    for before, after in pairwise(ordered):
        assert _contains(after, before), f"sequence {after['sequence']} steps back"
    for before, after in zip([None, *counted], counted, strict=False):
        told_before = (0, 0) if before is None else (before["records_total"], _dead(before))
        grown = (after["records_total"] - told_before[0], _dead(after) - told_before[1])
        difference = (after["records"], after["dead_letters"])
        assert difference == grown, f"sequence {after['sequence']}: {difference} is not {grown}"
    last = counted[-1]
    assert _rows(last) == counts, f"{_rows(last)} of {counts}"
    assert last["records_total"] == sum(counts.values())
    assert _dead(last) == dead_letters, f"{_dead(last)} of {dead_letters} dead letters"


def _dead(told):
    return told["dead_letters_total"]


def _rows(told):
    """Records by partition."""
    return {partition: records for partition, _, records in told["detail"]["positions"]["rows"]}


def _contains(after, before):
    rows, past = _rows(after), _rows(before)
    return (
        all(rows.get(partition, -1) >= records for partition, records in past.items())
        and after["records_total"] >= before["records_total"]
        and _dead(after) >= _dead(before)
    )
