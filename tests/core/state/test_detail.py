"""What does not fit goes in order and is told; what counts never goes."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamgauge.core.histogram import SIZE, Histogram
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.detail import LADDER, LeftOut
from streamgauge.core.state.errors import StateTooLargeError
from streamgauge.core.state.limits import (
    ABSENT_TOPICS,
    AGED_GROUPS,
    CAUSES,
    CLASS_NAME_BYTES,
    COUNT,
    COUNTED_GROUPS,
    GUARANTEED_AGES,
    OFFSET,
    OTHER_LAGS,
    RESERVED_BYTES,
    TEXT_UNITS,
)
from streamgauge.core.state.names import COUNTERS, NAMED_COUNTS
from streamgauge.core.state.partition_state import (
    Cause,
    GroupState,
    NewerParts,
    PartitionState,
    PresentLag,
    ProcessedAges,
)
from streamgauge.core.state.sections.table import write_body
from streamgauge.model import GroupStatus, LagBound

from .bounds import (
    CAPACITY,
    DEATHS,
    GREATEST,
    GREATEST_OF_DEATHS,
    GREATEST_OF_STREAM,
    HISTOGRAMS,
    body,
)
from .conftest import histograms, unhurried

rng = np.random.default_rng(20_261_126)


def great(limit):
    """One of the greatest numbers below a limit: as long as any, and no packer makes it shorter."""
    return int.from_bytes(rng.bytes(8), "big") % (limit // 2) + limit // 2


def key():
    """Random digits, as hashes are."""
    return rng.bytes(8).hex()


def name():
    """A class name of full length, in letters without any order."""
    return rng.integers(48, 122, CLASS_NAME_BYTES, dtype=np.uint8).tobytes().decode()


def lag():
    """A great lag."""
    return PresentLag(
        great(OFFSET), LagBound.LOWER, great(OFFSET), LagBound.UPPER, rng.choice(GroupStatus)
    )


def full(tables, *, offset=OFFSET, count=COUNT, newer=None):
    """A state with groups in which every table is full and every number is great.

    Args:
        tables: counts of each histogram.
        offset: limit of offsets and times.
        count: limit of counts.
        newer: what newer versions wrote.
    """
    ages = [Histogram(table, int(table.sum()) * great(OFFSET)) for table in tables]
    groups = {
        key(): GroupState(great(offset), great(offset)) for _ in range(AGED_GROUPS + COUNTED_GROUPS)
    }
    for group, each in zip(list(groups), ages[1:], strict=False):
        processed = ProcessedAges(great(offset), each, great(count), great(count))
        groups[group] = groups[group]._replace(processed=processed)
    others = [key() for _ in range(OTHER_LAGS)]
    return PartitionState(
        **full_of_any(offset, count),
        arrival_ages=ages[0],
        groups=groups,
        causes={key(): Cause(name(), great(count)) for _ in range(CAUSES)},
        present_lags={each: lag() for each in (*groups, *others)},
        newer=newer,
    )


def full_of_deaths(tables):
    """The same with deaths, each cause in another group."""
    ages = [Histogram(table, int(table.sum()) * great(OFFSET)) for table in tables]
    return PartitionState(
        **full_of_any(OFFSET, COUNT),
        causes={key(): Cause(name(), great(COUNT), key()) for _ in range(CAUSES)},
        retrying=great(COUNT),
        death_ages=ages[0],
        append_to_death=ages[1],
    )


def full_of_any(offset, count):
    """What both have."""
    return {
        "topic_id": UUID(bytes=rng.bytes(16)),
        "life": key(),
        "life_start_ms": great(offset),
        "start_position": great(offset),
        "position": great(offset),
        "writer": key(),
        "version": great(offset),
        "as_of_ms": great(offset),
        "last_record_ms": great(offset),
        "forgotten": True,
        **{each: great(count) for each in COUNTERS},
        **{table: {each: great(count) for each in names} for table, names in NAMED_COUNTS.items()},
        "other_causes": great(count),
        "absent_topics": tuple(key() for _ in range(ABSENT_TOPICS)),
    }


def counts_of(state):
    """The state without what may be left out."""
    causes = {which: cause._replace(class_name="") for which, cause in state.causes.items()}
    return replace(state, causes=causes, present_lags={})


def check_that_all_counts_are_there(state):
    """Encodes, compares, and returns what was left out."""
    encoded = encode(state)
    assert len(encoded.text) <= TEXT_UNITS
    assert len(encoded.text.encode()) <= 12 * 1024
    back = decode(encoded.text, state.position)
    assert counts_of(back) == counts_of(state)
    gone = len(state.present_lags) - len(back.present_lags)
    cut = sum(
        back.causes[which].class_name != each.class_name for which, each in state.causes.items()
    )
    assert encoded.left_out == LeftOut(present_lags=gone, class_names=cut)
    return encoded.left_out


def test_all_counts_fit_by_computation():
    """The greatest bodies that the limits allow fit as they are, with room for newer sections."""
    assert GREATEST_OF_STREAM + RESERVED_BYTES <= CAPACITY
    assert GREATEST_OF_DEATHS + CAUSES * CLASS_NAME_BYTES + RESERVED_BYTES <= CAPACITY


def test_groups_and_deaths_together_would_not_fit():
    """Not even without what newer sections may take: this is why a state holds not both."""
    assert body(GREATEST) > CAPACITY


def flat():
    """Every bucket near 2**32: node by node the next power of two is just passed."""
    return 2**32 + rng.integers(0, 2**29, SIZE)


def alternating():
    """Every other bucket is empty."""
    return np.where(np.arange(SIZE) % 2, 0, 2**33 + rng.integers(0, 2**30, SIZE))


def steep():
    """Each bucket holds about half of the one before."""
    return np.array(
        [2 ** max(0, 38 - n) + int(rng.integers(2 ** max(0, 35 - n))) for n in range(SIZE)]
    )


def below():
    """All ages that are guaranteed, cut at random."""
    cuts = np.sort(rng.integers(0, GUARANTEED_AGES - 1, SIZE - 1))
    return np.diff(cuts, prepend=0, append=GUARANTEED_AGES - 1)


@pytest.mark.parametrize("table", [flat, alternating, steep, below])
def test_all_counts_fit_in_the_worst_case(table):
    """Six such histograms beside full tables of the greatest numbers."""
    tables = [table() for _ in range(HISTOGRAMS)]
    assert all(each.sum() < GUARANTEED_AGES for each in tables)
    state = full(tables)
    assert len(write_body(state, LADDER[-1])) <= GREATEST_OF_STREAM
    check_that_all_counts_are_there(state)
    dead = full_of_deaths(tables[:DEATHS])
    assert len(write_body(dead, LADDER[-1])) <= GREATEST_OF_DEATHS
    assert check_that_all_counts_are_there(dead) == LeftOut()


def test_the_worst_case_is_no_fiction():
    """States come within 3 % of the computed greatest bodies, and a text is nearly full."""
    state = full([flat() for _ in range(HISTOGRAMS)])
    assert len(write_body(state, LADDER[-1])) > 0.97 * GREATEST_OF_STREAM
    assert len(encode(state).text) > 0.93 * TEXT_UNITS
    dead = full_of_deaths([flat() for _ in range(DEATHS)])
    assert len(write_body(dead, LADDER[-1])) > 0.97 * GREATEST_OF_DEATHS


def test_random_counts_of_32_bits_leave_little_out():
    """Six histograms, every bucket any number of 32 bits, beside numbers of 40 bits."""
    tables = [rng.integers(0, 2**32, SIZE) for _ in range(HISTOGRAMS)]
    left_out = check_that_all_counts_are_there(full(tables, offset=2**40, count=2**40))
    assert left_out == LeftOut(present_lags=OTHER_LAGS, class_names=CAUSES)


@settings(unhurried, max_examples=30)
@given(st.lists(histograms(), min_size=HISTOGRAMS, max_size=HISTOGRAMS))
def test_all_counts_fit_for_any_histograms(some):
    """Beside full tables of greatest numbers."""
    state = full([each.counts for each in some])
    assert len(write_body(state, LADDER[-1])) <= GREATEST_OF_STREAM
    check_that_all_counts_are_there(state)
    dead = full_of_deaths([each.counts for each in some[:DEATHS]])
    assert len(write_body(dead, LADDER[-1])) <= GREATEST_OF_DEATHS
    assert check_that_all_counts_are_there(dead) == LeftOut()


def more_and_more():
    """States that leave less and less room, because a newer version wrote more and more."""
    state = full([rng.integers(0, 2**16, SIZE) for _ in range(HISTOGRAMS)])
    noise = rng.bytes(4000)
    for size in range(0, len(noise), 20):
        yield replace(state, newer=NewerParts(5, 2, ((11, noise[:size]),)))


def test_what_goes_first_and_what_goes_last():
    """Other groups' lags, then names to their ends, then names, then lags; then it is refused."""
    told = []
    for state in takewhile(fits, more_and_more()):
        left_out = check_that_all_counts_are_there(state)
        if not told or told[-1] != left_out:
            told.append(left_out)
    assert told == [
        LeftOut(),
        LeftOut(present_lags=OTHER_LAGS),
        LeftOut(present_lags=OTHER_LAGS, class_names=CAUSES),
        LeftOut(present_lags=AGED_GROUPS + COUNTED_GROUPS + OTHER_LAGS, class_names=CAUSES),
    ]


