"""A state that its text could not hold is refused when it is made, with the value's name."""

from __future__ import annotations

import re

import numpy as np
import pytest

from streamgauge.core.histogram import SIZE, Histogram
from streamgauge.core.state.limits import AGES, COUNT, OFFSET
from streamgauge.core.state.names import COUNTERS, NAMED_COUNTS
from streamgauge.core.state.partition_state import Cause, GroupState, PresentLag, ProcessedAges
from streamgauge.model import GroupStatus, LagBound

from .conftest import planted

KEY = "0" * 16
NO_AGES = Histogram()


def table(*counts):
    """A table that begins with these counts."""
    return np.array([*counts, *[0] * (SIZE - len(counts))], dtype=np.int64)


def keys(count):
    """So many keys."""
    return [f"{number:016x}" for number in range(count)]


def group(highest=None, committed=0, **processed):
    """Groups with one of these."""
    ages = ProcessedAges(**{"aged_to": None, "ages": NO_AGES} | processed) if processed else None
    return {"groups": {KEY: GroupState(highest, committed, ages)}}


def lag(**fields):
    """Present lags with one of these."""
    base = {
        "lag": None,
        "lag_bound": LagBound.UNKNOWN,
        "time_lag_ms": None,
        "time_lag_bound": LagBound.UNKNOWN,
        "status": GroupStatus.OK,
    }
    return {"present_lags": {KEY: PresentLag(**base | fields)}}


AGED = GroupState(None, 0, ProcessedAges(None, NO_AGES))
COUNTED = GroupState(None, 0)
OTHER_LAG = next(iter(lag()["present_lags"].values()))

OFFSETS = [
    ("life start", lambda n: {"life_start_ms": n}),
    ("position", lambda n: {"start_position": n}),
    ("position", lambda n: {"position": n}),
    ("version", lambda n: {"version": n}),
    ("time", lambda n: {"as_of_ms": n}),
    ("time", lambda n: {"last_record_ms": n}),
    ("highest commit", lambda n: group(highest=n)),
    ("committed", lambda n: group(committed=n)),
    ("aged to", lambda n: group(aged_to=n)),
    ("lag", lambda n: lag(lag=n)),
    ("time lag", lambda n: lag(time_lag_ms=n)),
]
COUNTS = [
    *(("counter", lambda n, name=name: {name: n}) for name in COUNTERS),
    *((each, lambda n, each=each: {each: {"other": n}}) for each in NAMED_COUNTS),
    ("reprocessed", lambda n: group(reprocessed=n)),
    ("unaged of a group", lambda n: group(unaged=n)),
    ("dead letters of a cause", lambda n: {"causes": {KEY: Cause("", n)}}),
    ("dead letters of other causes", lambda n: {"other_causes": n}),
    ("retrying", lambda n: {"retrying": n}),
]


