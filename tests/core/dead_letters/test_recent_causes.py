"""The causes of recent dead letters: counted, remembered and bounded."""

from __future__ import annotations

import pytest

from streamgauge.core.dead_letters.cause import CauseName, beyond_messages, cause_of
from streamgauge.core.dead_letters.cause_memory import LETTERS
from streamgauge.core.dead_letters.dead_letter import Address, DeadLetter, Dialect, Kind, Letter
from streamgauge.core.dead_letters.recent_causes import KNOWN, REMEMBERED, TOLD, RecentCauses

SPAN_MS = 60_000
NO_TOTALS = {}
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"


def letter(offset=1, *, key=None, context=None, **fields):
    """A dead letter that came from this offset."""
    known = {
        "dialect": Dialect.SPRING,
        "original_topic": "orders",
        "original_partition": 0,
        "original_offset": offset,
        "consumer_group": "billing",
        "error_class": "com.shop.InvalidAmountException",
        "message": "amount <n> is negative",
    }
    return Letter(DeadLetter(**known | fields), 0, offset, 1, key, None, context)


def of_class(number, offset=1):
    """A dead letter of another class."""
    return letter(offset, error_class=f"C{number}")


def named(causes, now_ms):
    """Classes of the causes that are told."""
    return {view.error_class for view in causes.views(now_ms, NO_TOTALS)}


@pytest.fixture
def causes():
    """The causes of a topic."""
    return RecentCauses(SPAN_MS)


def test_what_is_told_of_a_cause(causes):
    """Sampled is the last bit of the flags; the record that came most often is named."""
    causes.add(letter(7, key=1), 1_000)
    causes.add(letter(7, key=1, context=TRACE + b"03"), 2_000)
    causes.add(letter(9, key=2, context=TRACE.replace(b"0af7", b"ffff") + b"02"), 3_000)
    cause = cause_of(letter().said)
    [view] = causes.views(3_000, {cause.key: 5})
    assert view.key == cause.key
    assert (view.consumer_group, view.error_class) == ("billing", "InvalidAmountException")
    assert view.message == "amount <n> is negative"
    assert (view.recent, view.total, view.identities, view.times) == (3, 5, 2, 2)
    assert (view.first_ms, view.last_ms, view.is_new) == (1_000, 3_000, True)
    assert view.origin == Address("orders", 0, 7)
    assert view.trace_id == "0af7651916cd43dd8448eb211c80319c"
    assert (view.kind, view.reason) == (Kind.UNKNOWN, "too few to tell")


def test_of_records_that_came_once_the_last_origin_is_told(causes):
    """It is the easiest to find."""
    causes.add(letter(7), 1_000)
    causes.add(letter(9), 1_000)
    causes.add(letter(8), 1_000)
    [view] = causes.views(1_000, NO_TOTALS)
    assert (view.origin, view.times, view.trace_id) == (Address("orders", 0, 8), 1, None)


@pytest.mark.parametrize("unknown", ["original_partition", "original_offset"])
def test_an_address_that_leads_nowhere_is_not_told(causes, unknown):
    """And each such dead letter without a key counts as another record."""
    causes.add(letter(7, **{unknown: None}), 1_000)
    causes.add(letter(8, **{unknown: None}), 1_000)
    [view] = causes.views(1_000, NO_TOTALS)
    assert (view.origin, view.identities) == (None, 2)


def test_causes_leave_with_their_dead_letters_unless_the_totals_tell_them(causes):
    """A dead letter is recent for exactly the span."""
    causes.add(of_class(1), 1_000)
    causes.add(of_class(2), 2_000)
    causes.add(of_class(2), 2_000)
    assert [view.recent for view in causes.views(60_999, NO_TOTALS)] == [2, 1]
    assert [view.error_class for view in causes.views(61_000, NO_TOTALS)] == ["C2"]
    total = {cause_of(of_class(1).said).key: 1}
    assert [(view.recent, view.total) for view in causes.views(61_000, total)] == [
        (2, None),
        (0, 1),
    ]
    assert causes.views(62_000, NO_TOTALS) == ()
    [silent] = causes.views(62_000, {cause_of(of_class(2).said).key: 2})
    assert (silent.recent, silent.identities, silent.times) == (0, 0, 2)


def test_the_most_recent_dead_letters_come_first_and_others_are_counted(causes):
    """What has no place in the views is not lost."""
    for number in range(TOLD + 5):
        for _ in range(number + 1):
            causes.add(of_class(number), 1_000)
    views = causes.views(1_000, NO_TOTALS)
    assert [view.recent for view in views] == list(range(TOLD + 5, 5, -1))
    assert causes.other_recent(1_000) == 1 + 2 + 3 + 4 + 5


