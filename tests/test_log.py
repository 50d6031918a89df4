"""What the log writes, cuts, hides and leaves out."""

from __future__ import annotations

import ast
import io
import logging
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
import structlog

import streamgauge
from streamgauge import log
from streamgauge.events import Event, events_markdown, write
from streamgauge.log import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIBRARY = logging.getLogger("aiokafka.conn")
OWN = structlog.get_logger("streamgauge.kafka.tail")
DOCS = Path(__file__).parents[1] / "docs"
SOURCES = Path(streamgauge.__file__).parent


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        """What it shows."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Stands still until it is moved."""
    return Clock()


@pytest.fixture
def stream() -> io.StringIO:
    """Where the lines go."""
    return io.StringIO()


@pytest.fixture
def configure(stream: io.StringIO, clock: Clock) -> Iterator[Callable[..., None]]:
    """Configures the log to write to the stream, and takes it back in the end."""

    def configure(level: str = "info", line_format: str = "json") -> None:
        log.configure(level=level, line_format=line_format, stream=stream, clock=clock)

    yield configure
    log.unconfigure()


@pytest.fixture
def lines(
    configure: Callable[..., None], stream: io.StringIO
) -> Callable[[], list[dict[str, Any]]]:
    """Gives what was written as JSON since the log was configured."""
    configure()
    return lambda: [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_own_line(lines) -> None:
    """Time, level, writer and event come first, and then the event's own fields."""
    OWN.warning(Event.TOPIC_ABSENT, topic="orders.placed", partition=3, seconds=1.5)
    (line,) = lines()
    assert list(line)[:4] == ["timestamp", "level", "logger", "event"]
    assert line | {"timestamp": ""} == {
        "timestamp": "",
        "level": "warning",
        "logger": "streamgauge.kafka.tail",
        "event": "topic_absent",
        "topic": "orders.placed",
        "partition": 3,
        "seconds": 1.5,
    }


@pytest.mark.parametrize("event", list(Event), ids=str)
def test_events_are_written_at_their_level(configure, stream, event) -> None:
    """The table says the level, so that no call can say another one."""
    configure(level="debug")
    write(OWN, event, topic="orders.placed")
    line = orjson.loads(stream.getvalue())
    assert (line["event"], line["level"], line["topic"]) == (event, event.level, "orders.placed")


def test_timestamp(lines) -> None:
    """UTC with milliseconds, as the record has it."""
    record = logging.makeLogRecord({"name": "x", "levelno": 30, "msg": "m", "created": 1.0239})
    logging.getLogger().handle(record)
    assert lines()[0]["timestamp"] == "1970-01-01T00:00:01.023Z"


def test_library_line(lines) -> None:
    """Libraries go through the same renderer, with their message as the event."""
    LIBRARY.error("Unable connect to node with id %s: %s", 1, "refused")
    (line,) = lines()
    assert line["event"] == "Unable connect to node with id 1: refused"
    assert (line["level"], line["logger"]) == ("error", "aiokafka.conn")


def test_fields_cannot_hide_the_head(lines) -> None:
    """A check's level is not the line's level."""
    OWN.info(Event.CHECK_CHANGED, level="fail", timestamp=5, check="lag")
    (line,) = lines()
    assert (line["level"], line["level_"]) == ("info", "fail")
    assert line["timestamp_"] == 5


def test_bound_context(lines) -> None:
    """What is bound for a task is in its lines."""
    with structlog.contextvars.bound_contextvars(stream="orders"):
        OWN.info(Event.SERVICE_STARTED)
    OWN.info(Event.SERVICE_STARTED)
    assert [line.get("stream") for line in lines()] == ["orders", None]


def _fail() -> None:
    local = "payload" * 2
    try:
        {}["inner"]
    except KeyError as inner:
        raise ValueError(f"outer\x1b[2J {len(local)}") from inner


@pytest.mark.parametrize("logger", [OWN, LIBRARY], ids=["own", "library"])
def test_exceptions_are_fields(lines, logger) -> None:
    """Type, message, cause and frames, and no local variables."""
    try:
        _fail()
    except ValueError:
        logger.exception("crashed")
    (line,) = lines()
    assert line["event"] == "crashed"
    assert [(e["exc_type"], e["exc_value"]) for e in line["exception"]] == [
        ("ValueError", "outer\\x1b[2J 14"),
        ("KeyError", "'inner'"),
    ]
    assert line["exception"][0]["frames"][-1]["name"] == "_fail"
    assert "payloadpayload" not in str(line)


@pytest.mark.parametrize("logger", [OWN, LIBRARY], ids=["own", "library"])
def test_exceptions_in_console(configure, stream, logger) -> None:
    """People get a traceback below the line, again without local variables or control."""
    configure(line_format="console")
    try:
        _fail()
    except ValueError:
        logger.exception("crashed")
    text = stream.getvalue()
    assert "KeyError: 'inner'\n" in text
    assert text.endswith("ValueError: outer\\x1b[2J 14\n")
    assert "\x1b" not in text
    assert "payloadpayload" not in text


def test_console_keeps_an_event_on_one_line(configure, stream) -> None:
    """A message cannot look like a line of its own, nor move the cursor."""
    configure(line_format="console")
    LIBRARY.error("first\n2026-01-01 [critical] forged\x1b[1A")
    assert stream.getvalue().count("\n") == 1
    assert "first\\n2026" in stream.getvalue()
    assert "\\x1b[1A" in stream.getvalue()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, None),
        (True, True),
        (7, 7),
        (1.5, 1.5),
        (float("nan"), None),
        (1 << 70, str(1 << 70)),
        (np.int64(7), 7),
        ("caf\u00e9 \u4e16", "caf\u00e9 \u4e16"),
        ("a\x00b\x1b[2J\x7f", "a\\x00b\\x1b[2J\\x7f"),
        ("line\n\tnext", "line\n\tnext"),
        ("half \ud800 pair", "half \\ud800 pair"),
        ("\u202ereversed", "\\u202ereversed"),
        (b"payload", "<7 bytes>"),
        (bytearray(3), "<3 bytes>"),
        (ValueError("why"), "ValueError: why"),
        (("a", 1), ["a", 1]),
        ({3: {"deep": b"1"}}, {"3": {"deep": "<1 bytes>"}}),
        (Event.CRASHED, "crashed"),
        (Path("x"), "x"),
        ("x" * 2_000, "x" * 2_000),
        ("x" * 2_001, "x" * 2_000 + "... [1 more characters]"),
        (list(range(60)), list(range(50))),
        ("https://user:secret@host/path", "https://***@host/path"),
        ({"sasl_plain_password": "x", "user": "u"}, {"sasl_plain_password": "***", "user": "u"}),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_values(lines, value, told) -> None:
    """Every value becomes JSON that is bounded and harmless."""
    OWN.info(Event.SERVICE_STARTED, field=value)
    assert lines()[0]["field"] == told


