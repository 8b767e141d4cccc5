"""What the apps above tell accounts, which may not import them: the channels there are, and what to do when a member
goes or sees less. They fill it while the apps load."""

from collections.abc import Callable
from uuid import UUID

from accounts.models import Membership

_CHANNEL_NAMES: list[Callable[[], dict[UUID, str]]] = []
_FAREWELLS: list[Callable[[Membership], None]] = []


def add_channel_names(names: Callable[[], dict[UUID, str]]) -> None:
    """Say how to name the channels of the workspace in force, for pages that offer a choice of them."""
    _CHANNEL_NAMES.append(names)


def channel_names() -> dict[UUID, str]:
    """The channels of the workspace in force and their names, in the order of their creation."""
    return {key: name for names in _CHANNEL_NAMES for key, name in names().items()}


def when_a_member_goes(hand_over: Callable[[Membership], None]) -> None:
    """Say what happens to the work of a member who is removed, leaves, or is limited to other channels. It runs in the
    transaction of that change, in the scope of the whole workspace."""
    _FAREWELLS.append(hand_over)


def hand_over_work_of(member: Membership) -> None:
    """Do all of that."""
    for hand_over in _FAREWELLS:
        hand_over(member)
