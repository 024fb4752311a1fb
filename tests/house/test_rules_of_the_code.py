"""Rules that a reader relies on and a linter does not know."""

import ast
from pathlib import Path

from house.repository import ROOT, SOURCE, modules, nodes, shown

SUPERVISOR = SOURCE / "engine" / "supervisor.py"
SQLITE = SOURCE / "store" / "sqlite"
# Each opens something that is not the ledger: the lock's side file, a new file nobody has open yet, or a folder to sync.
OPENERS = {"lock.py", "opening.py", "copying.py"}
OPENING_CALLS = {"open", "fdopen", "read_bytes", "read_text", "write_bytes", "write_text", "touch", "copyfile", "copy2"}
OPENING_ALLOWED = {"migrations.py", "statements.py", "filesystem.py"}  # packaged .sql files and /proc


def _catches_everything(node: ast.AST) -> bool:
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
    is_all = any(
        each is None or (isinstance(each, ast.Name) and each.id in ("Exception", "BaseException")) for each in caught
    )
    raises_again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
    return is_all and not raises_again


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _calls(path: Path) -> list[str]:
    return [_name_of(node) for node in nodes(path) if isinstance(node, ast.Call)]


def test_only_the_supervisor_catches_everything() -> None:
    """Whoever cleans up and raises again catches nothing."""
    found = [
        f"{shown(path)}:{node.lineno}"
        for path in modules()
        if path != SUPERVISOR
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler) and _catches_everything(node)
    ]
    assert found == []
    assert any(_catches_everything(node) for node in nodes(SUPERVISOR)), "it moved: this test must follow it"


def test_nothing_opens_files_beside_the_library_in_the_room_of_the_ledger() -> None:
    """Opening and closing an SQLite file outside the library drops the locks of the whole process."""
    allowed = OPENERS | OPENING_ALLOWED
    found = {
        shown(path): sorted(OPENING_CALLS & set(_calls(path)))
        for path in modules(SQLITE)
        if path.name not in allowed and OPENING_CALLS & set(_calls(path))
    }
    assert found == {}


def test_nothing_outside_the_store_touches_the_ledgers_file() -> None:
    """Outside of store/ a ledger's path is handed on, never opened: only the store imports the SQLite library."""
    importers = {
        shown(path)
        for path in modules()
        for node in nodes(path)
        if (isinstance(node, ast.Import) and any(alias.name in ("apsw", "sqlite3") for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module in ("apsw", "sqlite3"))
    }
    assert importers
    assert all(path.startswith("src/leadwire/store/sqlite/") for path in importers), importers


def test_what_the_lock_opens_is_the_side_file() -> None:
    """Every os.open in the room names the lock's file, a file that is not finished, or a folder."""
    targets = {
        ast.unparse(node.args[0])
        for path in modules(SQLITE)
        for node in nodes(path)
        if isinstance(node, ast.Call) and _is_os_open(node)
    }
    assert "lock_path(path)" in targets
    assert targets - {"lock_path(path)", "unfinished", "folder", "target.parent"} == set()


def _is_os_open(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and ast.unparse(node.func) == "os.open"


def test_log_calls_are_given_values_and_not_sentences() -> None:
    """A line's first word is fixed: nobody's name can get into it."""
    found = [
        f"{shown(path)}:{node.lineno}"
        for path in modules()
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("debug", "info", "warning", "error", "critical")
        and ast.unparse(node.func.value) in ("_log", "log")
        and not (node.args and isinstance(node.args[0], ast.Constant))
    ]
    assert found == []


def test_there_is_no_todo() -> None:
    marker = "TO" + "DO"
    found = [
        shown(path)
        for folder in ("src", "tests", "bench")
        for path in modules(ROOT / folder)
        if marker in path.read_text(encoding="utf-8")
    ]
    assert found == []
