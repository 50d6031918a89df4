"""Classes from stack traces of Java and tracebacks of Python, whole or cut."""

from __future__ import annotations

import pytest

from streamgauge.core.dead_letters.dead_letter import Kind
from streamgauge.core.dead_letters.error_chain import (
    HEAD_BYTES,
    MOST_CAUSES,
    TAIL_BYTES,
    read_chain,
    read_class,
    read_error_text,
)
from streamgauge.core.dead_letters.failure import failure_of
from streamgauge.core.dead_letters.kind import kind_of
from streamgauge.core.dead_letters.retrying import is_retry_name

AT = "\n\tat a.b.C.d(C.java:1)"
FRAMES = AT * 3


@pytest.mark.parametrize(
    ("trace", "names", "root"),
    [
        ("", [], None),
        (f"a.B: x{FRAMES}\n", ["a.B"], "a.B"),
        ("a.B: x\n", ["a.B"], "a.B"),
        (f"a.B{FRAMES}", ["a.B"], "a.B"),
        (f"a.B: x{FRAMES}\nCaused by: c.D$E: y{FRAMES}\n\t... 3 more\n", ["a.B", "c.D$E"], "c.D$E"),
        (f"a.B: x{FRAMES}\r\nCaused by: c.D\r\n", ["a.B", "c.D"], "c.D"),
        (
            f"a.B: x{AT}\n\tSuppressed: s.S: z{AT}\n\tCaused by: t.T: z{AT}\nCaused by: c.D{AT}\n",
            ["a.B", "c.D"],
            "c.D",
        ),
        # cut: what follows nobody knows
        (f"a.B: x{FRAMES}\n\tat a.b.C.d(C.ja", ["a.B"], None),
        (f"a.B: x{FRAMES}\nCaused by: c.D: half a mess", ["a.B", "c.D"], None),
        (f"a.B: x{FRAMES}\nCaused by: java.lang.Illeg", ["a.B"], None),
        (f"a.B: x{FRAMES}\nCaused by: [CIRCULAR REFERENCE: a.B: x]\n", ["a.B"], None),
        ("not a trace\n at all\n", [], None),
        (f"not a trace{FRAMES}\nCaused by: c.D: y{FRAMES}\n", [], "c.D"),
        ("A.B: x ---> C.D: y\n   at E.F() in g:line 1\n", ["A.B"], None),
        ("a..B: x\n", [], None),
        (f"eyJhbGciOiJIUzI1NiJ9.eyJz: x{FRAMES}\n", [], None),
    ],
)
def test_java(trace, names, root):
    """Causes stand at the start of a line; the root is told only if the trace is whole."""
    chain = read_chain(trace.encode())
    assert [link.name for link in chain.links] == names
    assert chain.root == root


