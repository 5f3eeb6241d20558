"""What the event loop leaves to those that derive from it: who connects, what is said, and when."""

from abc import ABC, abstractmethod

from client.link import Link


class Hooks(ABC):
    """Called by `client.loop.Loop`, in its own thread; none may block."""

    @property
    @abstractmethod
    def first_connections(self) -> int:
        """How many connections are asked for when the load begins."""

    @abstractmethod
    def begin(self, begin_ns: int) -> None:
        """Plan the load, which begins at ``begin_ns``."""

    @abstractmethod
    def has_more(self) -> bool:
        """Tell whether anybody is still to connect."""

    @abstractmethod
    def give_up(self) -> None:
        """Book what will not come, for the run is at its end; connections are still open."""

    @abstractmethod
    def on_connected(self, link: Link) -> None:
        """Go on with a user whose connection is established."""

    @abstractmethod
    def on_readable(self, link: Link) -> None:
        """Take what has come for a user, or the end of it."""

    @abstractmethod
    def on_gone(self, link: Link, failure: str | None) -> None:
        """Book what a user leaves behind; its connection is closed already."""
