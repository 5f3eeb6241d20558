"""``explore``: serve a page on loopback, and open it: one plays, runs, and finds past runs in it.

With ``--watch``, a server runs beside it, whose lanes it shows. With ``--export``, write the part
in which one plays as a file instead.
"""

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile

import yaml

from orchestrator.cli.options import add_settings, read_scenario
from orchestrator.cli.output import print_out, say
from orchestrator.cli.place import name_of
from orchestrator.explore.access import HOST, new_token
from orchestrator.explore.app import make_app
from orchestrator.explore.browser import has_display, opened
from orchestrator.explore.play.controls import ControlsError
from orchestrator.explore.play.export import export_page
from orchestrator.explore.play.from_scenario import controls_of
from orchestrator.explore.tab import Surroundings
from orchestrator.explore.watch.server import DOCKER, PROCESS, WatchedServer, check_model
from orchestrator.explore.watch.tab import commands
from orchestrator.explore.web import listen, serving
from orchestrator.results.archive import write_whole
from orchestrator.results.exit_codes import HOLDS, LabError, MisuseError
from orchestrator.scenario.scenario import Scenario

MOST_PORT = 65_535
PROGRESS_POINTS = 100


class ExploreError(LabError):
    """The page is no longer served."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the scenario, the port, whether to open a browser, and the folder of the results."""
    parser.add_argument(
        "scenario",
        metavar="SCENARIO",
        type=Path,
        nargs="?",
        help="a scenario file (YAML) to begin with",
    )
    add_settings(parser)
    parser.add_argument(
        "--export",
        metavar="FILE",
        type=Path,
        help="serve nothing, but write a page that needs no server to FILE: the scenario, with "
        "sliders whose pictures were computed before (at most 1 MB, half a minute)",
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=_port,
        default=0,
        help="the port of 127.0.0.1 to serve the page on (default: any free one)",
    )
    parser.add_argument(
        "--watch",
        metavar="MODEL",
        help="run a server of this model on 127.0.0.1, whose clients you are, and show its last "
        "30 seconds; LAB_WORKERS and the like set it up",
    )
    parser.add_argument(
        "--watch-port",
        metavar="N",
        type=_port,
        help="the port of that server (default: any free one)",
    )
    parser.add_argument(
        "--backend",
        choices=(PROCESS, DOCKER),
        help="whether that server is a process or in a container (default: process)",
    )
    parser.add_argument(
        "--no-browser", action="store_true", help="open no browser, only print the address"
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        default=Path("results"),
        help="the folder of the results (default: results)",
    )


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text[:10]) <= MOST_PORT:
        return int(text)
    message = f"{text!r:.60} is not a port, a whole number from 1 to {MOST_PORT}; write e.g. 8000"
    raise argparse.ArgumentTypeError(message)


def execute(arguments: argparse.Namespace) -> int:
    """Write the page that is wanted as a file, or serve it until an interrupt, which is its end.

    Raises:
        ScenarioError: with every problem of the scenario.
        MisuseError: Play has no controls for it, and is to be exported; the port cannot be had; or
            no results can be stored.
        ExploreError: the page cannot be served any more.
        WatchError: the server that is to be watched does not start.
    """
    if arguments.export is None:
        _check_out(arguments.out)
    if not {arguments.watch, arguments.watch_port, arguments.backend} <= {None}:
        return _watch(arguments)
    if arguments.scenario is None:
        if arguments.export is not None or arguments.settings:
            raise MisuseError("--export and --set are about a scenario; write its file before them")
        return _serve(Surroundings(arguments.out), arguments)
    scenario = read_scenario(arguments)
    surroundings = _surroundings_of(scenario, arguments)
    if arguments.export is None:
        return _serve(surroundings, arguments)
    return _export(arguments.export, scenario.intent, surroundings)


def _check_out(out: Path) -> None:
    """Check that results can be stored in ``out``; create nothing.

    Raises:
        MisuseError: they cannot.
    """
    existing = next(each for each in (out, *out.absolute().parents) if each.exists())
    try:
        with TemporaryFile(dir=existing):
            return
    except OSError as exc:
        why = f"{existing}: {os.strerror(exc.errno or 0).lower()}"
        advice = "name a folder in which you may write, or one that can be created"
        raise MisuseError(f"--out: cannot store results in {out} ({why}); {advice}") from exc


