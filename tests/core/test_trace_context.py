"""Trace headers: the public W3C cases, b3, Datadog, records of real frameworks, hostile bytes."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streamgauge.core.trace_context import (
    MAX_TRACESTATE_BYTES,
    OTHER_TRACE_HEADERS,
    SAMPLED_DIGITS,
    Rejection,
    TraceContext,
    TraceSource,
    is_version_00,
    read_trace_context,
    read_traceparent,
)

DATA = Path(__file__).parent.parent / "data"
T = "4bf92f3577b34da6a3ce929d0e0e4736"
S = "00f067aa0ba902b7"
PARENT = f"00-{T}-{S}-01"
LOW = "a3ce929d0e0e4736"
"""The low 64 bits of the trace id."""


def headers_of(*pairs):
    """Headers with values written as text."""
    return [(name, value if value is None else value.encode()) for name, value in pairs]


def w3c_cases():
    """The public cases as pytest parameters."""
    cases = json.loads((DATA / "w3c_trace_context.json").read_text())
    return [pytest.param(case, id=case["name"]) for case in cases]


def real_records():
    """The records of real frameworks as pytest parameters."""
    return [
        pytest.param(json.loads(line), id=f"{path.stem}-{number}")
        for path in sorted((DATA / "traces").glob("*.jsonl"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
    ]


@pytest.mark.parametrize("case", w3c_cases())
def test_w3c_case(case):
    """Every public W3C case except HTTP's rule for a repeated traceparent."""
    context, rejections = read_trace_context(headers_of(*case["headers"]))
    if case["trace_id"] is None:
        assert context is None
    else:
        assert context is not None
        assert context.source is TraceSource.W3C
        assert (context.trace_id, context.flags) == (case["trace_id"], case["flags"])
        assert context.tracestate == case["tracestate"]
    names = [name.lower() for name, _ in case["headers"]]
    refused = any(r.startswith("traceparent") for r in rejections)
    assert refused == (case["trace_id"] is None and "traceparent" in names)


def test_the_w3c_cases_are_all_there():
    """No case got lost on the way: as many as the suite has, without the one that is HTTP's."""
    assert len(w3c_cases()) == 86


@pytest.mark.parametrize("record", real_records())
def test_record_of_a_real_framework(record):
    """The writer's span, its flags and tracestate, from the headers each framework leaves."""
    headers = [(n, None if v is None else base64.b64decode(v)) for n, v in record["headers"]]
    expected = record["expected"]
    context, _ = read_trace_context(headers)
    if expected["trace_id"] is None:
        assert context is None
        return
    assert context is not None
    assert context.trace_id == expected["trace_id"]
    assert expected["span_id"] in {None, context.span_id}
    assert context.source == expected.get("from", "w3c")
    assert context.flags == int(expected.get("flags", "01"), 16)
    assert context.sampled == (context.flags & 1 == 1)
    if expected["case"] != "co-badjson":  # this scenario knows no tracestate
        assert context.tracestate == expected.get("tracestate")


def test_the_real_records_are_all_there():
    """Nine frameworks, 44 records, b3 among them."""
    records = [param.values[0] for param in real_records()]
    assert len({record["framework"] for record in records}) == 9
    assert len(records) == 44
    assert sum(record["expected"].get("from") == "b3" for record in records) == 8


REFUSED = [
    ("", "traceparent_length"),
    (PARENT[:-1], "traceparent_length"),
    (PARENT + "\n", "traceparent_length"),
    (PARENT + "-", "traceparent_length"),
    ("\N{ARABIC-INDIC DIGIT ZERO}" + PARENT[1:], "traceparent_version"),
    (f"ff-{T}-{S}-01", "traceparent_version"),
    (f"FE-{T}-{S}-01", "traceparent_version"),
    (f"0x-{T}-{S}-01", "traceparent_version"),
    (f"00-{T.upper()}-{S}-01", "traceparent_format"),
    (f"00-{T}-{S.upper()}-01", "traceparent_format"),
    (f"00-{T}-{S}-0A", "traceparent_format"),
    (f"00-{T[:-2]}_1-{S}-01", "traceparent_format"),
    (f"00-+{T[1:]}-{S}-01", "traceparent_format"),
    (f"00_{T}-{S}-01", "traceparent_format"),
    (f"00-{T}_{S}-01", "traceparent_format"),
    (f"01-{T}-{S}-010", "traceparent_format"),
    (f"01-{T}-{S}-01\n", "traceparent_format"),
    (f"00-{'0' * 32}-{S}-01", "traceparent_zero_id"),
    (f"cc-{T}-{'0' * 16}-01", "traceparent_zero_id"),
]


