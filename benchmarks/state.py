"""How great a partition's state is as text, what reading and writing it costs, and how exact it is.

Run: `python benchmarks/state.py`. The partition is busy: a million records a minute for a week,
five groups whose ages are kept, sixteen that are counted, the lags of all groups and eight more;
and twenty causes, which the texts of earlier versions could hold beside them. That of a dead letter
topic has twenty causes of three groups, and how old the dead letters were. Counts are drawn at
random from the distributions, so that their low digits are as they are in life. Times are the
best of many rounds; they depend on the machine. Quantiles are read from states that were written
and read back, and set against the exact ones of the same ages: the layout of the histograms
promises at most 4.4 %.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import sys
import uuid
from dataclasses import replace
from functools import partial
from statistics import NormalDist
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from streamgauge.core.histogram import SIZE, UPPER_BOUNDS_MS, Histogram
from streamgauge.core.state.codec import decode, encode
from streamgauge.core.state.keys import cause_key, group_key
from streamgauge.core.state.limits import (
    AGED_GROUPS,
    CAUSES,
    COUNTED_GROUPS,
    GUARANTEED_AGES,
    OTHER_LAGS,
)
from streamgauge.core.state.partition_state import (
    Cause,
    GroupState,
    PartitionState,
    PresentLag,
    ProcessedAges,
)
from streamgauge.model import GroupStatus, LagBound

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Draw = Callable[[np.random.Generator, int], NDArray[np.int64]]

WEEK_RECORDS = 1_000_000 * 60 * 24 * 7
SAMPLE = 2_000_000
ROUNDS = 400
START_MS = 1_795_217_557_332
QUANTILES = (0.5, 0.9, 0.99, 0.999)

MEDIANS_MS = (80, 500, 900, 2_000, 300, 5_000)
"""Of the arrival ages, then of the processed ages of each group."""
SPREADS = (0.6, 0.8, 1.0, 0.7, 1.2, 0.9)
"""Standard deviations of the ages' logarithms."""
LATER = 300
"""In the bimodal case one record in ten is this many times older."""
DYING_GROUPS = 3
"""Consumer groups in which the dead letters died."""

CLASS_NAMES = (
    "java.lang.NullPointerException",
    "java.net.SocketTimeoutException",
    "java.util.concurrent.TimeoutException",
    "java.sql.SQLTransientConnectionException",
    "org.apache.kafka.common.errors.SerializationException",
    "org.apache.kafka.common.errors.RecordTooLargeException",
    "org.apache.kafka.connect.errors.DataException",
    "org.springframework.dao.DataIntegrityViolationException",
    "org.springframework.dao.CannotAcquireLockException",
    "org.springframework.messaging.converter.MessageConversionException",
    "org.springframework.web.client.HttpServerErrorException",
    "com.fasterxml.jackson.core.JsonParseException",
    "com.fasterxml.jackson.databind.exc.MismatchedInputException",
    "io.confluent.kafka.schemaregistry.client.rest.exceptions.RestClientException",
    "com.example.orders.pricing.UnknownCurrencyException",
    "com.example.orders.InvalidSkuException",
    "com.example.orders.StockExhaustedException",
    "pydantic_core._pydantic_core.ValidationError",
    "sqlalchemy.exc.OperationalError",
    "builtins.KeyError",
)


def lognormal(median_ms: float, spread: float) -> NDArray[np.float64]:
    """The share of each bucket in ages of a lognormal distribution, in whole milliseconds."""
    logs = np.log(UPPER_BOUNDS_MS + 1) - np.log(median_ms)
    below = [NormalDist().cdf(log / spread) for log in logs]
    return np.diff(below, prepend=0, append=1)


def bimodal(median_ms: float, spread: float) -> NDArray[np.float64]:
    """The same, with one record in ten much older."""
    return 0.9 * lognormal(median_ms, spread) + 0.1 * lognormal(LATER * median_ms, spread)


def flat(_: float, __: float) -> NDArray[np.float64]:
    """All buckets alike: the most that a text has to hold."""
    return np.full(SIZE, 1 / SIZE)


def histograms(
    shares: Callable[[float, float], NDArray[np.float64]], records: int
) -> list[Histogram]:
    """So many ages, drawn at random, for each of the distributions."""
    rng = np.random.default_rng(1)
    bounds = [*UPPER_BOUNDS_MS.tolist(), 2**40]
    drawn = []
    for median_ms, spread in zip(MEDIANS_MS, SPREADS, strict=True):
        counts = rng.multinomial(records, shares(median_ms, spread))
        sum_ms = sum(count * bound for count, bound in zip(counts.tolist(), bounds, strict=True))
        drawn.append(Histogram(counts, sum_ms))
    return drawn


def planted() -> PartitionState:
    """A state that counts nothing yet."""
    rng = np.random.default_rng(2)
    return PartitionState(
        topic_id=uuid.UUID(bytes=rng.bytes(16)),
        life=rng.bytes(8).hex(),
        life_start_ms=START_MS,
        start_position=12_345,
        position=12_345,
        writer=rng.bytes(8).hex(),
        version=1,
    )


