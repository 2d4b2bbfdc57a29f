"""The end of a bundle waits for nothing but its work."""

from __future__ import annotations

import threading

import pytest
from apache_beam.runners.worker.statesampler import StateSampler
from apache_beam.utils.counters import CounterFactory

from udfs.state_sampler import sample_no_states


def test_beams_sampler_ends_as_soon_as_it_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else its thread looks again and again until it is stopped, and stopping waits for it."""
    monkeypatch.setattr(StateSampler, "run", StateSampler.run)
    before = set(threading.enumerate())
    sample_no_states()
    sampler = StateSampler("bundle", CounterFactory())
    sampler.start()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=10)
    assert set(threading.enumerate()) <= before
    sampler.stop()
    sampler.reset()  # as Beam does to use the sampler for the next bundle
    sampler.start()
    sampler.stop()
