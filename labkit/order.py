"""What the orchestrator wants the replicas to do together, as it travels to the conductor."""

from dataclasses import dataclass, fields

from labkit.readers import DAY_S
from labkit.wire import Message, WireError


@dataclass(frozen=True)
class Order:
    """One load, in all; ``margin_s`` is how far ahead of the start the conductor announces it."""

    replicas: int
    users: int
    messages: int
    demand: str | None
    think_time_s: float
    target: str
    seed: int
    timeout_s: float
    margin_s: float

    @classmethod
    def read(cls, message: Message) -> "Order":
        """Return the order that ``message`` is.

        Raises:
            WireError: it lacks something or makes no sense.
        """
        missing = [field.name for field in fields(cls) if field.name not in message]
        if missing:
            raise WireError(f"no order, it lacks: {', '.join(missing)}")
        order = cls(**{field.name: message[field.name] for field in fields(cls)})
        for name in ("replicas", "users", "messages"):
            number = getattr(order, name)
            if not isinstance(number, int) or number < 1:
                raise WireError(f"no order, {name} is {number!r:.80}")
        for name in ("think_time_s", "timeout_s", "margin_s"):
            duration_s = getattr(order, name)
            if not isinstance(duration_s, int | float) or not 0 <= duration_s <= DAY_S:
                raise WireError(f"no order, {name} is {duration_s!r:.80}")
        if not isinstance(order.seed, int):
            raise WireError(f"no order, seed is {order.seed!r:.80}")
        return order
