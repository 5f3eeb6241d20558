"""Arguments and options that several commands share."""

import argparse
from pathlib import Path

from orchestrator.measures.hints import listed
from orchestrator.results.exit_codes import MisuseError
from orchestrator.scenario.fields import RUN_LOAD, MaxLoad
from orchestrator.scenario.hosts import HOSTS_FILE
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import discover_ignored, discover_models
from orchestrator.scenario.scenario import AUTO, BACKENDS, SWARM, Scenario


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """Add a scenario file and values for its variables."""
    parser.add_argument("scenario", metavar="SCENARIO", type=Path, help="a scenario file (YAML)")
    add_settings(parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add values for the variables of a scenario."""
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        dest="settings",
        action="append",
        default=[],
        type=_setting,
        help="set a variable of the scenario; may be repeated",
    )


def _setting(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise argparse.ArgumentTypeError(f"{text!r:.60} is not NAME=VALUE; write e.g. users=50")
    return name, value


ONE_HOST = (AUTO, "docker", "process")
"""The backends of one host; every command has them."""


def add_place(parser: argparse.ArgumentParser, *, has_swarm: bool = False) -> None:
    """Add the backend and the folder of the results; ``has_swarm``: and that of several hosts."""
    several = "; swarm: containers on the hosts of --hosts" if has_swarm else ""
    parser.add_argument(
        "--backend",
        choices=BACKENDS if has_swarm else ONE_HOST,
        help="docker: containers; process: local processes; auto: containers if an engine answers"
        f"{several} (default: backend of the scenario, or else auto)",
    )
    if has_swarm:
        add_hosts(parser, f"for --backend swarm: the hosts file (default: {HOSTS_FILE})")
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("results"),
        help="create the folder of the results in this folder (default: results)",
    )


def backend_of(arguments: argparse.Namespace, *scenarios: Scenario) -> str:
    """Return the backend of the command line, or else of ``scenarios``, or else ``auto``.

    Raises:
        MisuseError: they name several, or one that this command does not have.
    """
    if arguments.backend is not None:
        return str(arguments.backend)
    named = list(dict.fromkeys(each.backend for each in scenarios if each.backend is not None))
    if len(named) > 1:
        raise MisuseError(f"the scenarios name several backends, {listed(named)}; add --backend")
    if named == [SWARM] and "hosts" not in arguments:
        raise MisuseError(
            f"the scenario says backend: {SWARM}, which only run has; add --backend docker"
        )
    return named[0] if named else AUTO


def add_hosts(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add ``--hosts``, the hosts file."""
    parser.add_argument("--hosts", metavar="FILE", type=Path, help=meaning)


def add_accept_invalid(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--accept-invalid``, which does ``what``."""
    parser.add_argument("--accept-invalid", action="store_true", help=f"{what}; the output says so")


def add_json(parser: argparse.ArgumentParser, what: str) -> None:
    """Add ``--json``, which prints ``what`` on standard output instead of tables."""
    parser.add_argument("--json", action="store_true", help=f"print {what} instead of tables")


def read_scenario(arguments: argparse.Namespace, max_load: MaxLoad = RUN_LOAD) -> Scenario:
    """Load the scenario that ``arguments`` name; its load may be up to ``max_load``.

    Raises:
        ScenarioError: with every problem of the file.
    """
    variables = dict(arguments.settings)
    models, ignored = discover_models(), discover_ignored()
    return load_scenario(arguments.scenario, models, variables, max_load, ignored)
