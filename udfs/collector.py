"""Python's cyclic garbage collector, told what this program is like."""

from __future__ import annotations

import gc
from typing import Final

THRESHOLDS: Final = (50_000, 20, 100)


def collect_seldom() -> None:
    """Look for garbage in cycles every 50,000 new objects, not every 700, and never again among what is there now.

    A batch makes some 50,000 lists and dicts, none of them in a cycle: they go when their last reference goes. Looking at
    them all cost a tenth of the reading step. A look at everything, with torch and a model loaded, takes a quarter of a
    second, and an alert waits for it: call this when all that stays has been loaded.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