@pytest.mark.parametrize(
    ("what", "fields", "limit"),
    [(*row, OFFSET) for row in OFFSETS] + [(*row, COUNT) for row in COUNTS],
)
def test_a_number_is_bounded(what, fields, limit):
    """From 0 to just below its limit."""
    for number in (0, limit - 1):
        planted(**fields(number))
    for number in (-1, limit):
        message = f"{{'{what}': {number}}}: must be at least 0 and less than {limit}"
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            planted(**fields(number))


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"life": "0123"}, "'0123'.* must be 16 lower-case hexadecimal digits"),
        ({"life": "0123456789ABCDEF"}, "must be 16 lower-case hexadecimal digits each"),
        ({"writer": ""}, "must be 16 lower-case hexadecimal digits each"),
        ({"groups": {"billing": COUNTED}}, "'billing'.* must be 16 lower-case"),
        ({"causes": {"x": Cause("", 1)}}, "'x'.* must be 16 lower-case"),
        ({"causes": {KEY: Cause("", 1, "billing")}}, "'billing'.* must be 16 lower-case"),
        ({"present_lags": {KEY + KEY: OTHER_LAG}}, "must be 16 lower-case hexadecimal digits each"),
        (
            {"event_times": {"payload": 1}},
            "event_times: 'payload' has no code; count it as `other`",
        ),
        ({"rejected_contexts": {"#5": 1}}, "rejected_contexts: '#5' has no code"),
        ({"rejected_contexts": {"#64": 1}}, "rejected_contexts: '#64' has no code"),
        ({"causes": {KEY: Cause("ä" * 33, 1)}}, r"'\\xe4.* is longer than 64 bytes"),
        ({"causes": {KEY: Cause("\ud800", 1)}}, "surrogates not allowed"),
        ({"arrival_ages": Histogram(table(-1, 2), 5)}, "must be at least 0 and less than"),
        ({"arrival_ages": Histogram(table(AGES), 0)}, "must be at least 0 and less than"),
        ({"arrival_ages": Histogram(table(AGES - 1, 1), 0)}, f"{AGES} ages of 0 ms in all"),
        ({"arrival_ages": Histogram(table(1), -1)}, "1 ages of -1 ms in all are in no histogram"),
        ({"arrival_ages": Histogram(table(1), 2**63)}, f"1 ages of {2**63} ms in all"),
        ({"arrival_ages": Histogram(table(1)[1:], 0)}, r"counts of int64\(225,\) are not the"),
        ({"arrival_ages": Histogram(table(1) * 0.5, 0)}, r"counts of float64\(226,\) are not the"),
        (group(ages=Histogram(table(1), -7)), "1 ages of -7 ms in all are in no histogram"),
        ({"death_ages": Histogram(table(1), -7)}, "1 ages of -7 ms in all are in no histogram"),
        ({"append_to_death": Histogram(table(AGES), 0)}, "must be at least 0 and less than"),
    ],
)
def test_what_no_text_can_hold_is_refused(fields, why):
    """Keys, names, and histograms that are none."""
    with pytest.raises(ValueError, match=why):
        planted(**fields)


@pytest.mark.parametrize(
    ("fields", "limit", "why"),
    [
        (lambda n: {"groups": dict.fromkeys(keys(n), AGED)}, 5, "groups with processed ages"),
        (lambda n: {"groups": dict.fromkeys(keys(n), COUNTED)}, 16, "groups without"),
        (lambda n: {"causes": dict.fromkeys(keys(n), Cause("", 1))}, 20, "causes"),
        (lambda n: {"present_lags": dict.fromkeys(keys(n), OTHER_LAG)}, 8, "present lags of other"),
    ],
)
def test_a_table_is_bounded(fields, limit, why):
    """As many as there is room for, and not one more."""
    planted(**fields(limit))
    with pytest.raises(ValueError, match=f"^{limit + 1} {why}.*a state holds at most {limit}$"):
        planted(**fields(limit + 1))


def test_lags_of_groups_that_are_kept_do_not_count_as_others():
    """21 of these and 8 more."""
    groups = dict.fromkeys(keys(5), AGED) | dict.fromkeys(keys(21)[5:], COUNTED)
    state = planted(groups=groups, present_lags=dict.fromkeys(keys(29), OTHER_LAG))
    assert len(state.present_lags) == 29


OF_STREAM = {
    "groups": group(),
    "arrival ages": {"arrival_ages": Histogram(table(1), 0)},
}
OF_DEATHS = {
    "retrying": {"retrying": 1},
    "ages at death": {"death_ages": Histogram(table(1), 0)},
    "times from append to death": {"append_to_death": Histogram(table(1), 0)},
    "groups of causes": {"causes": {KEY: Cause("", 1, KEY)}},
}


@pytest.mark.parametrize(("living", "of_stream"), OF_STREAM.items())
@pytest.mark.parametrize(("dead", "of_deaths"), OF_DEATHS.items())
def test_a_state_is_of_a_stream_or_of_deaths(living, of_stream, dead, of_deaths):
    """Both may not fit; each alone is fine."""
    planted(**of_stream)
    planted(**of_deaths)
    with pytest.raises(ValueError, match=f"^{living}, {dead}: a state holds .* and not both$"):
        planted(**of_stream, **of_deaths)


def test_causes_that_older_texts_had_beside_groups_are_no_deaths():
    """Formats 2 and 3 could hold both, and what they held is read for ever."""
    causes = {"causes": {KEY: Cause("", 1)}, "other_causes": 2}
    assert planted(**OF_STREAM["groups"], **OF_STREAM["arrival ages"], **causes).other_causes == 2
