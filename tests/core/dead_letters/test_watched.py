"""A watched dead letter topic: whose dead letters count, as what, and what is told of them."""

from dataclasses import replace

import pytest

from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect, Kind, Letter
from streamgauge.core.gauge import DeadLetterTopic, StreamGauge, StreamPolicy
from streamgauge.core.keeping import Goes, grown, planted
from streamgauge.core.state.codec import decode, encode

POLICY = StreamPolicy(
    name="orders",
    topic="orders",
    asset_key=("orders",),
    groups=("billing",),
    dead_letters=(DeadLetterTopic("dlq", ("dlq",), frozenset({"orders"})),),
    window_ms=60_000,
    resolution_ms=100,
    checks={},
)


def said(**fields):
    """What a dead letter of `billing` says, with these fields."""
    known = {
        "dialect": Dialect.SPRING,
        "original_topic": "orders",
        "original_partition": 0,
        "original_offset": 2,
        "consumer_group": "billing",
        "error_class": "com.shop.InvalidAmountException",
        "message": "amount <n> is negative",
    }
    return DeadLetter(**known | fields)


def letters(*them, first_offset=0):
    """Letters at consecutive offsets of partition 0, of different keys."""
    return [
        Letter(each, 0, first_offset + row, 1, 1_000 + row, None, None)
        for row, each in enumerate(them)
    ]


@pytest.fixture
def gauge():
    """A stream and its dead letter topic, of one partition each."""
    made = StreamGauge(POLICY, "a" * 16, 9_000)
    made.assigned("orders", {0: 0})
    made.assigned("dlq", {0: 0})
    return made


def fold(gauge, columns, *them, first_offset=0, received_ms=10_000):
    """Fold these dead letters."""
    gauge.fold(
        columns(
            [1] * len(them),
            topic="dlq",
            first_offset=first_offset,
            received_ms=received_ms,
            letters=letters(*them, first_offset=first_offset),
        )
    )


def view(gauge, now_ms=10_000):
    """What is told of the dead letter topic."""
    return gauge.tick(now_ms).snapshot.dead_letters[0]


def test_dead_letters_are_counted_by_cause(gauge, columns):
    """Each has a name."""
    timeout = said(error_class="java.net.SocketTimeoutException", message=None)
    fold(gauge, columns, said(), timeout, said())
    told = view(gauge)
    counts = {
        (told.cause_names[key].error_class, told.cause_names[key].consumer_group): count
        for key, count in told.totals.causes.items()
    }
    assert counts == {
        ("InvalidAmountException", "billing"): 2,
        ("SocketTimeoutException", "billing"): 1,
    }
    assert (told.recent, told.totals.dead_letters, told.totals.other_causes) == (3, 3, 0)
    assert [each.recent for each in told.causes] == [2, 1]


def test_what_is_being_tried_again_is_not_dead(gauge, columns):
    """It is told apart."""
    fold(gauge, columns, said(retrying=True), said())
    told = view(gauge)
    assert (told.recent, told.retrying_recent) == (1, 1)
    assert (told.totals.dead_letters, told.totals.retrying) == (1, 1)


def test_the_ledger_tells_the_age_at_death(gauge, columns):
    """And how long the record lay in the log."""
    gauge.fold(columns([1_000, 2_000, 3_000], received_ms=9_500))
    fold(gauge, columns, said())
    totals = view(gauge).totals
    assert (totals.death_ages.count, totals.death_ages.sum_ms) == (1, 7_000)
    assert (totals.append_to_death.count, totals.append_to_death.sum_ms) == (1, 500)


def test_an_origin_that_is_read_later_tells_the_age_then(gauge, columns):
    """At the next tick."""
    fold(gauge, columns, said())
    assert view(gauge).totals.death_ages.count == 0
    gauge.fold(columns([1_000, 2_000, 3_000], received_ms=10_100))
    assert view(gauge, 10_200).totals.death_ages.sum_ms == 7_000


def test_an_origin_that_was_fetched_tells_the_age(gauge, columns):
    """The log was asked for one record."""
    fold(gauge, columns, said())
    assert gauge.origins_to_look_up(12_000) == {"orders": {0: [2]}}
    gauge.origin_found("orders", 0, 2, 4_000)
    assert view(gauge, 12_000).totals.death_ages.sum_ms == 6_000


@pytest.mark.parametrize(
    ("takes_unknown", "counted"),
    [(True, ["orders", None, "nobody"]), (False, ["orders"])],
)
def test_streams_that_share_a_topic_count_their_own(columns, takes_unknown, counted):
    """What names no origin goes to the one named first; all move their positions."""
    shared = DeadLetterTopic(
        "dlq", ("dlq",), frozenset({"orders"}), frozenset({"carts"}), takes_unknown
    )
    gauge = StreamGauge(replace(POLICY, dead_letters=(shared,)), "a" * 16, 9_000)
    gauge.assigned("dlq", {0: 0})
    origins = ["orders", "carts", None, "nobody"]
    fold(gauge, columns, *(said(original_topic=each) for each in origins))
    assert view(gauge).totals.dead_letters == len(counted)
    assert gauge.positions("dlq") == {0: 4}
    gauge.undecodable("dlq", 0, 4, 1)
    assert view(gauge).recent == len(counted) + takes_unknown


