"""docs/api.md names every endpoint with its scope, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from house.repository import SOURCE, modules, nodes, page

WEB = SOURCE / "web"
FILES = (*modules(WEB / "api"), WEB / "probes.py", WEB / "describing.py")
VERBS = {"get": "GET", "post": "POST", "delete": "DELETE", "put": "PUT", "patch": "PATCH"}
ENDPOINT = re.compile(r"`((?:GET|POST|DELETE|PUT|PATCH) /[^`]*)`")
SCOPED = re.compile(r"^\| `([A-Z]+ /api/[^`]*)` \| (\w+) \|", re.MULTILINE)
NEEDS = {"desk": "write"}  # a token of scope write may act at the desk


def _prefix(path: Path) -> str:
    calls = [node for node in nodes(path) if isinstance(node, ast.Call) and ast.unparse(node.func) == "Router"]
    return str(ast.literal_eval(calls[0].args[0])) if calls else ""


def _endpoints() -> Iterator[tuple[str, str]]:
    """Every endpoint of the API and what its caller needs."""
    for path in FILES:
        for node in nodes(path):
            if not isinstance(node, ast.AsyncFunctionDef):
                continue
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func) in VERBS:
                    route = f"{_prefix(path)}{ast.literal_eval(call.args[0])}".rstrip("/")
                    route = re.sub(r"\{(\w+):\w+\}", r"{\1}", route)
                    need = next(ast.unparse(word.value) for word in call.keywords if word.arg == "opt")
                    yield f"{VERBS[ast.unparse(call.func)]} {route}", need.split('"' if '"' in need else "'")[1]


def test_every_endpoint_is_named_and_no_other() -> None:
    named = {match for match in ENDPOINT.findall(page("docs/api.md")) if "/webhooks/" not in match}
    endpoints = {name for name, _ in _endpoints()}
    assert len(endpoints) > 20
    assert named == endpoints


def test_every_endpoint_stands_with_its_scope() -> None:
    scopes = {name: NEEDS.get(need, need) for name, need in _endpoints() if " /api/" in name}
    assert dict(SCOPED.findall(page("docs/api.md"))) == scopes
