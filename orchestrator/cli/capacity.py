"""``capacity``: search the greatest load that each case of a scenario bears."""

import argparse
import re

from orchestrator.capacity.capacity_run import CapacityRun, CapacitySettings
from orchestrator.capacity.case_run import SearchTerms
from orchestrator.capacity.planning import asked_cases
from orchestrator.capacity.progress import SearchProgress
from orchestrator.capacity.searched_group import SearchedGroup, find_searched
from orchestrator.cli.findings import capacity_result, store_and_show
from orchestrator.cli.options import add_json, add_place, add_scenario, read_scenario
from orchestrator.cli.place import place_of
from orchestrator.execution.cpus import Cpus
from orchestrator.results.capacity import CAPACITY
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.fields import parse_rate_per_s
from orchestrator.scenario.scenario import Scenario

WIDTH, WIDTH_OF_GATE = 0.15, 0.5
CONFIDENCE, CONFIDENCE_OF_GATE = 0.95, 0.9
_RATE = re.compile(r"[0-9]{1,7}(?:\.[0-9]{1,6})?/[sm]")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)(%?)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a scenario, the objectives, how closely to search, and the place."""
    add_scenario(parser)
    parser.add_argument(
        "--slo",
        metavar="EXPRESSION",
        dest="objectives",
        action="append",
        default=[],
        help='an objective, e.g. "p99 < 50ms"; may be repeated (default: the expectations of the '
        "scenario)",
    )
    parser.add_argument(
        "--at",
        metavar="LOAD",
        help="also decide this load, 200/s or 40 (users); exit code 1 if a case does not bear it",
    )
    parser.add_argument(
        "--any", action="store_true", help="with --at: one case that holds there is enough"
    )
    parser.add_argument(
        "--width",
        metavar="PERCENT",
        type=_share,
        help="how far apart the bounds may be, as a share of the upper one (default: 15%%; with "
        "--at 50%%)",
    )
    parser.add_argument(
        "--confidence",
        metavar="SHARE",
        type=_share,
        help="with which both bounds of a case are right (default: 0.95; with --at alone 0.9)",
    )
    add_place(parser)
    add_json(parser, CAPACITY)
    parser.set_defaults(keep=False)


def _share(text: str) -> float:
    """Return the share in ``5%`` or ``0.05``."""
    found = _SHARE.fullmatch(text.strip())
    share = float(found[1]) / (100 if found[2] else 1) if found else 0.0
    if not 0 < share < 1:
        raise argparse.ArgumentTypeError(
            f"{text!r:.60} is not a share between 0 and 1; write e.g. 5% or 0.05"
        )
    return share


def execute(arguments: argparse.Namespace) -> int:
    """Search all cases, store what was found and show it; return the exit code."""
    scenario = read_scenario(arguments)
    terms = terms_of(scenario, arguments)
    asked = asked_cases(scenario, arguments.objectives)
    settings = CapacitySettings(terms, Cpus.of_this_process().usable, arguments.any)
    with place_of(arguments, scenario, ["capacity"], options_of(arguments)) as place:
        progress = SearchProgress(place.messages, terms.group, len(asked))
        with progress.shown():
            found = CapacityRun(place.setup, settings, asked, progress).run()
        place.show_left()
        return store_and_show(capacity_result(found), place.setup.archive, as_json=arguments.json)


def terms_of(scenario: Scenario, arguments: argparse.Namespace) -> SearchTerms:
    """Return what the command line asks for.

    Raises:
        MisuseError: the load cannot be searched, or ``--at`` is none of its kind.
    """
    group = find_searched(scenario)
    at = None if arguments.at is None else _load_of(arguments.at, group)
    if arguments.any and at is None:
        raise MisuseError("--any is about the load of --at; write e.g. --at 200/s --any")
    is_gate = at is not None and arguments.width is None
    width = arguments.width or (WIDTH_OF_GATE if is_gate else WIDTH)
    confidence = arguments.confidence or (CONFIDENCE_OF_GATE if is_gate else CONFIDENCE)
    return SearchTerms(group, at, width, confidence, scenario.seed)


def _load_of(text: str, group: SearchedGroup) -> float:
    """Return the load in ``200/s``, or in ``40`` for a number of users."""
    load = 0.0
    if group.has_rate and _RATE.fullmatch(text):
        load = parse_rate_per_s(text)
    elif not group.has_rate and re.fullmatch(r"[0-9]{1,7}", text):
        load = float(text)
    if not load:
        form = "a rate, e.g. 200/s" if group.has_rate else "a number of users, e.g. 40"
        raise MisuseError(f"--at {text!r:.60}: the load of {group.name} is {form}")
    return load


def options_of(arguments: argparse.Namespace) -> list[str]:
    """Return the words of the command line that this command alone has."""
    words = [word for text in arguments.objectives for word in ("--slo", text)]
    for option in ("at", "width", "confidence"):
        if (value := getattr(arguments, option)) is not None:
            words += [f"--{option}", str(value)]
    return [*words, "--any"] if arguments.any else words
