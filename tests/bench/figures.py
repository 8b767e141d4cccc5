"""One measured figure with its limit."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` in `unit`; it holds when it is at least `least`, or at most `most`. `beside` says what it stands on."""

    name: str
    value: float
    unit: str
    least: float | None = None
    most: float | None = None
    beside: str = ""

    @property
    def holds(self) -> bool:
        """Whether the limit is kept."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    def __str__(self) -> str:
        limit = f"at least {self.least:,g}" if self.least is not None else f"at most {self.most:,g}"
        shown = f"{self.value:,.2f}" if self.value < 100 else f"{self.value:,.0f}"
        mark = "ok  " if self.holds else "MISS"
        return f"{mark} {self.name:<44} {shown:>9} {self.unit:<10} ({limit}; {self.beside})"