@pytest.mark.parametrize(("value", "reason"), REFUSED)
def test_refused_traceparent_is_named(value, reason):
    """A refused traceparent has exactly one reason and leaves no context."""
    assert not is_version_00(value.encode())
    assert read_trace_context(headers_of(("traceparent", value))) == (None, [Rejection(reason)])


@pytest.mark.parametrize(
    ("value", "normalised"),
    [
        (PARENT, PARENT),
        (f"00-{T}-{S}-ff", f"00-{T}-{S}-ff"),
        (f" \t00-{T}-{S}-03\t", f"00-{T}-{S}-03"),
        (f"01-{T}-{S}-ff", f"00-{T}-{S}-03"),
        (f"01-{T}-{S}-01-", f"00-{T}-{S}-01"),
        (f"fe-{T}-{S}-fc-new", f"00-{T}-{S}-00"),
        (f"00-{'0' * 31}1-{'0' * 15}1-00", f"00-{'0' * 31}1-{'0' * 15}1-00"),
    ],
)
def test_normalised_traceparent(value, normalised):
    """Version 00 keeps its flags; of a higher version only the known flags are kept."""
    read = read_traceparent(headers_of(("traceparent", value)))
    assert read == (normalised.encode(), TraceSource.W3C, [])


def test_of_repeated_traceparents_the_last_valid_one_is_the_writers():
    """Clients append theirs to what they forward; a broken one after it changes nothing."""
    old, new, broken = f"00-{'1' * 32}-{S}-01", f"00-{T}-{S}-03", f"00-xyz-{S}-01"
    names = ("traceparent", "TraceParent", "traceparent")
    context, rejections = read_trace_context(
        headers_of(*zip(names, (old, new, broken), strict=True))
    )
    assert context == TraceContext(T, S, 3, None, TraceSource.W3C)
    assert rejections == [Rejection.TRACEPARENT_LENGTH]


@pytest.mark.parametrize("flags", range(256))
def test_sampled_is_flag_bit_0(flags):
    """For every value of the flags, also by the last digit alone."""
    value = f"00-{T}-{S}-{flags:02x}".encode()
    context, _ = read_trace_context([("traceparent", value)])
    assert context is not None
    assert context.sampled == (flags % 2 == 1) == (value[54] in SAMPLED_DIGITS)


def test_null_headers_are_absent():
    """A null value is no value: neither an answer nor a fault."""
    names = ["traceparent", "tracestate", *sorted(OTHER_TRACE_HEADERS)]
    assert read_trace_context([(name, None) for name in names]) == (None, [])
    with_null = headers_of(("traceparent", PARENT), ("traceparent", None), ("tracestate", None))
    assert read_trace_context(with_null) == (TraceContext(T, S, 1, None, TraceSource.W3C), [])


