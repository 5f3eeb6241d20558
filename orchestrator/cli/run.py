"""``run``: run a scenario on a backend, store what it measured, and show it."""

import argparse
from collections.abc import Callable

from orchestrator.campaign.campaign import Campaign
from orchestrator.campaign.progress import follow
from orchestrator.campaign.summarise import Findings
from orchestrator.cli.findings import campaign_result, store_and_show
from orchestrator.cli.options import (
    add_accept_invalid,
    add_json,
    add_place,
    add_scenario,
)
from orchestrator.cli.place import place_of
from orchestrator.cli.tuned_scenario import read_tuned_scenario
from orchestrator.results.archive import Archive
from orchestrator.scenario.scenario import Scenario


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a scenario, the backend and the options of the results."""
    add_scenario(parser)
    add_place(parser, has_swarm=True)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the containers running for inspection; print how to remove them (docker, swarm)",
    )
    add_accept_invalid(parser, "judge expectations even if the host was disturbed")
    add_json(parser, "summary.json")


def execute(arguments: argparse.Namespace) -> int:
    """Run every case, store the findings and show them."""

    def finish(findings: Findings, archive: Archive) -> int:
        return store_and_show(campaign_result(findings), archive, as_json=arguments.json)

    return perform(arguments, read_tuned_scenario(arguments), finish)


def perform(
    arguments: argparse.Namespace,
    scenario: Scenario,
    finish: Callable[[Findings, Archive], int],
    repeats_per_draw: int = 1,
) -> int:
    """Run every case of ``scenario``; return what ``finish`` makes of the findings."""
    verb = ["compare", "--calibrate"] if arguments.command == "compare" else ["run"]
    options = ["--accept-invalid"] if arguments.accept_invalid else []
    with place_of(arguments, scenario, verb, options) as place:
        progress = follow(place.messages)
        with progress.shown():
            findings = Campaign(
                place.setup,
                progress,
                accept_invalid=arguments.accept_invalid,
                repeats_per_draw=repeats_per_draw,
            ).run()
        place.show_left()
        return finish(findings, place.setup.archive)
