"""What closed and open loop share: one message in flight on a connection, and a goodbye."""

from abc import abstractmethod
from time import monotonic_ns

from client.link import Link
from client.loop import Loop
from client.user import ACKED, Reply

RECV_BYTES = 64  # more than an ack: larger ones cost an allocation beyond Python's own pools


class PoliteLoop(Loop):
    """Users who wait for the ack of one message before they send the next."""

    @abstractmethod
    def on_acked(self, link: Link, now_ns: int) -> None:
        """Go on with a user whose message was acknowledged and booked."""

    def on_readable(self, link: Link) -> None:
        """Take an ack, or the end."""
        try:
            segment = link.recv(RECV_BYTES)
        except BlockingIOError:
            return
        except OSError as exc:
            self.break_off(link, exc)
            return
        now_ns = monotonic_ns()
        reply = link.user.receive(segment)
        if reply is ACKED:
            self.books.record_ack(link.user, now_ns)
            if self.story is not None:
                self.story.acked(link.user, now_ns)
            self.on_acked(link, now_ns)
        else:
            self._on_other(link, reply, now_ns)

    def send_message(self, link: Link) -> None:
        """Send a user's next message."""
        user = link.user
        message = user.next_message()
        if self.story is not None:
            self.story.sending(user, message)
        if self.answer_timeout_ns is not None:
            self.limit_answer(link, user.message)
        user.sent_ns = monotonic_ns()
        self.transmit(link, message)

    def say_goodbye(self, link: Link) -> None:
        """Ask the server to close."""
        message = link.user.goodbye()
        if self.story is not None:
            self.story.sending(link.user, message)
        self.transmit(link, message)

    def _on_other(self, link: Link, reply: Reply, now_ns: int) -> None:
        """Take what is no ack; the value of a failure is its kind."""
        user = link.user
        if reply is Reply.PARTIAL:
            user.first_byte_ns = user.first_byte_ns or now_ns
        elif reply is Reply.END:
            self.leave(link, None)
        else:
            if user.has_ack:
                self.books.record_ack(user, now_ns)
                user.turn_to(user.message + 1, now_ns)
            self.leave(link, reply.value)
