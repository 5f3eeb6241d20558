"""``reproduce``: try published claims on this machine, and say which come out as known."""

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from orchestrator.campaign.campaign import new_campaign_id
from orchestrator.campaign.progress import Progress, follow
from orchestrator.campaign.reproduction import ClaimFile, ReproductionRun, Tools
from orchestrator.campaign.setup import Setup
from orchestrator.campaign.summarise import Findings
from orchestrator.cli.estimates import estimates_of, twin_of
from orchestrator.cli.findings import reproduction_result, store_and_show
from orchestrator.cli.options import add_json, add_place, add_settings, backend_of
from orchestrator.cli.place import Place, choose_backend
from orchestrator.cli.plan import duration
from orchestrator.cli.screen import Screen, progress_screen
from orchestrator.cli.tuned_scenario import with_think_times
from orchestrator.execution import interrupts
from orchestrator.execution.owner import claim
from orchestrator.execution.swarm.placement import refuse_places
from orchestrator.measures.hints import unknown
from orchestrator.measures.sentences import counted
from orchestrator.report.publish import publish, reproduction_json
from orchestrator.results.archive import Archive
from orchestrator.results.defect import traced
from orchestrator.results.exit_codes import MisuseError
from orchestrator.results.reproduction import REPRODUCTION, Reproduction
from orchestrator.scenario.claims import Claim
from orchestrator.scenario.estimate import START_AND_STOP_S
from orchestrator.scenario.fields import RUN_LOAD
from orchestrator.scenario.load import load_scenario
from orchestrator.scenario.models import ROOT, discover_ignored, discover_models
from orchestrator.scenario.scenario import Scenario
from orchestrator.scenario.variables import FULL, QUICK, settings_of_tier