@pytest.mark.parametrize(
    ("tracestate", "expected"),
    [
        ("a=1,,b=2,", "a=1,b=2"),
        (" , \t,", None),
        ("0a=x y", "0a=x y"),
        ("a= x", "a= x"),
        ("a=" + "v" * 256, "a=" + "v" * 256),
        ("a=" + "v" * 257, Rejection.TRACESTATE_FORMAT),
        ("a", Rejection.TRACESTATE_FORMAT),
        ("=1", Rejection.TRACESTATE_FORMAT),
        ("a=\x7f", Rejection.TRACESTATE_FORMAT),
        ("a=\u00e9", Rejection.TRACESTATE_FORMAT),
        ("a=1\n", Rejection.TRACESTATE_FORMAT),
        (",".join(["k=1"] * 33), Rejection.TRACESTATE_MEMBERS),
        (",".join(["k=1"] * 32) + ",,", ",".join(["k=1"] * 32)),
        ("a=1" + "," * MAX_TRACESTATE_BYTES, Rejection.TRACESTATE_SIZE),
    ],
)
def test_tracestate(tracestate, expected):
    """A refused tracestate is named, and dropped without its traceparent."""
    context, rejections = read_trace_context(
        headers_of(("tracestate", tracestate), ("traceparent", PARENT))
    )
    assert context is not None
    assert context.trace_id == T
    if isinstance(expected, Rejection):
        assert (context.tracestate, rejections) == (None, [expected])
    else:
        assert (context.tracestate, rejections) == (expected, [])


def test_a_tracestate_of_full_length_is_read():
    """32 members of the longest key and the longest value fit the limit."""
    tracestate = ",".join(f"{i:0256}={'v' * 256}" for i in range(32))
    headers = headers_of(("traceparent", PARENT), ("tracestate", tracestate))
    assert read_trace_context(headers) == (
        TraceContext(T, S, 1, tracestate, TraceSource.W3C),
        [],
    )


@pytest.mark.parametrize(
    ("value", "trace_id", "flags"),
    [
        (f"{T}-{S}", T, 0),
        (f"{T}-{S}-0", T, 0),
        (f"{T}-{S}-1", T, 1),
        (f"{T}-{S}-d", T, 1),
        (f"{T}-{S}-1-{LOW}", T, 1),
        (f"{T}-{S}-{LOW}", T, 0),
        (f" {LOW}-{S}-1\t", LOW.zfill(32), 1),
        (f"{LOW}-{S}", LOW.zfill(32), 0),
    ],
)
def test_b3_single(value, trace_id, flags):
    """Ids of 64 and 128 bits, with and without sampling state and parent."""
    context = TraceContext(trace_id, S, flags, None, TraceSource.B3)
    headers = headers_of(("B3", value), ("tracestate", "a=1"))
    assert read_trace_context(headers) == (context, [])


@pytest.mark.parametrize("state", ["0", "1", "d"])
def test_b3_state_alone_is_no_context_and_no_fault(state):
    """A sampling decision without ids says nothing of a trace."""
    assert read_trace_context(headers_of(("b3", state))) == (None, [])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "b3_format"),
        ("2", "b3_format"),
        (T, "b3_format"),
        (f"{T.upper()}-{S}-1", "b3_format"),
        (f"{T}-{S}-2", "b3_format"),
        (f"{T}-{S}-1-{S}-1", "b3_format"),
        (f"{T}-{S}-1\n", "b3_format"),
        (f"{T[:24]}-{S}-1", "b3_format"),
        (f"{'0' * 16}-{S}-1", "b3_zero_id"),
        (f"{T}-{'0' * 16}-1", "b3_zero_id"),
    ],
)
def test_refused_b3_single_is_named(value, reason):
    """One reason, no context."""
    assert read_trace_context(headers_of(("b3", value))) == (None, [Rejection(reason)])


@pytest.mark.parametrize(
    ("more", "flags", "rejections"),
    [
        ([], 0, []),
        ([("X-B3-Sampled", "1")], 1, []),
        ([("x-b3-sampled", "true")], 1, []),
        ([("X-B3-Sampled", "0")], 0, []),
        ([("X-B3-Sampled", "false")], 0, []),
        ([("X-B3-Sampled", "yes")], 0, ["b3_sampled"]),
        ([("X-B3-Flags", "1")], 1, []),
        ([("X-B3-Flags", "0")], 0, []),
        ([("X-B3-Sampled", "1"), ("X-B3-ParentSpanId", LOW)], 1, []),
        ([("b3", "0")], 0, []),
        ([("b3", "x")], 0, ["b3_format"]),
    ],
)
def test_b3_multi(more, flags, rejections):
    """Sampled, debug and deferred; the single header goes first but need not answer."""
    headers = headers_of(("X-B3-TraceId", LOW), ("X-B3-SpanId", S), *more)
    context = TraceContext(LOW.zfill(32), S, flags, None, TraceSource.B3)
    assert read_trace_context(headers) == (context, [Rejection(r) for r in rejections])