def fits(state):
    """Whether there is a text of it."""
    try:
        encode(state)
    except StateTooLargeError:
        return False
    return True


def test_names_lose_their_start_before_they_go():
    """The end of a class name tells most."""
    seen = []
    for state in takewhile(fits, more_and_more()):
        back = decode(encode(state).text, state.position)
        for which, cause in state.causes.items():
            name = back.causes[which].class_name
            assert cause.class_name.endswith(name)
            if len(name) not in seen:
                seen.append(len(name))
    assert seen == [CLASS_NAME_BYTES, 24, 0]


def test_too_many_ages_are_told_only_where_they_do_not_fit():
    """Beyond the guarantee a bell of ages still fits; ages spread over all buckets do not."""
    bell = 2.0**46 * np.exp(-(((np.arange(SIZE) - 90) / 20) ** 2))
    tables = [(bell * rng.uniform(0.5, 1, SIZE)).astype(np.int64) for _ in range(HISTOGRAMS)]
    assert all(each.sum() > 2**6 * GUARANTEED_AGES for each in tables)
    check_that_all_counts_are_there(full(tables))
    with pytest.raises(StateTooLargeError, match="do not fit 4096 characters: begin a new life"):
        encode(full([2**12 * flat() for _ in range(HISTOGRAMS)]))
