"""docs/operating.md names every log action and every state that people see."""

import ast
import re
from collections.abc import Iterator
from typing import get_args

from house.repository import modules, nodes, page, shown
from leadwire.engine.status import LaneState, SourceState
from leadwire.model.delivery import AttemptOutcome
from leadwire.ports.accounts import Role, Scope

ROW = re.compile(r"^\| `([a-z_.]+)` \| [^|]{3,} \|$", re.MULTILINE)
LOG_METHODS = ("debug", "info", "warning", "error", "critical")


def _words(value: ast.expr) -> Iterator[str]:
    """The words that the value of `action=` can be; an f-string ends in the outcome of an attempt."""
    match value:
        case ast.Constant(value=str(word)):
            yield word
        case ast.IfExp(body=body, orelse=orelse):
            yield from _words(body)
            yield from _words(orelse)
        case ast.JoinedStr(values=[ast.Constant(value=str(start)), ast.FormattedValue(value=inner)]):
            assert ast.unparse(inner) == "attempt.outcome"
            yield from (start + outcome for outcome in get_args(AttemptOutcome))
        case _:
            raise AssertionError(f"an action must be a word that can be read here: {ast.unparse(value)}")


def _actions() -> set[str]:
    return {
        word
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOG_METHODS
        for keyword in node.keywords
        if keyword.arg == "action"
        for word in _words(keyword.value)
    }


def _table(first_line: str) -> set[str]:
    return set(ROW.findall(page("docs/operating.md").partition(first_line)[2].partition("\n\n")[0]))


def test_every_action_of_the_log_is_explained_and_no_other() -> None:
    actions = _actions()
    assert len(actions) > 10
    assert _table("| `action` | when |") == actions


def test_every_state_of_a_source_is_explained() -> None:
    assert _table("| state of a source | means |") == set(get_args(SourceState))


def test_every_state_of_a_destination_is_explained() -> None:
    assert _table("| state of a destination | means |") == set(get_args(LaneState))


def test_every_scope_and_role_is_explained() -> None:
    assert _table("| scope | allows |") == set(get_args(Scope))
    assert [role for role in get_args(Role) if f"**{role}**" not in page("docs/operating.md")] == []


def test_every_log_line_has_an_action() -> None:
    mute = [
        f"{shown(path)}:{node.lineno}"
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in LOG_METHODS
        and ast.unparse(node.func.value) in ("_log", "log")
        and not any(keyword.arg == "action" for keyword in node.keywords)
    ]
    assert mute == []
