"""How often Python's collector of reference cycles looks."""

from __future__ import annotations

import gc

_ALLOCATIONS = 50_000
"""Between two looks at the youngest objects; Python's 700 are a fraction of one answer."""


def collect_rarely() -> None:
    """Set what is there now aside for good, and look at the rest less often.

    An answer's tree has thousands of objects and no cycle: reference counts free it at once, and looking through it is for
    nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_ALLOCATIONS, 10, 10)