def busy(ages: list[Histogram], records: int) -> PartitionState:
    """The state of a partition with these ages and everything else that a state can hold."""
    rng = np.random.default_rng(2)
    arrival, *processed = ages
    groups = {}
    for number in range(AGED_GROUPS + COUNTED_GROUPS):
        behind = int(rng.integers(100_000))
        of_group = None
        if number < AGED_GROUPS:
            unaged = int(rng.integers(100_000))
            of_group = ProcessedAges(records - behind, processed[number], 3 * number, unaged)
        groups[group_key(f"group-{number}")] = GroupState(
            records - behind, records - 2 * behind, of_group
        )
    others = [group_key(f"other-{number}") for number in range(OTHER_LAGS)]
    return replace(
        planted(),
        position=12_345 + records,
        version=300_000,
        as_of_ms=START_MS + 604_800_000,
        last_record_ms=START_MS + 604_799_870,
        records=records,
        bytes=records * 731,
        unaged=17_003,
        negative=991,
        traced=records // 3,
        sampled=records // 61,
        dead_letters=5_000_017,
        event_times={"header": records - 1_234, "record": 1_234},
        unreadable_event_times={"header": 1_234},
        rejected_contexts={"traceparent_format": 77, "b3_format": 3},
        arrival_ages=arrival,
        groups=groups,
        causes={
            cause_key("", name, "?"): Cause(name[-64:], int(rng.integers(1_000_000)))
            for name in CLASS_NAMES[:CAUSES]
        },
        other_causes=404,
        present_lags={
            key: PresentLag(
                int(rng.integers(1_000_000)),
                LagBound.UPPER,
                int(rng.integers(3_600_000)),
                LagBound.EXACT,
                GroupStatus.LAGGING,
            )
            for key in (*groups, *others)
        },
    )


def of_dead_letters(ages: list[Histogram]) -> PartitionState:
    """The state of a partition of a dead letter topic with such ages of its dead letters."""
    rng = np.random.default_rng(2)
    death_ages, append_to_death, *_ = ages
    causes = {
        cause_key(f"group-{number % DYING_GROUPS}", name, "?"): Cause(
            name[-64:], int(rng.integers(1_000_000)), group_key(f"group-{number % DYING_GROUPS}")
        )
        for number, name in enumerate(CLASS_NAMES[:CAUSES])
    }
    dead = 404 + sum(cause.dead_letters for cause in causes.values())
    return replace(
        planted(),
        position=12_345 + dead + 70_001,
        version=300_000,
        as_of_ms=START_MS + 604_800_000,
        last_record_ms=START_MS + 604_799_870,
        dead_letters=dead,
        retrying=70_001,
        causes=causes,
        other_causes=404,
        death_ages=death_ages,
        append_to_death=append_to_death,
    )


def microseconds(call: Callable[[], object]) -> float:
    """The best of many rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter_ns()
        call()
        best = min(best, (perf_counter_ns() - start) / 1000)
    return best


def lognormal_ages(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Ages as arrival ages are in the lognormal case, in whole milliseconds."""
    return rng.lognormal(np.log(MEDIANS_MS[0]), SPREADS[0], count).astype(np.int64)


def bimodal_ages(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """The same, with one record in ten much older."""
    return lognormal_ages(rng, count) * np.where(rng.random(count) < 0.1, LATER, 1)


def stored(ages_ms: NDArray[np.int64]) -> Histogram:
    """The histogram of these ages, from a state that was written and read back."""
    histogram = Histogram()
    histogram.fold(ages_ms)
    state = replace(planted(), arrival_ages=histogram)
    return decode(encode(state).text, state.position).arrival_ages


def shapes() -> dict[str, PartitionState]:
    """What is measured."""
    day, week = 864_000, WEEK_RECORDS
    return {
        "nothing counted yet": planted(),
        "a day of 10 records a second": busy(histograms(lognormal, day), day),
        "busy week, lognormal ages": busy(histograms(lognormal, week), week),
        "busy week, bimodal ages": busy(histograms(bimodal, week), week),
        "2**40 ages in all buckets, 6 times": busy(histograms(flat, GUARANTEED_AGES - 1), week),
        "1,000 dead letters": of_dead_letters(histograms(lognormal, 1_000)),
        "10 million dead letters": of_dead_letters(histograms(bimodal, 10_000_000)),
        "2**40 ages of dead letters, twice": of_dead_letters(histograms(flat, GUARANTEED_AGES - 1)),
    }


def sizes_and_times() -> None:
    """Print one line per shape of state."""
    write = sys.stdout.write
    write(f"{'state of a partition':36}{'UTF-16':>8}{'UTF-8':>8}{'encode':>9}{'decode':>9}\n")
    write(f"{'':36}{'units':>8}{'bytes':>8}{'us':>9}{'us':>9}   left out\n")
    for shape, state in shapes().items():
        encoded = encode(state)
        text, gone = encoded.text, encoded.left_out
        encoding = microseconds(partial(encode, state))
        decoding = microseconds(partial(decode, text, state.position))
        told = f"{gone.present_lags} lags, {gone.class_names} class names"
        write(f"{shape:36}{len(text):8}{len(text.encode()):8}{encoding:9.0f}{decoding:9.0f}")
        write(f"   {told}\n")


def quantile_errors() -> None:
    """Print one line per distribution and quantile."""
    write = sys.stdout.write
    write(f"\n{f'quantiles of {SAMPLE:,} ages':36}{'exact s':>12}{'stored s':>12}{'error':>9}\n")
    draws: dict[str, Draw] = {"lognormal": lognormal_ages, "bimodal": bimodal_ages}
    for name, draw in draws.items():
        ages_ms = draw(np.random.default_rng(3), SAMPLE)
        in_order, histogram = np.sort(ages_ms), stored(ages_ms)
        for q in QUANTILES:
            exact = float(in_order[int(np.ceil(q * SAMPLE)) - 1]) / 1000
            estimate = histogram.quantile_seconds(q) or 0.0
            error = estimate / exact - 1
            write(f"{f'{name}, {q:.1%}':36}{exact:12.3f}{estimate:12.3f}{error:9.1%}\n")


if __name__ == "__main__":
    sizes_and_times()
    quantile_errors()