def test_long_trace_is_read_at_both_ends():
    """The first classes are in its head, the root cause in its tail."""
    middle = AT * (2 * HEAD_BYTES // len(AT))
    trace = f"a.B: x{middle}\nCaused by: c.D: y{middle}\nCaused by: e.F: z{AT}\n"
    chain = read_chain(trace.encode())
    assert [link.name for link in chain.links] == ["a.B"]
    assert (chain.root, chain.is_whole) == ("e.F", False)
    no_cause_near_the_end = f"a.B: x{middle}\nCaused by: c.D: y{AT * (TAIL_BYTES // 10)}\n"
    assert read_chain(no_cause_near_the_end.encode()).root is None


def test_many_causes():
    """Links are bounded; the last one is still the root."""
    trace = "a.B: x" + "".join(f"\nCaused by: c.D{i}: y" for i in range(100)) + "\n"
    chain = read_chain(trace.encode())
    assert (len(chain.links), chain.root) == (MOST_CAUSES + 1, "c.D99")


HEAD = 'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n    ^^^\n'
CAUSE = "\nThe above exception was the direct cause of the following exception:\n\n"
DURING = "\nDuring handling of the above exception, another exception occurred:\n\n"


@pytest.mark.parametrize(
    ("trace", "name", "message", "root"),
    [
        (f"{HEAD}ValueError: no stock\n", "ValueError", "no stock", "ValueError"),
        (f"{HEAD}a.b.OrderError: no stock", "a.b.OrderError", "no stock", "a.b.OrderError"),
        (f"{HEAD}KeyError\n", "KeyError", None, "KeyError"),
        (f"{HEAD}ValueError: two\nlines: of it\n", "ValueError", "two", "ValueError"),
        (f"{HEAD}A.E: 1\n{CAUSE}{HEAD}BError: 2\n", "BError", "2", "A.E"),
        (f"{HEAD}AError: 1\n{DURING}{HEAD}BError: 2\n", "BError", "2", None),
        (f"log line\n{HEAD}BError: 2\n", "BError", "2", "BError"),
    ],
)
def test_python(trace, name, message, root):
    """The last block is what was thrown, the first what it comes from, if that is said."""
    chain = read_chain(trace.encode())
    assert chain.links == ((name, message),)
    assert chain.root == root


@pytest.mark.parametrize(
    "trace", [HEAD, "Traceback (most recent call last):", HEAD + "not a class\n"]
)
def test_python_without_a_class(trace):
    """A traceback that was cut says nothing."""
    assert read_chain(trace.encode()).links == ()


WRAPPER = "org.springframework.kafka.listener.ListenerExecutionFailedException"
BATCH = "org.springframework.kafka.listener.BatchListenerFailedException"
DATA = "org.apache.kafka.connect.errors.DataException"
INVOKED = "java.lang.reflect.InvocationTargetException"


@pytest.mark.parametrize(
    ("trace", "headers", "error", "root", "message"),
    [
        ("", {"thrown": WRAPPER, "cause": "a.B", "message": "m"}, "a.B", None, "m"),
        ("", {"thrown": WRAPPER, "cause": BATCH, "message": "m"}, None, None, "m"),
        ("", {"thrown": WRAPPER}, None, None, None),
        ("", {"thrown": DATA, "message": "m"}, DATA, None, "m"),
        (f"{DATA}: m\n", {"thrown": DATA, "message": "m"}, DATA, DATA, "m"),
        (f"{BATCH}: m\n", {}, BATCH, BATCH, "m"),
        (f"{WRAPPER}: w\nCaused by: {BATCH}: b\nCaused by: a.B: c\n", {}, "a.B", "a.B", "c"),
        (f"a.B: m{AT}\nCaused by: {INVOKED}\n", {}, "a.B", INVOKED, "m"),
        (
            f"{DATA}: generic\nCaused by: a.B: c\n",
            {"thrown": DATA, "message": "generic"},
            "a.B",
            "a.B",
            "c",
        ),
        ("", {"message": "m"}, None, None, "m"),
        ("a.ProcessingException: m\nCaused by: c.D\n", {}, "a.ProcessingException", "c.D", "m"),
    ],
)
def test_failure(trace, headers, error, root, message):
    """The first class that is no framework's wrapper, with the message that is its own."""
    failure = failure_of(read_chain(trace.encode()), **headers)
    assert (failure.error_class, failure.root_cause_class, failure.message) == (
        error,
        root,
        message,
    )


@pytest.mark.parametrize(
    ("name", "is_class"),
    [
        (b"java.lang.Exception", True),
        (b"h3.App$Inner", True),
        ("h3.\u00c9rreur".encode(), True),
        (b"ValueError", True),
        (b"", False),
        (b"a b", False),
        (b"1.A", False),
        (b"a.", False),
        (b"\xff.A", False),
        (b"a" * 256, False),
        (b"AKIAIOSFODNN7EXAMPLE", False),
        (b"k9X2m7Q4w8Z1", False),
        (None, False),
    ],
)
def test_class_names(name, is_class):
    """What cannot be a class is unknown."""
    assert (read_class(name) is not None) is is_class


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("NullPointerException: x", ["NullPointerException"]),
        ("com.a.Rejected", ["com.a.Rejected"]),
        ("Timed out: x", []),
        ("Payment: x", []),
        ("a.B: x; nested exception is c.D: y", ["a.B", "c.D"]),
        ("a.BException: x\n\tat q\nCaused by: c.D: y\n", ["a.BException", "c.D"]),
        ("first line\nsecond: line", []),
        (None, []),
    ],
)
def test_error_text(text, names):
    """A text begins with a class, or with a word."""
    assert [link.name for link in read_error_text(text).links] == names


@pytest.mark.parametrize(
    ("classes", "stage", "kind"),
    [
        (("a.OrderException", "java.net.SocketTimeoutException"), None, Kind.OUTAGE),
        (("java.net.SocketTimeoutException", "a.OrderException"), None, Kind.UNKNOWN),
        (("a.E", "java.net.ConnectException"), None, Kind.OUTAGE),
        (("a.E", "java.sql.SQLTransientConnectionException"), None, Kind.OUTAGE),
        (("a.ServiceUnavailableException",), None, Kind.OUTAGE),
        ((DATA,), None, Kind.UNKNOWN),
        (("org.apache.kafka.connect.errors.ConnectException",), None, Kind.UNKNOWN),
        (("a.ConnectorConfigError",), None, Kind.UNKNOWN),
        (("x.SerializationException", "j.JsonEOFException"), None, Kind.POISON),
        (("x.SerializationException", "java.net.ConnectException"), None, Kind.OUTAGE),
        (("o.RecordDeserializationException",), None, Kind.POISON),
        (("a.E",), "VALUE_CONVERTER", Kind.POISON),
        (("a.E",), "TRANSFORMATION", Kind.POISON),
        (("a.E",), "TASK_PUT", Kind.UNKNOWN),
        ((), None, Kind.UNKNOWN),
    ],
)
def test_kind(classes, stage, kind):
    """By the innermost class, then by any, then by the stage."""
    assert kind_of(classes, stage) is kind


@pytest.mark.parametrize(
    ("topic", "is_retry"),
    [
        ("orders-retry", True),
        ("orders-retry-0", True),
        ("orders_retry_2000", True),
        ("orders.retry", True),
        ("orders-RETRY-10000", True),
        ("orders-retry2", True),
        ("orders-dlq-retry", False),
        ("orders-retry-dlt", False),
        ("orders-retry.DLQ", False),
        ("orders-retry-dead-letters", False),
        ("orders-retry-dead", False),
        ("orders-retrying", False),
        ("retries", False),
        ("orders", False),
    ],
)
def test_retry_topics(topic, is_retry):
    """As Spring and SmallRye name them; never one for the dead."""
    assert is_retry_name(topic) is is_retry