def test_no_dead_letter_is_left_out_however_many_causes_there_are(causes):
    """Asked twice at a time, the same is told."""
    for number in range(300):
        causes.add(of_class(number), 1_000)
        causes.add(letter(message=f"word{number}"), 1_000)
    views = causes.views(200_000, NO_TOTALS)  # nobody has asked within the span
    assert sum(view.recent for view in views) + causes.other_recent(200_000) == 600
    assert causes.other_recent(200_000) > 0
    assert causes.views(200_000, NO_TOTALS) == views
    assert causes.views(270_000, NO_TOTALS) == ()
    assert causes.other_recent(270_000) == 0


def test_a_cause_without_recent_dead_letters_gives_way(causes):
    """The one that was silent for longest; one with recent ones never."""
    for number in range(REMEMBERED):
        causes.add(of_class(number), 1_000 + number)
    causes.add(of_class(0), 2_000)
    causes.add(of_class(100), 61_000)
    assert "C100" not in named(causes, 61_000)
    causes.add(of_class(101), 61_001)
    assert "C101" in named(causes, 61_001)  # in the place of C1
    causes.add(of_class(1), 61_001)
    assert "C1" not in named(causes, 61_001)
    assert "C0" in named(causes, 61_001)


def test_messages_beyond_the_fourth_are_one_cause(causes):
    """What they have in common shows although no message was masked."""
    for number in range(10):
        causes.add(letter(number * 2, key=number, message=f"word{number}"), 1_000)
    views = causes.views(1_000, NO_TOTALS)
    assert [view.recent for view in views] == [6, 1, 1, 1, 1]
    assert {view.message for view in views} == {None, "word0", "word1", "word2", "word3"}
    assert views[0].kind is Kind.OUTAGE
    assert views[0].key == beyond_messages(cause_of(letter().said)).key
    assert causes.new_causes(1_000) == 5


def test_a_cause_is_new_once_in_a_life(causes):
    """For a span after its first dead letter."""
    causes.know([cause_of(of_class(1).said)])
    causes.add(of_class(1), 1_000)
    assert causes.new_causes(1_000) == 0
    causes.add(of_class(2), 1_000)
    causes.add(of_class(2), 2_000)
    assert causes.new_causes(2_000) == 1
    assert {v.error_class: v.is_new for v in causes.views(2_000, NO_TOTALS)} == {
        "C1": False,
        "C2": True,
    }
    causes.add(of_class(2), 60_999)
    assert [causes.new_causes(now_ms) for now_ms in (60_999, 61_000)] == [1, 0]
    assert not any(view.is_new for view in causes.views(61_000, NO_TOTALS))


def test_a_cause_without_a_place_is_new_once(causes):
    """It is known although nothing else is remembered of it."""
    for number in range(REMEMBERED + 3):
        causes.add(of_class(number), 1_000)
        causes.add(of_class(number), 1_001)
    assert causes.new_causes(1_001) == REMEMBERED + 3


def test_a_cause_that_gave_way_is_not_new_again(causes):
    """Its key is remembered for longer."""
    for number in range(REMEMBERED + 1):
        causes.add(of_class(number), 1_000 + number * SPAN_MS)
    now_ms = 1_000 + REMEMBERED * SPAN_MS
    causes.add(of_class(0), now_ms + SPAN_MS)
    assert causes.new_causes(now_ms) == REMEMBERED + 1  # told late, once
    assert causes.new_causes(now_ms + SPAN_MS) == 0


def test_a_cause_that_was_told_for_long_is_known_when_it_gives_way(causes):
    """However many others have come meanwhile."""
    causes.add(of_class(0), 1_000)
    causes.know(CauseName(f"{number:016x}", None, "C", None) for number in range(KNOWN))
    for number in range(1, REMEMBERED + 1):
        causes.add(of_class(number), 100_000)
    assert causes.new_causes(100_000) == 1 + REMEMBERED  # the first one is told late
    causes.add(of_class(0), 200_000)
    assert causes.new_causes(200_000) == 0


def test_a_stored_cause_keeps_its_name_where_there_is_no_room(causes):
    """Its total goes on to be told."""
    stored = cause_of(of_class(100).said)
    causes.know([stored])
    for number in range(REMEMBERED):
        causes.add(of_class(number), 1_000)
    causes.add(of_class(100), 1_000)
    causes.views(1_000, NO_TOTALS)
    [view] = causes.views(61_000, {stored.key: 3})
    assert (view.error_class, view.recent, view.total) == ("C100", 0, 3)


def test_what_comes_between_two_looks_at_one_time_is_told(causes):
    """Also what has no place."""
    causes.add(of_class(0), 1_000)
    causes.views(1_000, NO_TOTALS)
    causes.add(of_class(0), 1_000)
    assert causes.views(1_000, NO_TOTALS)[0].recent == 2


def test_a_class_with_many_messages_is_not_new_with_each(causes):
    """As far as a stored life knows them."""
    causes.know([beyond_messages(cause_of(letter().said))])
    for number in range(6):
        causes.add(letter(message=f"word{number}"), 1_000)
    assert causes.new_causes(1_000) == 0