@pytest.mark.parametrize(
    ("pairs", "rejections"),
    [
        ([("x-b3-traceid", T)], ["b3_incomplete"]),
        ([("x-b3-spanid", S)], ["b3_incomplete"]),
        ([("x-b3-sampled", "1")], []),
        ([("x-b3-traceid", "x"), ("x-b3-spanid", S)], ["b3_format", "b3_incomplete"]),
        ([("x-b3-traceid", "0" * 32), ("x-b3-spanid", S)], ["b3_zero_id", "b3_incomplete"]),
        ([("x-b3-traceid", T), ("x-b3-spanid", "x")], ["b3_format", "b3_incomplete"]),
        ([("x-b3-traceid", T), ("x-b3-spanid", "0" * 16)], ["b3_zero_id", "b3_incomplete"]),
    ],
)
def test_refused_b3_multi_is_named(pairs, rejections):
    """Every header that cannot be used is refused for its own reason."""
    assert read_trace_context(headers_of(*pairs)) == (None, [Rejection(r) for r in rejections])


DATADOG = [
    ("x-datadog-trace-id", str(int(LOW, 16))),
    ("x-datadog-parent-id", str(int(S, 16))),
]


@pytest.mark.parametrize(
    ("more", "trace_id", "flags", "rejections"),
    [
        ([], LOW.zfill(32), 0, []),
        ([("x-datadog-tags", f"_dd.p.dm=-1,_dd.p.tid={T[:16]}")], T, 0, []),
        ([("x-datadog-tags", "_dd.p.dm=-1")], LOW.zfill(32), 0, []),
        ([("x-datadog-tags", f"_dd.p.tid={T[:15]}")], LOW.zfill(32), 0, ["datadog_tid"]),
        ([("x-datadog-tags", f"_dd.p.tid={T[:16].upper()}")], LOW.zfill(32), 0, ["datadog_tid"]),
        ([("x-datadog-sampling-priority", "2")], LOW.zfill(32), 1, []),
        ([("X-Datadog-Sampling-Priority", "1")], LOW.zfill(32), 1, []),
        ([("x-datadog-sampling-priority", "0")], LOW.zfill(32), 0, []),
        ([("x-datadog-sampling-priority", "-1")], LOW.zfill(32), 0, []),
        ([("x-datadog-sampling-priority", "1_0")], LOW.zfill(32), 0, ["datadog_priority"]),
    ],
)
def test_datadog(more, trace_id, flags, rejections):
    """Decimal low 64 bits, hexadecimal high 64 bits, priority above 0 is sampled."""
    context = TraceContext(trace_id, S, flags, None, TraceSource.DATADOG)
    headers = headers_of(*DATADOG, *more)
    assert read_trace_context(headers) == (context, [Rejection(r) for r in rejections])


@pytest.mark.parametrize(
    ("trace_id", "reasons"),
    [
        (None, ["datadog_incomplete"]),
        ("", ["datadog_format", "datadog_incomplete"]),
        ("-1", ["datadog_format", "datadog_incomplete"]),
        ("1_0", ["datadog_format", "datadog_incomplete"]),
        ("\N{ARABIC-INDIC DIGIT ONE}", ["datadog_format", "datadog_incomplete"]),
        (str(1 << 64), ["datadog_format", "datadog_incomplete"]),
        ("9" * 21, ["datadog_format", "datadog_incomplete"]),
        ("0", ["datadog_zero_id", "datadog_incomplete"]),
    ],
)
def test_refused_datadog_is_named(trace_id, reasons):
    """Ids are unsigned 64-bit decimals that are not zero, and one without the other is nothing."""
    headers = headers_of(("x-datadog-trace-id", trace_id), DATADOG[1])
    assert read_trace_context(headers) == (None, [Rejection(reason) for reason in reasons])