CLAIMS = ROOT / "claims"
FOLDER = "reproduce"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the names of the claims, the tier, and the place."""
    parser.add_argument(
        "names",
        metavar="NAME",
        nargs="*",
        help="a file in claims/ without its ending, or the path of a scenario with claims "
        "(default: all in claims/)",
    )
    parser.add_argument(
        "--tier",
        choices=(QUICK, FULL),
        default=QUICK,
        help="quick: within an hour for all (default); full: longer runs and more repeats",
    )
    add_settings(parser)
    add_place(parser)
    add_json(parser, REPRODUCTION)


def execute(arguments: argparse.Namespace) -> int:
    """Try all claims that are named, store what came out and show it; return the exit code."""
    files = [
        ClaimFile(each.name, with_think_times(each.scenario))
        for each in read_files(arguments.names, arguments.tier, dict(arguments.settings))
    ]
    arguments.backend = backend_of(arguments, *(file.scenario for file in files))
    messages, campaign_id = progress_screen(), new_campaign_id()
    claim(campaign_id, kept=False)
    with interrupts.held():
        archive = Archive.create(arguments.out, FOLDER, campaign_id, files[0].name)
        with traced(archive.path):
            place = Places(arguments, messages, archive, campaign_id, files)
            tools = Tools(place.set_up, place.follow, place.finish, place.keep, archive.path)
            found = ReproductionRun(files, arguments.tier, tools).run()
            return store_and_show(reproduction_result(found), archive, as_json=arguments.json)


def read_files(
    names: Sequence[str], tier: str, settings: Mapping[str, str] = MappingProxyType({})
) -> list[ClaimFile]:
    """Return the claims that ``names`` stand for, all in `CLAIMS` without a name.

    ``settings`` are values of variables, which take precedence over those of the ``tier``. Without
    a name, files whose claims all need the full tier are left out of the quick one, and need not
    have these variables.

    Raises:
        MisuseError: a name stands for no file, two files have one name, one has no claims, or none
            has claims of the tier, or one places clients on a host.
        ScenarioError: with every problem of the first file that is not valid.
    """
    paths = [_path_of(name) for name in names] or sorted(CLAIMS.glob("*.yaml"))
    if not paths:
        raise MisuseError(f"there are no claims in {CLAIMS}")
    files: dict[str, ClaimFile] = {}
    for path in paths:
        if path.stem in files:
            raise MisuseError(f"{path.stem} is named twice; name each file once")
        if settings and not names and not _of_tier(_read(path, tier), tier):
            continue
        scenario = _read(path, tier, settings)
        refuse_places(scenario)
        if claims := _of_tier(scenario, tier):
            of_tier = scenario.model_copy(update={"claims": claims})
            files[path.stem] = ClaimFile(path.stem, of_tier)
        elif names:
            raise MisuseError(f"{path} has no claims{_advice(scenario, tier)}")
    if not files:
        raise MisuseError(f"no file in {CLAIMS} has claims of the {tier} tier; add --tier {FULL}")
    return list(files.values())


def _of_tier(scenario: Scenario, tier: str) -> tuple[Claim, ...]:
    """Return the claims that are judged in ``tier``."""
    return tuple(each for each in scenario.claims if each.tier in (QUICK, tier))


def _advice(scenario: Scenario, tier: str) -> str:
    """Return what else to do with a scenario that has no claims of ``tier``."""
    return f" of the {tier} tier; add --tier {FULL}" if scenario.claims else "; run runs it"


def _path_of(name: str) -> Path:
    """Return the file that ``name`` stands for."""
    path = CLAIMS / f"{name}.yaml"
    if path.is_file():
        return path
    if Path(name).suffix in (".yaml", ".yml"):
        return Path(name)
    known = sorted(each.stem for each in CLAIMS.glob("*.yaml"))
    raise MisuseError(f"{unknown('claim file', name, known)}; or give the path of a scenario")


def _read(path: Path, tier: str, settings: Mapping[str, str] = MappingProxyType({})) -> Scenario:
    values = {**settings_of_tier(path, tier), **settings}
    return load_scenario(path, discover_models(), values, RUN_LOAD, discover_ignored())


@dataclass(frozen=True)
class Places:
    """Where the campaign of each file runs, below the folder of all."""

    arguments: argparse.Namespace
    messages: Screen
    archive: Archive
    campaign_id: str
    files: Sequence[ClaimFile]

    def set_up(self, file: ClaimFile) -> Setup:
        """Return the setup of the campaign of ``file``.

        Raises:
            BackendError: the engine of the first files does not answer any more.
            ArchiveError: the folder of the file cannot be created.
        """
        name, reason = self._chosen
        backend, _ = choose_backend(name, self.campaign_id, keep=False)
        self.archive.folder(f"{file.name}/raw")
        archive = Archive(self.archive.path / file.name)
        command = command_line(self.arguments, name)
        return Setup(file.name, file.scenario, backend, reason, archive, command)

    @cached_property
    def _chosen(self) -> tuple[str, str]:
        """The backend of all files and why it is that one; chosen and printed once.

        An engine that stops later leaves the rest undecided, instead of measuring it elsewhere.
        """
        backend, reason = choose_backend(self.arguments.backend, self.campaign_id, keep=False)
        line = f"backend: {backend.name} ({reason}); {self._about(backend.name)}"
        self.messages.print(line, markup=False, soft_wrap=True)
        return backend.name, reason

    def follow(self, file: ClaimFile) -> Progress:
        """Return what shows the progress of ``file``."""
        progress = follow(self.messages)
        number = self.files.index(file) + 1
        claims = counted(len(file.scenario.claims), "claims")
        progress.note(f"{number} of {len(self.files)}: {file.name}, {claims}")
        return progress

    def finish(self, setup: Setup, findings: Findings) -> None:
        """Store the findings of a file, and print what a silent engine left."""
        publish(findings, setup.archive)
        Place(setup, self.messages, self.campaign_id).show_left()

    def keep(self, found: Reproduction) -> None:
        """Store the verdicts so far."""
        self.archive.write(REPRODUCTION, reproduction_json(found))

    def _about(self, backend: str) -> str:
        claims = counted(sum(len(each.scenario.claims) for each in self.files), "claims")
        seconds = sum(_estimated_s(each.scenario, backend) for each in self.files)
        return f"{claims} in {counted(len(self.files), 'files')}, about {duration(seconds)}"


def _estimated_s(scenario: Scenario, backend: str) -> float:
    estimates = estimates_of(scenario, twin_of(scenario))
    return sum(each.likely_s + START_AND_STOP_S[backend] for each in estimates)


def command_line(arguments: argparse.Namespace, backend: str) -> str:
    """Return the shell command that does the same again from the same folder."""
    settings = [word for pair in arguments.settings for word in ("--set", "=".join(pair))]
    words = ["reproduce", *arguments.names, "--tier", arguments.tier, *settings]
    words += ["--backend", backend]
    return shlex.join([".venv/bin/python", "orchestrate.py", *words])
