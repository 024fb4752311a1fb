"""The repository as the house tests read it: its files, its pages and the syntax trees of its modules."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "leadwire"
FOLDERS = ("src", "tests", "docs", "bench", "scripts", ".ci", "requirements")
TEXTS = frozenset({
    "", ".css", ".html", ".js", ".json", ".lock", ".md", ".py", ".sh", ".sql", ".svg", ".toml", ".txt", ".yaml", ".yml"
})  # fmt: skip
_HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$")
_FENCE = re.compile(r"^```(\w*) *[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@functools.cache
def files() -> tuple[Path, ...]:
    """Every text file that belongs to the project: what stands in its folders and on its top level."""
    found = [path for path in ROOT.iterdir() if path.is_file() and path.name != "leadwire.toml"]
    for folder in FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return tuple(sorted(path for path in found if path.suffix in TEXTS))


@functools.cache
def text(path: Path) -> str:
    """A file's text."""
    return path.read_text(encoding="utf-8")


@functools.cache
def modules(folder: Path = SOURCE) -> tuple[Path, ...]:
    """The Python files under a folder."""
    return tuple(sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts))


@functools.cache
def tree(path: Path) -> ast.Module:
    """A module's syntax tree."""
    return ast.parse(text(path), filename=str(path))


@functools.cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Every node of a module's tree."""
    return tuple(ast.walk(tree(path)))


def pages() -> list[Path]:
    """Every Markdown page."""
    return [path for path in files() if path.suffix == ".md"]


def page(name: str) -> str:
    """A page by its path from the top."""
    return text(ROOT / name)


def shown(path: Path) -> str:
    """A path as messages show it."""
    return str(path.relative_to(ROOT))


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of this language on a page."""
    return [body for kind, body in _FENCE.findall(text(path)) if kind == language]


def without_blocks(markdown: str) -> str:
    """A page's words without its fenced blocks."""
    return _FENCE.sub("", markdown)


def sections(markdown: str) -> dict[str, str]:
    """The text under every heading, up to the next heading of any level."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in without_blocks(markdown).splitlines():
        heading = _HEADING.match(line)
        if heading is not None:
            current = found.setdefault(heading[2], [])
        else:
            current.append(line)
    return {title: "\n".join(lines) for title, lines in found.items()}


def words_in_code(markdown: str) -> set[str]:
    """Everything that stands between single backticks."""
    return set(re.findall(r"`([^`\n]+)`", without_blocks(markdown)))


def classes(folder: Path = SOURCE) -> Iterator[tuple[Path, ast.ClassDef]]:
    """Every class with its file."""
    for path in modules(folder):
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                yield path, node


def base_names(node: ast.ClassDef) -> set[str]:
    """A class's bases as they are written, without what stands in brackets."""
    found = set()
    for base in node.bases:
        target = base.value if isinstance(base, ast.Subscript) else base
        found.add(ast.unparse(target))
    return found


def public_methods(node: ast.ClassDef) -> list[str]:
    """The names of a class's own public methods and properties."""
    return [
        item.name
        for item in node.body
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef) and not item.name.startswith("_")
    ]
