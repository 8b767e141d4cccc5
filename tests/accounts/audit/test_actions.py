"""Every action that the code records has its words, and every word is of an action that the code records."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

from accounts.audit.actions import ACTIONS, GROUPS
from accounts.models import OperatorAction

pytestmark = pytest.mark.clause("12a")
ROOT = Path(settings.BASE_DIR)
APPS = ("omnistra", "accounts", "channels_app", "conversations", "privacy", "billing")
WRITERS = {"record", "record_of_person"}  # of accounts.audit.recording; record_opening knows its action itself
FORM = re.compile(r"[a-z_]+\.[a-z_]+")
# Words that have this form and are no actions: what these are called with.
NO_ACTIONS = {
    "system_scope", "workspace_job", "periodic_job", "get_model", "info", "warning", "error", "wake", "blind",
    "import_module", "render", "render_to_string", "getLogger",
}  # fmt: skip


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _writes(call: ast.Call) -> bool:
    """Whether a call writes an entry: the functions' own names, also as `audit.record`."""
    owner = getattr(getattr(call.func, "value", None), "id", "audit")
    return _name(call) in WRITERS and owner == "audit" and bool(call.args)


def _strings(node: ast.AST) -> Iterator[str]:
    """Words of the form of an action, without those that are said to something else."""
    if isinstance(node, ast.Call) and _name(node) in NO_ACTIONS:
        return
    word = node.value if isinstance(node, ast.Constant) else None
    if isinstance(word, str) and FORM.fullmatch(word) and not word.endswith((".html", ".txt")):
        yield word
    for child in ast.iter_child_nodes(node):
        yield from _strings(child)


@cache
def recorded() -> dict[str, str]:
    """Action -> the file that records it. A file that passes an action on in a variable has it stand for all the words of
    that form in the file."""
    found = {}
    for path in (path for name in APPS for path in (ROOT / name).rglob("*.py")):
        tree, place = ast.parse(path.read_text()), path.relative_to(ROOT).as_posix()
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call) and _writes(node)):
            action = call.args[0]
            if isinstance(action, ast.Constant):
                found[action.value] = place
            else:
                assert not isinstance(action, ast.JoinedStr), f"{place}:{call.lineno}: write the action out"
                found |= dict.fromkeys(_strings(tree), place)
    found |= dict.fromkeys(OperatorAction.Action.values, "accounts/models/operators.py")
    return found | {"conversation.opened": "accounts/audit/recording.py"}


def test_every_recorded_action_has_its_words():
    assert {action: place for action, place in recorded().items() if action not in ACTIONS} == {}
    assert len(recorded()) > 25


def test_no_words_are_left_of_an_action_that_nothing_records():
    assert set(ACTIONS) - set(recorded()) == set()


def test_every_action_is_of_a_group_and_speaks_of_nothing_but_who_and_what():
    for name, action in ACTIONS.items():
        assert FORM.fullmatch(name) and action.group in GROUPS, name
        places = set(re.findall(r"\{(\w*)\}", str(action.words)))
        assert places <= {"who", "what"} and ("what" not in places or action.target), name
    assert {action.group for action in ACTIONS.values()} == set(GROUPS)


def test_every_kind_of_target_can_be_named():
    from accounts.audit.names import _FINDERS, _NAMELESS

    kinds = {action.target for action in ACTIONS.values()} - {""}
    assert kinds <= set(_NAMELESS) and kinds <= set(_FINDERS)