def test_windows_of_the_topic_are_those_of_the_stream(gauge, columns):
    """So that the share has one denominator."""
    view(gauge)
    fold(gauge, columns, said(), said())
    told = gauge.tick(60_000).snapshot
    assert told.dead_letters[0].last_window.totals.dead_letters == 2
    window = told.dead_letters[0].last_window
    assert (window.start_ms, window.end_ms) == (told.last_window.start_ms, 60_000)


def test_a_cause_is_new_once_in_a_life(gauge, columns):
    """In another life all are new."""
    fold(gauge, columns, said())
    assert view(gauge).new_causes == 1
    fold(gauge, columns, said(), first_offset=1, received_ms=100_000)
    assert view(gauge, 100_000).new_causes == 0
    gauge.begin_life("b" * 16, "orders", 100_001)
    fold(gauge, columns, said(), first_offset=2, received_ms=100_002)
    assert view(gauge, 100_002).new_causes == 1


def test_a_poison_record_is_named_to_the_group_that_stands_before_it(gauge, columns):
    """And to no other group."""
    poison = said(kind=Kind.POISON)
    fold(gauge, columns, poison, poison, poison)
    [watched] = gauge.dead_letters
    assert watched.poisons("orders", "billing") == {0: 2}
    assert watched.poisons("orders", "shipping") == watched.poisons("carts", "billing") == {}


def test_causes_go_on_from_what_is_stored(columns, state):
    """With class, group and count; the message comes back with the next dead letter."""
    gauge = StreamGauge(POLICY, "a" * 16, 9_000, kept=True)
    gauge.assigned("dlq", {0: 0})
    first = planted(None, gauge.life, 0, ("b" * 16, 1))
    gauge.planted({("dlq", 0): first})
    gauge.assigned("orders", {0: 0})
    gauge.fold(columns([1_000, 2_000, 3_000], received_ms=9_500))
    fold(gauge, columns, said(), said(retrying=True))
    [captured] = gauge.capture(before_ms=0, urgent=True)
    stored = decode(encode(grown(captured, None, ("b" * 16, 2)).state).text, 2)
    successor = StreamGauge(POLICY, "c" * 16, 11_000, kept=True)
    successor.restore(Goes(stored.life, stored.life_start_ms, {("dlq", 0): stored}, {}), 11_000)
    before = view(successor, 11_000)
    assert (before.totals.dead_letters, before.totals.retrying) == (1, 1)
    assert before.totals.death_ages.sum_ms == 7_000
    [name] = before.cause_names.values()
    assert name[1:] == ("billing", "InvalidAmountException", None)
    fold(successor, columns, said(), first_offset=2, received_ms=12_000)
    after = view(successor, 12_000)
    assert after.new_causes == 0
    [name] = after.cause_names.values()
    assert name.message == "amount <n> is negative"


def test_what_is_read_again_after_a_restore_is_told_once(columns):
    """A record is no poison because the gauge has read it three times."""
    gauge = StreamGauge(POLICY, "a" * 16, 9_000, kept=True)
    gauge.assigned("dlq", {0: 0})
    state = planted(None, gauge.life, 0, ("b" * 16, 1))
    gauge.planted({("dlq", 0): state})
    for _ in range(3):
        fold(gauge, columns, said(), said(retrying=True))
        gauge.restore(Goes(*gauge.life, {("dlq", 0): state}, {}), 10_000)
    told = view(gauge)
    assert (told.recent, told.retrying_recent) == (1, 1)
    assert [(each.recent, each.times, each.kind) for each in told.causes] == [(1, 1, Kind.UNKNOWN)]


def test_no_cause_is_called_new_where_others_were_not_kept_by_name(columns, state):
    """It may be one of those."""
    gauge = StreamGauge(POLICY, "c" * 16, 11_000, kept=True)
    stored = state(position=5, dead_letters=5, other_causes=5)
    gauge.restore(Goes(stored.life, stored.life_start_ms, {("dlq", 0): stored}, {}), 11_000)
    fold(gauge, columns, said(), first_offset=5, received_ms=12_000)
    assert view(gauge, 12_000).new_causes == 0


def test_a_record_that_died_before_it_happened_is_counted_as_such(gauge, columns):
    """By clocks that differ; its age enters as 0."""
    gauge.fold(columns([1_000, 2_000, 20_000], received_ms=9_500))
    negative = gauge.tick(9_600).snapshot.totals.negative
    fold(gauge, columns, said())
    totals = view(gauge).totals
    assert (totals.death_ages.count, totals.death_ages.sum_ms, totals.negative) == (1, 0, 1)
    assert gauge.tick(10_001).snapshot.totals.negative == negative + 1
