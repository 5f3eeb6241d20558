"""Dimensions (time, size, rate, bare number), the units of literals, and formatted values.

Values are floats in base units: seconds, bytes, per second.
"""

from dataclasses import dataclass

from labkit.protocol.parsing import UNITS_S

UNITS_BYTES = {
    "B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30,
}  # fmt: skip


@dataclass(frozen=True)
class Dimension:
    """Exponents of seconds and bytes; a bare number has zero for both."""

    time: int = 0
    size: int = 0

    def __mul__(self, other: "Dimension") -> "Dimension":
        return Dimension(self.time + other.time, self.size + other.size)

    def __truediv__(self, other: "Dimension") -> "Dimension":
        return Dimension(self.time - other.time, self.size - other.size)

    def __str__(self) -> str:
        return _NOUNS.get(self) or f"a quantity in {self.unit}"

    @property
    def unit(self) -> str:
        """The base unit: ``s``, ``B``, ``/s``, a product such as ``s^2 B``, empty if bare."""
        if self == RATE:
            return "/s"
        powers = (("s", self.time), ("B", self.size))
        return " ".join(u if n == 1 else f"{u}^{n}" for u, n in powers if n)


COUNT = Dimension()
TIME = Dimension(time=1)
SIZE = Dimension(size=1)
RATE = Dimension(time=-1)
_NOUNS = {COUNT: "a bare number", TIME: "a time", SIZE: "a size", RATE: "a rate"}
TIME_STEPS = ((1.0, "s", 3), (1e-3, "ms", 1), (1e-6, "us", 1))
SIZE_STEPS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def unit_value(unit: str) -> tuple[float, Dimension] | None:
    """Return one ``unit`` of a literal in base units, with its dimension; None if it is unknown."""
    if unit == "":
        return 1.0, COUNT
    if unit == "%":
        return 0.01, COUNT
    if unit.startswith("/"):
        return 1 / UNITS_S[unit[1:]], RATE
    if unit in UNITS_S:
        return UNITS_S[unit], TIME
    if unit in UNITS_BYTES:
        return float(UNITS_BYTES[unit]), SIZE
    return None


def format_value(value: float | None, dimension: Dimension) -> str:
    """Return ``value`` with a unit: ``3.512 s``, ``102.4 ms``, ``12.5 /s``, ``1.2 MiB``."""
    if value is None:
        return "unknown"
    if dimension == TIME:
        return _format_time(value)
    if dimension == SIZE:
        return _format_size(value)
    number = f"{value:.1f}" if dimension == RATE and abs(value) >= 10 else _trim(value)  # noqa: PLR2004 - one decimal is enough from ten on
    return f"{number} {dimension.unit}".rstrip()


def _format_time(value: float) -> str:
    if value == 0:
        return "0 s"
    for size, unit, decimals in TIME_STEPS:
        if round(abs(value) / size, decimals) >= 1:
            return f"{value / size:.{decimals}f} {unit}"
    return f"{value / 1e-6:.1g} us"


def _format_size(value: float) -> str:
    for size, unit in SIZE_STEPS:
        if round(abs(value) / size, 1) >= 1:
            return f"{value / size:.1f} {unit}"
    return f"{_trim(value)} B"


def _trim(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