def _watch(arguments: argparse.Namespace) -> int:
    """Serve the page beside the server that is to be watched, until an interrupt.

    Raises:
        MisuseError: an option does not go with it, the model is unknown, or a port cannot be had.
        WatchError: the server does not start.
    """
    if arguments.watch is None:
        raise MisuseError(
            "--watch-port and --backend are about a server to watch; name its model with --watch"
        )
    if arguments.scenario is not None or arguments.export is not None or arguments.settings:
        raise MisuseError("--watch has clients of its own; leave out SCENARIO, --set and --export")
    port = arguments.watch_port or 0
    listen(port, "--watch-port").close()
    try:
        with closing(_started(arguments.watch, port, arguments.backend or PROCESS)) as watched:
            how = ["Be its client, in another terminal:", *commands(watched.port)]
            surroundings = Surroundings(arguments.out, watched=watched)
            return _serve(surroundings, arguments, [watched.line, *how])
    except KeyboardInterrupt:
        return HOLDS


def _started(model: str, port: int, backend: str) -> WatchedServer:
    check_model(model)
    if backend == DOCKER:
        say(f"starting a container of {model}; its image is built first if it is missing")
    return WatchedServer(model, port, backend)


def _surroundings_of(scenario: Scenario, arguments: argparse.Namespace) -> Surroundings:
    """Return what the page begins with; what Play cannot show, it can run.

    Raises:
        MisuseError: Play has no controls for it, and is to be exported.
    """
    path: Path = arguments.scenario
    text = path.read_text(encoding="utf-8", errors="replace")
    if arguments.settings:
        text = yaml.safe_dump(scenario.resolved(), sort_keys=False, allow_unicode=True)
    surroundings = Surroundings(arguments.out, name=name_of(path), yaml=text)
    try:
        fit = controls_of(scenario)
    except ControlsError as exc:
        problems = "\n".join(f"  {each}" for each in exc.problems)
        reason = f"{path}: Play cannot show it:\n{problems}"
        if arguments.export is not None:
            raise MisuseError(reason) from exc
        say(f"{reason}\nPlay begins with another one; Run can run it")
        return surroundings
    for remark in fit.remarks:
        say(f"{path}: {remark}")
    return replace(surroundings, controls=fit.controls)


def _progress(done: int, points: int) -> None:
    if done % PROGRESS_POINTS == 0 or done == points:
        say(f"computed {done} of {points} pictures")


def _export(path: Path, question: str, surroundings: Surroundings) -> int:
    """Write the page with ``question``.

    Raises:
        MisuseError: ``path`` is in no folder, or is one.
        ArchiveError: the disk is full, or the folder not writable.
    """
    if not path.parent.is_dir() or path.is_dir():
        what = "is a folder" if path.is_dir() else f"is in no folder: there is no {path.parent}"
        raise MisuseError(f"--export: {path} {what}; write the path of a file")
    page = export_page(question, surroundings.controls, surroundings.cpus, _progress)
    write_whole(path, page)
    print_out(f"{path}: {len(page.encode()) / 1000:.0f} kB")
    return HOLDS


def _serve(
    surroundings: Surroundings, arguments: argparse.Namespace, more: Sequence[str] = ()
) -> int:
    """Serve the page until an interrupt; print its address, and the lines ``more``."""
    token = new_token()
    with surroundings.at_end, closing(listen(arguments.port)) as listener:
        port = listener.getsockname()[1]
        app, address = make_app(surroundings, token, port), f"http://{HOST}:{port}/{token}/"
        try:
            with serving(app, listener) as wait:
                print_out("\n".join([f"explore: {address}", *more]))
                say("Ctrl-C ends it. The address is for you alone: it contains a secret.")
                with _shown(address, is_opened=not arguments.no_browser):
                    wait()
        except KeyboardInterrupt:
            return HOLDS
    raise ExploreError("the page is no longer served; start explore again")


@contextmanager
def _shown(address: str, *, is_opened: bool) -> Iterator[None]:
    """Open the page in a browser if that is wanted and possible."""
    if not is_opened or not has_display():
        yield
        return
    with opened(address) as is_open:
        if not is_open:
            say("no browser was found; open the address above in one")
        yield