def test_depth_is_bounded(lines) -> None:
    """What contains itself ends somewhere."""
    endless: list[Any] = []
    endless.append(endless)
    OWN.info(Event.SERVICE_STARTED, field=endless)
    assert lines()[0]["field"] == [[[[[[[["[[...]]"]]]]]]]]


@pytest.mark.parametrize("line_format", ["json", "console"])
def test_long_messages_are_cut_with_a_mark(configure, stream, line_format) -> None:
    """A library that quotes 4 KB of metadata does not get them into the log."""
    configure(line_format=line_format)
    LIBRARY.error("commit failed: %s", "m" * 4_096)
    assert "m" * 1_985 + "... [2111 more characters]" in stream.getvalue()
    assert "m" * 1_986 not in stream.getvalue()


def test_a_cut_cannot_uncover_a_secret(lines) -> None:
    """Credentials are masked before the text is cut between them and what tells them."""
    LIBRARY.error("x" * 1_990 + "https://user:secret@host")
    assert "secret" not in lines()[0]["event"]
    LIBRARY.error("x" * 1_980 + "https://u:hunter2" + "2" * 100 + "@host")
    assert "hunter" not in lines()[1]["event"]


def test_arguments_of_repeated_calls_are_not_told(lines) -> None:
    """A library's own structured line tells what happened, not with which values."""
    structlog.get_logger("stamina").warning(
        "stamina.retry_scheduled", args=("payload",), kwargs={"json": "payload"}, retry_num=1
    )
    (line,) = lines()
    assert line["retry_num"] == 1
    assert "payload" not in str(line)


