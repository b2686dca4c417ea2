from __future__ import annotations

from collections.abc import Iterator

from hypothesis import settings
import pytest
import torch


settings.register_profile("the same each time", deadline=None, derandomize=True, database=None)
settings.load_profile("the same each time")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small networks are quickest on one thread, and there the same bit for bit everywhere."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
