"""Parts of a step add up."""

import time

from auditdm_hub.clock import memory_high_water, part, running


def test_a_part_in_another_takes_its_time_from_it() -> None:
    with running() as seconds:
        start = time.perf_counter()
        with part("image"):
            time.sleep(0.02)
            with part("reference"):
                time.sleep(0.05)
        with part("image"):
            time.sleep(0.01)
        passed = time.perf_counter() - start
    assert set(seconds) == {"image", "reference"}
    assert seconds["reference"] >= 0.05
    assert 0.03 <= seconds["image"]
    assert passed - 0.005 < seconds.total() <= passed
    with part("image"):
        time.sleep(0.02)
    assert seconds.total() <= passed  # no clock ran


def test_a_part_that_fails_is_counted() -> None:
    with running() as seconds:
        try:
            with part("target"):
                time.sleep(0.01)
                raise ValueError
        except ValueError:
            pass
        with part("judge"):
            pass
    assert seconds["target"] >= 0.01
    assert 0 <= seconds["judge"] < 0.01


def test_the_most_memory_is_that_of_this_process() -> None:
    before = memory_high_water("cpu")["gib"]
    block = bytearray(200 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    assert memory_high_water("cpu")["gib"] >= before > 0.01
    del block
    assert memory_high_water("cpu")["gib"] >= 0.2
