"""A connection that is over is let go."""

import asyncio
import gc
import weakref
from collections import Counter

from faultproxy.pair import Pair
from faultproxy.prescription import read_prescription
from tests.unit.faultproxy.running import toxic

SWALLOWS = toxic("timeout", "upstream", timeout="0ms")
WAITS_AN_HOUR = toxic("timeout", "downstream", timeout="60m")


def test_a_connection_that_a_lifted_toxic_closes_takes_no_new_one() -> None:
    """A toxic with an appointment would keep it until then."""

    async def replace() -> None:
        over: list[str] = []
        pair = Pair(1, 1, Counter(), lambda _: over.append("over"))
        pair.use(read_prescription([SWALLOWS]))
        pair.use(read_prescription([WAITS_AN_HOUR]))
        kept = weakref.ref(pair)
        del pair
        gc.collect()
        assert over == ["over"]
        assert kept() is None

    asyncio.run(replace())