@pytest.mark.parametrize(
    ("level", "own", "library", "talkative"),
    [
        ("debug", "debug", "info", "info"),
        ("info", "info", "info", "warning"),
        ("warning", "warning", "warning", "warning"),
        ("error", "error", "error", "error"),
        ("critical", "critical", "critical", "critical"),
    ],
)
def test_levels(configure, stream, level, own, library, talkative) -> None:
    """Own lines from the level on; libraries never below info, talkative ones never at it."""
    configure(level=level)
    for name in log.LEVELS:
        for logger in (OWN, LIBRARY, logging.getLogger("httpx"), logging.getLogger("httpcore.x")):
            getattr(logger, name)("said")
    told = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    lowest = {line["logger"]: line["level"] for line in reversed(told)}
    assert lowest == {
        "streamgauge.kafka.tail": own,
        "aiokafka.conn": library,
        "httpx": talkative,
        "httpcore.x": talkative,
    }


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"level": "loud"},
            "log.level: 'loud' is not a level; use one of debug, info, warning, error, critical",
        ),
        ({"level": "INFO"}, "log.level: 'INFO' is not a level"),
        ({"line_format": "xml"}, "log.format: 'xml' is unknown; use json or console"),
    ],
)
def test_bad_settings(settings, sentence) -> None:
    """What, where and what to do; and nothing is changed."""
    before = list(logging.getLogger().handlers)
    with pytest.raises(ValueError, match=f"^{sentence}"):
        log.configure(**settings)
    assert logging.getLogger().handlers == before


def test_flood_of_one_message(lines, clock) -> None:
    """1,000 equal errors are 5 lines, and 10 s later one summary with the right count."""
    for _ in range(1_000):
        LIBRARY.error("Failed fetch messages from %s: %s", 1, "down")
    assert len(lines()) == 5
    clock.seconds += 9.9
    log.tell_suppressed()
    assert len(lines()) == 5
    clock.seconds += 0.1
    log.tell_suppressed()
    log.tell_suppressed()
    *_, summary = told = lines()
    assert len(told) == 6
    assert (summary["event"], summary["logger"], summary["count"]) == (
        "log_suppressed",
        "aiokafka.conn",
        995,
    )
    assert summary["seconds"] == 10.0
    assert summary["level"] == "error"


def test_a_long_flood_loses_no_count(lines, clock) -> None:
    """A minute at 100 errors per second: every one is either a line or in a summary."""
    for tick in range(60):
        clock.seconds = 1_000.0 + tick
        for number in range(100):
            LIBRARY.error("Failed fetch messages %s", number)
    log.tell_suppressed(at_once=True)
    told = lines()
    summaries = [line for line in told if line["event"] == "log_suppressed"]
    written = len(told) - len(summaries)
    assert written + sum(line["count"] for line in summaries) == 60 * 100
    assert written == 5 + 5
    assert len(summaries) == 6


def test_flood_of_different_messages(lines, clock) -> None:
    """A library that formats its own messages is bounded by its logger: 20, then 2 per second."""
    for number in range(1_000):
        LIBRARY.error(f"node {number} is away")
    assert len(lines()) == 20
    clock.seconds += 1
    for number in range(1_000, 2_000):
        LIBRARY.error(f"node {number} is away")
    assert len(lines()) == 22
    log.tell_suppressed(at_once=True)
    assert lines()[-1]["count"] == 1_978


def test_templates_and_levels_are_counted_apart(lines) -> None:
    """One message that repeats does not silence another one, nor a worse one."""
    for _ in range(100):
        LIBRARY.info("rejoining")
    LIBRARY.error("rejoining")
    LIBRARY.info("joined")
    logging.getLogger("aiokafka.client").info("rejoining")
    assert [(line["level"], line["event"]) for line in lines()] == [
        *[("info", "rejoining")] * 5,
        ("error", "rejoining"),
        ("info", "joined"),
        ("info", "rejoining"),
    ]


def test_message_comes_back_after_a_while(lines, clock) -> None:
    """Once in 10 s it is written again, and the summary is written before it."""
    for _ in range(6):
        LIBRARY.info("rejoining")
    clock.seconds += 10
    LIBRARY.info("rejoining")
    assert [line["event"] for line in lines()] == [
        *["rejoining"] * 5,
        "log_suppressed",
        "rejoining",
    ]
    assert lines()[5]["level"] == "warning"


def test_a_clock_that_goes_back_does_no_harm(lines, clock) -> None:
    """Nothing is refilled for time that did not pass."""
    for _ in range(6):
        LIBRARY.info("rejoining")
        clock.seconds -= 100
    assert len(lines()) == 5


def test_own_lines_are_never_left_out(lines) -> None:
    """What the service tells is an event each time."""
    for _ in range(1_000):
        OWN.info(Event.CHECK_CHANGED)
    assert len(lines()) == 1_000


def test_a_name_that_only_begins_alike_is_a_library(lines) -> None:
    """`streamgaugex` is not the service."""
    for _ in range(10):
        logging.getLogger("streamgaugex").error("again")
    assert len(lines()) == 5


def test_summary_is_written_where_only_errors_are(configure, stream) -> None:
    """A level that hides warnings must not hide that errors were left out."""
    configure(level="error")
    for _ in range(10):
        LIBRARY.error("down")
    log.tell_suppressed(at_once=True)
    assert orjson.loads(stream.getvalue().splitlines()[-1])["count"] == 5


