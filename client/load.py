"""The choice of the event loop for a task."""

from client.closed_loop import ClosedLoop
from client.console import Console
from client.event_loop import EventLoop
from client.open_loop import OpenLoop
from client.scripted_loop import ScriptedLoop
from client.task import Task
from labkit.workload.load_order import OPEN, POLITE


def make_loop(task: Task, console: Console | None = None, stop_fd: int | None = None) -> EventLoop:
    """Return the loop for ``task``, ready to run.

    Raises:
        DemandsError, LawError: the group's demand or think time cannot be parsed.
        BehaviourError: this machine does not allow the group's behaviour.
    """
    group = task.share.group
    if group.behaviour != POLITE:
        return ScriptedLoop(task, console, stop_fd)
    return (OpenLoop if group.loop == OPEN else ClosedLoop)(task, console, stop_fd)
