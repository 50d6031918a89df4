"""What a cause is called, and which causes have a place."""

from __future__ import annotations

import pytest

from streamgauge.core.dead_letters.cause import CauseName, beyond_messages, cause_of, place
from streamgauge.core.dead_letters.dead_letter import DeadLetter, Dialect
from streamgauge.core.state.keys import cause_key


def cause(message="amount <n> is negative", error_class="InvalidAmount", group="billing"):
    """The cause of a dead letter that says this."""
    said = DeadLetter(
        dialect=Dialect.SPRING, consumer_group=group, error_class=error_class, message=message
    )
    return cause_of(said)


def taking(*causes):
    """Causes that have places."""
    return {each.key: each for each in causes}


@pytest.mark.parametrize(
    ("error_class", "simple"),
    [
        ("com.shop.InvalidAmountException", "InvalidAmountException"),
        ("InvalidAmountException", "InvalidAmountException"),
        ("com.shop.Orders$Inner$TooLate", "TooLate"),
        ("com.shop.Orders$1", "Orders$1"),
        ("com.shop.Orders$", "Orders$"),
        ("Net::ReadTimeout", "Net::ReadTimeout"),
        ("*errors.errorString", "errorString"),
        (" com.shop.Late\n", "Late"),
        ("com.shop.", "com.shop."),
        (None, "unclassified"),
        ("", "unclassified"),
        ("  ", "unclassified"),
        ("card 4111 refused", "unclassified"),
        ("a.card\u00a04111", "unclassified"),
        ("a.b\0c", "unclassified"),
        ("x" * 100, "x" * 64),
    ],
)
def test_the_name_of_a_class(error_class, simple):
    """What is no class name may be a value, and is not told."""
    named = cause(error_class=error_class)
    assert named.error_class == simple
    assert named.key == cause_key("billing", simple, "amount <n> is negative")


def test_group_class_and_message_make_a_cause():
    """Each of them makes another one; packages do not."""
    others = [cause("other"), cause(error_class="Other"), cause(group="other"), cause(group=None)]
    assert len({cause().key, *(each.key for each in others)}) == 5
    assert cause(error_class="a.b.InvalidAmount") == cause(error_class="c.InvalidAmount")
    assert cause(None, group=None)[1:] == (None, "InvalidAmount", None)


def test_places_are_given_in_the_order_of_coming():
    """Twenty, and none after them; who has one keeps it."""
    taken = {}
    for number in range(25):
        placed = place(cause(error_class=f"C{number}"), taken)
        if placed is not None:
            taken[placed.key] = placed
    assert [each.error_class for each in taken.values()] == [f"C{number}" for number in range(20)]
    assert place(cause(error_class="C19"), taken) == cause(error_class="C19")
    assert place(cause(error_class="C20"), taken) is None
    assert place(cause(error_class="C20"), taken, limit=21) == cause(error_class="C20")


def test_a_class_has_four_messages_and_one_place_for_further_ones():
    """Which is no message, and not the cause of those that have none."""
    taken = taking(*(cause(message) for message in ("a", "b", "c", None)))
    beyond = place(cause("e"), taken)
    assert beyond == CauseName(beyond.key, "billing", "InvalidAmount", None)
    assert beyond.key != cause(None).key
    assert beyond == beyond_messages(cause("f"))
    taken |= taking(beyond)
    assert place(cause("f"), taken) == place(cause("f"), taken, limit=5) == beyond
    assert [place(cause(message), taken).message for message in ("a", None)] == ["a", None]
    assert place(cause(None), taken).key == cause(None).key
    assert place(cause("e", group="other"), taken) == cause("e", group="other")
    assert place(cause("e", group=None), taken) == cause("e", group=None)
    assert place(cause("e", "Other"), taken) == cause("e", "Other")


def test_without_room_there_is_no_place_for_further_messages_either():
    """They count among others."""
    taken = taking(*(cause(message) for message in "abcd"))
    assert place(cause("e"), taken, limit=4) is None
    assert place(cause("a"), taken, limit=4) == cause("a")


def test_stored_causes_without_messages_keep_their_places():
    """Their keys are known, and a letter tells the message again."""
    taken = {each.key: each._replace(message=None) for each in map(cause, "abcd")}
    assert place(cause("b"), taken) == cause("b")
    assert place(cause("e"), taken) == beyond_messages(cause("e"))
