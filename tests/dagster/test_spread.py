"""What is due at once is spread out by the sink; what somebody waits for is not."""

from __future__ import annotations

from streamgauge.model import Level

from .waiting import until

CHECKS = [f"lag__group_{number}" for number in range(40)]


async def test_changes_overtake_what_is_spread_out(fake, run, maker):
    """One, and then all of them; spread out, they would take twenty seconds."""
    sink = run(fake.base_url)

    def publish(after_ms, failing):
        levels = {name: Level.FAIL if name in failing else Level.PASS for name in CHECKS}
        verdicts = tuple(maker.verdict(name, level) for name, level in levels.items())
        sink.publish(maker.snapshot(after_ms=after_ms, verdicts=verdicts))

    def told(name, *, passed):
        found = fake.evaluations.get((maker.asset_key, name), ())
        return bool(found) and found[-1]["evaluation"]["success"] is passed

    publish(0, ())
    await until(lambda: told(CHECKS[0], passed=True), 5.0)
    publish(1, CHECKS[:1])
    await until(lambda: told(CHECKS[0], passed=False), 5.0)
    assert len(fake.evaluations) < len(CHECKS) / 2
    publish(2, CHECKS)
    await until(lambda: all(told(name, passed=False) for name in CHECKS), 5.0)
