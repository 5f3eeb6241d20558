"""Every page gets every value, and only what has changed after that."""

import asyncio
import json

from orchestrator.explore.run.board import ENDED, PHASE, Board, followed


def test_only_changes_are_given_again() -> None:
    board = Board()
    assert board.since(0) == (0, {})
    board.set({"a": 1, "b": 2})
    version, values = board.since(0)
    assert values == {"a": 1, "b": 2}
    board.set({"a": 1})
    assert board.since(version) == (version, {})
    board.set({"a": 1, "b": 3})
    later, values = board.since(version)
    assert (later > version, values) == (True, {"b": 3})
    assert board.since(0)[1] == {"a": 1, "b": 3}


def test_a_page_follows_until_the_end() -> None:
    board = Board()
    board.set({PHASE: "running", "line": "one\ntwo"})

    async def follow() -> list[str]:
        lines = []
        async for line in followed(board):
            lines.append(line)
            board.set({PHASE: ENDED})
        return lines

    lines = asyncio.run(follow())
    assert [json.loads(line) for line in lines] == [
        {PHASE: "running", "line": "one\ntwo"},
        {PHASE: ENDED},
    ]
    assert all(line.endswith("\n") and "\n" not in line[:-1] for line in lines)
