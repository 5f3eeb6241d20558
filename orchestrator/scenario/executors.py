"""Which executors there are, and how the groups of a scenario are read by theirs."""

from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from orchestrator.scenario.groups import ClosedGroup, Group, OpenGroup
from orchestrator.scenario.naming import VIEWS
from orchestrator.scenario.ramp import RampGroup
from orchestrator.scenario.values import check_word, complaint, complaints, describe
from orchestrator.wording import listed

MAX_GROUPS = 20

EXECUTORS: Mapping[str, type[Group]] = {
    "closed": ClosedGroup,
    "open": OpenGroup,
    "ramp": RampGroup,
}


def section_of(written: object) -> type[Group]:
    """Return the section that a group as written is to be; of an unknown executor, what all have.

    For errors: what keys there are, what was probably meant.
    """
    executor = written.get("executor") if isinstance(written, Mapping) else None
    return EXECUTORS.get(executor, Group) if isinstance(executor, str) else Group


def _read_group(written: object, info: ValidationInfo) -> Group:
    if isinstance(written, Group):
        return written
    if not isinstance(written, dict):
        form = "write a map, e.g. {executor: closed, users: 5, messages: 10}"
        raise complaint(f"{describe(written)}; {form}")
    if "executor" not in written:
        raise complaint(f"missing key 'executor'; write one of {listed(EXECUTORS)}")
    try:
        executor = check_word(written["executor"], EXECUTORS)
    except PydanticCustomError as error:
        complaints([(("executor",), error)])
    return EXECUTORS[executor].model_validate(written, context=info.context)


_Written: object = reduce(or_, EXECUTORS.values())
"""Any of the sections, for the JSON Schema."""

AnyGroup = Annotated[
    Group,
    PlainValidator(_read_group, json_schema_input_type=_Written),
    PlainSerializer(lambda group: group.model_dump(mode="json", exclude_none=True)),
]
"""A group, read by the section of its executor."""


def check_groups(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Refuse too many, and several that cannot be told apart by name."""
    if len(groups) > MAX_GROUPS:
        raise complaint(f"{len(groups)} groups; allowed: at most {MAX_GROUPS}")
    seen: set[str] = set(VIEWS)
    found: list[tuple[tuple[int | str, ...], PydanticCustomError]] = []
    for index, group in enumerate(groups):
        if len(groups) > 1 and "name" not in group.model_fields_set:
            found.append(((index,), complaint("this group has no name; with several, name each")))
        elif group.name in seen:
            taken = "has a meaning of its own" if group.name in VIEWS else "has a group before"
            message = f"the name {group.name!r} {taken}; name each its own"
            found.append(((index, "name"), complaint(message)))
        seen.add(group.name)
    complaints(found)
    return groups