def test_limit_forgets_old_templates(clock) -> None:
    """Memory is bounded, whatever libraries say."""
    limit = RateLimit(clock)
    for number in range(2_000):
        limit.filter(logging.makeLogRecord({"name": "x", "levelno": 40, "msg": f"m {number}"}))
    assert len(limit._templates) == RateLimit.MAX_TEMPLATES  # noqa: SLF001 - not to be seen outside


def test_threads_do_not_lose_counts(lines) -> None:
    """Exporters log from threads of their own."""

    def flood() -> None:
        for _ in range(500):
            LIBRARY.error("down")

    threads = [threading.Thread(target=flood) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.tell_suppressed(at_once=True)
    told = lines()
    assert len(told) == 6
    assert told[-1]["count"] == 1_995


def test_summary_at_the_end(configure, stream) -> None:
    """What is taken back has told all it left out."""
    configure()
    for _ in range(7):
        LIBRARY.error("down")
    log.unconfigure()
    assert orjson.loads(stream.getvalue().splitlines()[-1])["count"] == 2


def test_configuring_again_replaces(configure, stream) -> None:
    """One handler, however often; and the last settings count."""
    before = len(logging.getLogger().handlers)
    for line_format in ("json", "console", "json"):
        configure(line_format=line_format)
    assert len(logging.getLogger().handlers) == before + 1
    OWN.info(Event.SERVICE_STARTED)
    assert stream.getvalue().count("\n") == 1
    assert stream.getvalue().startswith("{")


def test_unconfigure_leaves_no_trace(configure) -> None:
    """Handlers, levels, warnings and structlog are as they were."""
    names = ("", "streamgauge", "httpx", "httpcore", "uvicorn")

    def state() -> tuple[Any, ...]:
        levels = [logging.getLogger(name).level for name in names]
        return list(logging.getLogger().handlers), levels, warnings.showwarning

    before = state()
    configure(level="debug")
    configure(level="critical")
    assert state() != before
    log.unconfigure()
    assert state() == before
    assert not structlog.is_configured()
    log.unconfigure()
    log.tell_suppressed()
    assert state() == before


def test_lines_go_to_stderr(capsys) -> None:
    """Also where stderr was replaced after the log was configured."""
    log.configure()
    try:
        replaced, sys.stderr = sys.stderr, io.StringIO()
        OWN.info(Event.SERVICE_STARTED)
        elsewhere, sys.stderr = sys.stderr, replaced
        OWN.info(Event.SERVICE_STOPPED)
    finally:
        log.unconfigure()
    assert "service_started" in elsewhere.getvalue()
    captured = capsys.readouterr()
    assert "service_stopped" in captured.err
    assert captured.out == ""


def test_python_warnings_are_lines(lines) -> None:
    """A warning of Python is not a stray text among the lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old", UserWarning, stacklevel=1)
    assert lines()[0]["logger"] == "py.warnings"


def test_works_with_caplog(lines, caplog) -> None:
    """The tests of others see own events and libraries' messages."""
    OWN.warning(Event.TOPIC_ABSENT, topic="orders.placed")
    LIBRARY.warning("node %s", 1)
    own, library = caplog.records
    assert (own.name, own.levelname) == ("streamgauge.kafka.tail", "WARNING")
    assert own.msg["event"] == "topic_absent"
    assert library.getMessage() == "node 1"
    assert len(lines()) == 2


def test_events_document() -> None:
    """docs/events.md has the table that the code has."""
    document = (DOCS / "events.md").read_text(encoding="utf-8")
    assert document.endswith("## Events\n\n" + events_markdown()), (
        "put the output of streamgauge.events.events_markdown() under '## Events' of docs/events.md"
    )


@pytest.mark.parametrize("event", list(Event), ids=str)
def test_event_rows(event: Event) -> None:
    """Each has a level, one sentence, and something to do where it is not just good to know."""
    assert event == event.value == event.name.lower()
    assert event.level in log.LEVELS
    for text in filter(None, (event.meaning, event.action)):
        assert text.endswith(".")
        assert "|" not in text
    if event.level in {"warning", "error", "critical"}:
        assert event.action


def _direct_calls() -> Iterator[str]:
    """Where the service's code calls a method of a logger with a text or an event."""
    for path in sorted(SOURCES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {*log.LEVELS, "exception"}
                and node.args
                and isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.Attribute)
            ):
                yield f"{path.relative_to(SOURCES)}:{node.lineno}: {ast.unparse(node)}"


def test_code_writes_events_only() -> None:
    """Every line of the service goes through `write`, which knows names and levels."""
    assert list(_direct_calls()) == []
