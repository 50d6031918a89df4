"""Log lines: one event per line on stderr, and no library can flood them or tell secrets."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import ExceptionRenderer, format_exc_info
from structlog.tracebacks import ExceptionDictTransformer

from streamgauge.events import Event
from streamgauge.log_lines import OWN, as_json, bounded, head, is_own, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from structlog.typing import Processor

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
FORMATS: Final = ("json", "console")
TALKATIVE: Final = ("httpx", "httpcore", "uvicorn")
"""Libraries that tell every request or every step at info: they are heard from warning on."""


def configure(
    *,
    level: str = "info",
    line_format: str = "json",
    stream: TextIO | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Send the service's and the libraries' lines to stderr; calling it again replaces the former.

    Libraries are heard from info on at most: their debug lines quote requests with credentials.

    Args:
        level: debug, info, warning, error or critical.
        line_format: `json` (one object per line) or `console` (for people).
        stream: where lines go; None is what `sys.stderr` is when a line is written.
        clock: seconds that never go back, for the rate limit.

    Raises:
        ValueError: naming the setting, what it is and what it may be.
    """
    if level not in LEVELS:
        raise ValueError(f"log.level: {level!r} is not a level; use one of {', '.join(LEVELS)}")
    if line_format not in FORMATS:
        raise ValueError(f"log.format: {line_format!r} is unknown; use {' or '.join(FORMATS)}")
    unconfigure()
    number = LEVELS[level]
    talkative = logging.INFO if number == logging.DEBUG else max(number, logging.WARNING)
    levels = {"": max(number, logging.INFO), OWN: number} | dict.fromkeys(TALKATIVE, talkative)
    handler = _Handler(stream or _Stderr(), RateLimit(clock), levels)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=_chain(line_format)))
    logging.getLogger().addHandler(handler)
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def unconfigure() -> None:
    """Take back what `configure` did; nothing happens where it was never called."""
    handler = _installed()
    if handler is None:
        return
    tell_suppressed(at_once=True)
    logging.getLogger().removeHandler(handler)
    handler.close()
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def tell_suppressed(*, at_once: bool = False) -> None:
    """Write the due summaries of what was left out; to be called every few seconds.

    Args:
        at_once: whether to tell also what is not due yet, because the service ends.
    """
    handler = _installed()
    if handler is not None:
        handler.limit.tell(at_once=at_once)


class RateLimit(logging.Filter):
    """Lets libraries say a thing a few times; the rest is counted and told in one line.

    A line passes while its template (logger, level, unformatted message) and its logger both have
    a token: 5 at once and 1 per 10 s for a template, 20 at once and 20 per 10 s for a logger.
    The service's own lines always pass.
    """

    TEMPLATE = (5, 0.1)
    """Tokens of a full bucket and tokens per second."""
    LOGGER = (20, 2.0)
    SUMMARY_SECONDS = 10
    MAX_TEMPLATES = 512
    """Messages may be formatted by their writers, so templates have no natural limit."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()
        self._templates: OrderedDict[tuple[str, int, str], _Bucket] = OrderedDict()
        self._loggers: dict[str, _Bucket] = {}
        self._suppressed: dict[str, _Suppressed] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; due summaries are written before it."""
        passes = is_own(record.name) or self._take(record)
        self.tell()
        return passes

    def tell(self, *, at_once: bool = False) -> None:
        """Write a summary for every logger whose first left out line is 10 s old."""
        now = self._clock()
        with self._lock:
            due = {
                name: left_out
                for name, left_out in self._suppressed.items()
                if at_once or now - left_out.since >= self.SUMMARY_SECONDS
            }
            for name in due:
                del self._suppressed[name]
        for name, left_out in due.items():  # an error must not be hidden where only errors show
            write = _log.error if left_out.worst >= logging.ERROR else _log.warning
            write(
                Event.LOG_SUPPRESSED,
                logger=name,
                count=left_out.count,
                seconds=round(now - left_out.since, 1),
            )

    def _take(self, record: logging.LogRecord) -> bool:
        now = self._clock()
        key = (record.name, record.levelno, str(record.msg)[:200])
        with self._lock:
            template = self._templates.setdefault(key, _Bucket(*self.TEMPLATE, now))
            self._templates.move_to_end(key)
            if len(self._templates) > self.MAX_TEMPLATES:
                self._templates.popitem(last=False)
            logger = self._loggers.setdefault(record.name, _Bucket(*self.LOGGER, now))
            template.refill(now)
            logger.refill(now)
            if template.tokens >= 1 and logger.tokens >= 1:
                template.tokens -= 1
                logger.tokens -= 1
                return True
            left_out = self._suppressed.setdefault(record.name, _Suppressed(since=now))
            left_out.count += 1
            left_out.worst = max(left_out.worst, record.levelno)
            return False


@dataclass(slots=True)
class _Bucket:
    """A token bucket that is full at first."""

    size: int
    per_second: float
    at: float
    tokens: float = math.inf

    def refill(self, now: float) -> None:
        self.tokens = min(self.size, self.tokens + max(0.0, now - self.at) * self.per_second)
        self.at = now


@dataclass(slots=True)
class _Suppressed:
    """Lines of one logger that were left out."""

    since: float
    count: int = 0
    worst: int = logging.NOTSET


class _Stderr:
    """Whatever `sys.stderr` is at the moment of writing."""

    def write(self, text: str) -> object:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Handler(logging.StreamHandler[Any]):
    """The one handler on the root logger; it keeps the levels that it changed."""

    def __init__(self, stream: object, limit: RateLimit, levels: Mapping[str, int]) -> None:
        super().__init__(stream)
        self.limit = limit
        self.addFilter(limit)
        self._before = {name: logging.getLogger(name).level for name in levels}
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)

    def close(self) -> None:
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)
        super().close()


def _chain(line_format: str) -> list[Processor]:
    """What turns a record into its line; local variables never enter it: they hold payloads."""
    if line_format == "json":
        frames = ExceptionDictTransformer(show_locals=False, use_rich=False, max_frames=20)
        return [head, ExceptionRenderer(frames), bounded, as_json]
    colors = sys.stderr.isatty()
    renderer = ConsoleRenderer(colors=colors, exception_formatter=plain_traceback)
    return [head, format_exc_info, readable, renderer]


def _installed() -> _Handler | None:
    handlers = logging.getLogger().handlers
    return next((handler for handler in handlers if isinstance(handler, _Handler)), None)


_log: Final = structlog.get_logger(__name__)
