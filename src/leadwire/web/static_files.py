"""Our own style, scripts and vendored files: a fixed list, read at the first request, cached by browsers for ever."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from litestar import get
from litestar.connection import Request
from litestar.params import FromPath
from litestar.response import Response

from leadwire.web.gate import Turned, open_to

_ROOT: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class StaticFiles:
    """Knows every file under static/ by its name; nothing else can be asked for."""

    def __init__(self) -> None:
        self._paths = {path.relative_to(_ROOT).as_posix(): path for path in _files(_ROOT)}
        self._marks: dict[str, str] = {}

    def url(self, name: str) -> str:
        """The URL of a file; it changes with the file's content. Raises KeyError for an unknown name."""
        if name not in self._marks:
            self._marks[name] = hashlib.sha256(self._paths[name].read_bytes()).hexdigest()[:12]
        return f"/static/{name}?v={self._marks[name]}"

    def find(self, name: str) -> tuple[Path, str] | None:
        """The file and its content type."""
        path = self._paths.get(name)
        return None if path is None else (path, _TYPES[path.suffix])


def _files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.suffix in _TYPES)


@get("/static/{name:path}", opt=open_to("open"), include_in_schema=False)
async def static_file(request: Request[Any, Any, Any], name: FromPath[Path]) -> Response[bytes]:
    """A file of ours; immutable under its marked URL."""
    files: StaticFiles = request.app.state.static
    found = files.find(name.as_posix().lstrip("/"))
    if found is None:
        raise Turned("not-found")
    path, content_type = found
    cache = "public, max-age=31536000, immutable" if request.scope["query_string"] else "public, max-age=300"
    content = await asyncio.to_thread(path.read_bytes)
    return Response(content, media_type=content_type, headers={"cache-control": cache})
