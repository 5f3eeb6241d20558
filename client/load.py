"""The choice of the event loop for a task."""

from client.closed_loop import ClosedLoop
from client.console import Console
from client.event_loop import EventLoop
from client.open_loop import OpenLoop
from client.retrying_loop import RetryingLoop
from client.scripted_loop import ScriptedLoop
from client.task import Task
from labkit.workload.load_order import OPEN, POLITE


def make_loop(task: Task, console: Console | None = None, stop_fd: int | None = None) -> EventLoop:
    """Return the loop for ``task``, ready to run.

    Raises:
        DemandsError, LawError, BackoffError: the group's demand, think time or pause before a
            retry cannot be parsed.
        BehaviourError: this machine does not allow the group's behaviour.
    """
    group = task.share.group
    if group.behaviour != POLITE:
        return ScriptedLoop(task, console, stop_fd)
    if group.loop != OPEN:
        return ClosedLoop(task, console, stop_fd)
    return (RetryingLoop if group.attempts > 1 else OpenLoop)(task, console, stop_fd)
