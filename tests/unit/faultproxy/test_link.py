"""A closed connection is released."""

import asyncio
import gc
import weakref
from collections import Counter

from faultproxy.link import Connection
from faultproxy.toxic_spec import read_toxic_specs
from tests.unit.faultproxy.proxy_fixtures import toxic

DROPS_BYTES = toxic("timeout", "upstream", timeout="0ms")
WAITS_AN_HOUR = toxic("timeout", "downstream", timeout="60m")


def test_a_connection_closed_by_a_removed_toxic_takes_no_new_one() -> None:
    """A scheduled toxic would keep it in memory until it is due."""

    async def replace() -> None:
        over: list[str] = []
        pair = Connection(1, 1, Counter(), lambda _: over.append("over"))
        pair.use(read_toxic_specs([DROPS_BYTES]))
        pair.use(read_toxic_specs([WAITS_AN_HOUR]))
        kept = weakref.ref(pair)
        del pair
        gc.collect()
        assert over == ["over"]
        assert kept() is None

    asyncio.run(replace())
