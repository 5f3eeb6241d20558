"""Which loop carries out a share."""

from client.closed_loop import ClosedLoop
from client.console import Story
from client.event_loop import Loop
from client.open_loop import OpenLoop
from client.scripted_loop import ScriptedLoop
from client.task import Task
from labkit.workload.load_order import OPEN, POLITE


def load_of(task: Task, story: Story | None = None, stop_fd: int | None = None) -> Loop:
    """Return the loop for ``task``, ready to run.

    Raises:
        DemandsError, LawError: what the group asks for is no demand or no law.
        BehaviourError: this machine does not let a client behave like that.
    """
    group = task.share.group
    if group.behaviour != POLITE:
        return ScriptedLoop(task, story, stop_fd)
    return (OpenLoop if group.loop == OPEN else ClosedLoop)(task, story, stop_fd)