def test_the_largest_datadog_id_is_read():
    """2**64 - 1 is an id, and parent id without trace id is refused like the reverse."""
    headers = headers_of(("x-datadog-trace-id", str((1 << 64) - 1)), DATADOG[1])
    context, _ = read_trace_context(headers)
    assert context is not None
    assert context.trace_id == "0" * 16 + "f" * 16
    assert read_trace_context(headers[:1]) == (None, [Rejection.DATADOG_INCOMPLETE])


def test_precedence():
    """A valid traceparent silences b3, b3 silences Datadog; a refused one does neither."""
    b3 = ("b3", f"{'b' * 32}-{S}-1")
    for headers, source, rejections in [
        ([*DATADOG, b3, ("traceparent", PARENT)], "w3c", []),
        ([*DATADOG, ("b3", "bad"), ("traceparent", PARENT)], "w3c", []),
        ([*DATADOG, b3, ("traceparent", "bad")], "b3", ["traceparent_length"]),
        ([*DATADOG, b3], "b3", []),
        ([*DATADOG, ("b3", "bad")], "datadog", ["b3_format"]),
        ([*DATADOG, ("b3", "0")], "datadog", []),
    ]:
        context, found = read_trace_context(headers_of(*headers))
        assert context is not None
        assert (context.source, found) == (source, [Rejection(r) for r in rejections])


NAMES = st.sampled_from(["traceparent", "tracestate", "TraceParent", *sorted(OTHER_TRACE_HEADERS)])
HEX = "0123456789abcdef"
NEARLY = st.one_of(
    st.from_regex(rb"[0f][0f]-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}-?", fullmatch=True),
    st.from_regex(rb"[0-9a-f]{16}-[0-9a-f]{16}(-[01d])?(-[0-9a-f]{16})?", fullmatch=True),
    st.from_regex(rb"[a-z]{1,3}=[!-~]{0,4}( ?, ?[a-z]=1)*", fullmatch=True),
    st.text("0123456789", max_size=21).map(str.encode),
    st.binary(max_size=60),
    st.none(),
)
HEADERS = st.lists(st.tuples(st.one_of(NAMES, st.text(max_size=5)), NEARLY), max_size=8)


@given(HEADERS)
def test_nothing_is_raised_and_what_is_read_is_valid(headers):
    """Any bytes under any name: no exception, and a context only in its one valid form."""
    context, rejections = read_trace_context(headers)
    assert all(isinstance(rejection, Rejection) for rejection in rejections)
    parent = read_traceparent(headers)
    assert (parent.value is None) == (context is None)
    if context is not None:
        assert parent.value is not None
        assert is_version_00(parent.value)
        written = f"00-{context.trace_id}-{context.span_id}-{context.flags:02x}"
        assert written.encode() == parent.value
        assert parent.source is context.source
        assert context.tracestate is None or context.source is TraceSource.W3C


@given(
    st.one_of(
        st.binary(min_size=54, max_size=57),
        st.builds(
            lambda text, at, byte: text[:at] + byte + text[at + 1 :],
            st.from_regex(rb"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", fullmatch=True),
            st.integers(0, 55),
            st.binary(max_size=1),
        ),
    )
)
@example(f"00-{'0' * 31}1-{'0' * 15}1-00".encode())
@example(f"00-{'0' * 32}-{S}-00".encode())
@example(f"00-{T}-{'0' * 16}-00".encode())
@example(f"01-{T}-{S}-00".encode())
@example(PARENT.encode() + b"\n")
def test_the_fast_test_agrees_with_the_parser(value):
    """`is_version_00` is true for exactly what the parser hands back unchanged."""
    assert is_version_00(value) == (read_traceparent([("traceparent", value)]).value == value)