def test_what_is_known_is_bounded(causes):
    """The cause that came least recently is new again after so many others."""
    causes.know(CauseName(f"{number:016x}", None, "C", None) for number in range(KNOWN))
    causes.know([CauseName(f"{0:016x}", None, "C", None), cause_of(of_class(1).said)])
    assert len(causes.views(1, {f"{number:016x}": 1 for number in range(KNOWN)})) == TOLD
    told = [len(causes.views(1, {f"{number:016x}": 1})) for number in range(3)]
    assert told == [1, 0, 1]


def test_another_life_knows_nothing(causes):
    """Offsets of another log say nothing."""
    causes.know([cause_of(of_class(1).said)])
    causes.add(of_class(2), 1_000)
    causes.add(letter(kind=Kind.POISON), 1_000)
    causes.forget()
    assert (causes.views(1_000, NO_TOTALS), causes.other_recent(1_000)) == ((), 0)
    assert (causes.new_causes(1_000), causes.poisons()) == (0, {})
    causes.add(of_class(1), 1_000)
    causes.add(of_class(2), 1_000)
    assert causes.new_causes(1_000) == 2


def test_identities_beyond_those_looked_at_count_as_different(causes):
    """At most so many are told, never too few."""
    for number in range(LETTERS + 10):
        causes.add(letter(number * 2, key=number % LETTERS), 1_000)
    [view] = causes.views(1_000, NO_TOTALS)
    assert (view.recent, view.identities) == (LETTERS + 10, LETTERS + 10)
    causes.add(letter(4, key=5), 30_000)
    [view] = causes.views(61_000, NO_TOTALS)
    assert (view.recent, view.identities, view.times) == (1, 1, 3)


def test_times_are_counted_beyond_the_letters_looked_at(causes):
    """A record that comes all the time is told with its true count."""
    for number in range(3 * LETTERS):
        causes.add(letter(4), number)
    [view] = causes.views(400, NO_TOTALS)
    assert (view.identities, view.times) == (1 + 2 * LETTERS, 3 * LETTERS)
    assert view.reason == f"poison: orders-0@4, {3 * LETTERS} times"


def test_a_record_that_comes_again_is_remembered_longer_than_others(causes):
    """Of those that came once the oldest are forgotten."""
    causes.add(letter(4, key=-1), 1_000)
    for key in range(LETTERS - 1):
        causes.add(letter(key * 2, key=key), 1_000)
    causes.add(letter(4, key=-1), 1_000)
    causes.add(letter(6, key=LETTERS), 1_000)
    causes.add(letter(4, key=-1), 100_000)
    causes.views(100_000, NO_TOTALS)
    [view] = causes.views(110_000, NO_TOTALS)
    assert (view.recent, view.reason) == (1, "poison: orders-0@4, third time")


def test_a_batch_tells_how_often_it_came(causes):
    """A group that stands before it stands at its first offset."""
    for at_ms in (1_000, 20_000):
        for offset in range(5, 9):
            causes.add(letter(offset, failed_at=at_ms), at_ms)
    [view] = causes.views(20_000, NO_TOTALS)
    assert (view.kind, view.times, view.origin) == (Kind.POISON, 2, Address("orders", 0, 8))
    assert causes.poisons() == {("billing", "orders", 0): 5}


def test_poison_is_told_by_group_and_partition(causes):
    """The last dead letter of a partition counts; without a whole address none does."""
    poison = {"kind": Kind.POISON}
    causes.add(letter(5, **poison), 1_000)
    causes.add(letter(7, **poison), 1_000)
    causes.add(letter(6, original_partition=1, **poison), 1_000)
    causes.add(letter(3, original_partition=2), 1_000)
    causes.add(letter(8, consumer_group=None, **poison), 1_000)
    causes.add(letter(8, consumer_group="outage", kind=Kind.OUTAGE), 1_000)
    causes.add(letter(9, consumer_group="unknown"), 1_000)
    causes.add(letter(9, consumer_group="x", original_topic=None, **poison), 1_000)
    assert causes.poisons() == {
        ("billing", "orders", 0): 7,
        ("billing", "orders", 1): 6,
        (None, "orders", 0): 8,
    }
    causes.add(letter(5, error_class="Other", **poison), 2_000)
    assert causes.poisons()["billing", "orders", 0] == 5
    causes.add(letter(7, **poison), 3_000)
    assert causes.poisons()["billing", "orders", 0] == 7


def test_of_records_that_come_again_and_again_only_the_one_is_poison(causes):
    """The other one has failed once."""
    for offset in (4, 4, 4, 90):
        causes.add(letter(offset), 1_000)
    causes.add(letter(2, key=1, consumer_group="keys", original_offset=None), 1_000)
    assert causes.poisons() == {("billing", "orders", 0): 4}


def test_a_clock_that_steps_back_does_no_harm(causes):
    """Nothing is lost or comes before it came."""
    causes.add(letter(4), 100_000)
    causes.add(letter(4), 1_000)
    [view] = causes.views(100_000, NO_TOTALS)
    assert (view.recent, view.last_ms, view.times) == (2, 100_000, 2)
