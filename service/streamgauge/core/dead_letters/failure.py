"""What went wrong, of a chain of exceptions: the first class that says it, and the root cause."""

from __future__ import annotations

from typing import Final, NamedTuple

from streamgauge.core.dead_letters.error_chain import Chain, Link
from streamgauge.core.dead_letters.message import own_message

CARRIERS: Final = frozenset(
    {
        "org.springframework.kafka.listener.ListenerExecutionFailedException",
        "org.springframework.kafka.listener.TimestampedException",
        "org.springframework.kafka.listener.BatchListenerFailedException",
        "org.springframework.messaging.MessagingException",
        "org.springframework.messaging.MessageHandlingException",
        "org.springframework.core.retry.RetryException",
        "io.smallrye.reactive.messaging.providers.ProcessingException",
        "java.lang.reflect.InvocationTargetException",
    }
)
"""Classes of frameworks that only carry what was thrown."""
_CONVERTERS: Final = frozenset(
    {
        "org.springframework.kafka.support.serializer.DeserializationException",
        "org.apache.kafka.connect.errors.ConnectException",
        "org.apache.kafka.connect.errors.DataException",
    }
)
"""Wrappers that say something by themselves, where nothing better is known."""
WRAPPERS: Final = CARRIERS | _CONVERTERS


class Failure(NamedTuple):
    """What went wrong, as a whole."""

    error_class: str | None = None
    root_cause_class: str | None = None
    message: str | None = None
    """Not masked."""
    classes: tuple[str, ...] = ()
    """All that are named, from the thrown one inwards."""


NO_FAILURE: Final = Failure()


def failure_of(
    chain: Chain,
    *,
    thrown: str | None = None,
    cause: str | None = None,
    message: str | None = None,
) -> Failure:
    """What went wrong: the first class that is no wrapper, or the last one if all are.

    Args:
        chain: Of the stack trace; its classes count before those of the headers.
        thrown: Class that was caught, from a header.
        cause: Class of its cause, from a header.
        message: Of the class that was caught, from a header. Where frameworks put the message of
            the cause behind their own, only that is taken.
    """
    links = chain.links
    if not links:
        links = tuple(Link(name, None) for name in (thrown, cause) if name)
    classes = tuple(link.name for link in links)
    found = next((at for at, name in enumerate(classes) if name not in WRAPPERS), None)
    if found is None and classes:
        if chain.is_whole:
            found = len(classes) - 1
        else:
            found = next((at for at, name in enumerate(classes) if name not in CARRIERS), None)
    if chain.root and chain.root not in classes:
        classes = (*classes, chain.root)
    own = own_message(message) if message else None
    if found is None:
        return Failure(None, chain.root, None if own in {thrown, cause} else own, classes)
    error = links[found]
    is_messaged = error.name == cause or (found == 0 and thrown in {None, error.name})
    text = own if own is not None and is_messaged else own_message(error.message or "")
    return Failure(error.name, chain.root, text or None, classes)
