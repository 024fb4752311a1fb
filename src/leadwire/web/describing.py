"""/openapi.json and /docs: the API described, with every error it can answer."""

from typing import Any, Final

import msgspec
from litestar import Litestar, get
from litestar.connection import Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.response import Response

from leadwire import __version__
from leadwire.web.api import shapes
from leadwire.web.gate import open_to
from leadwire.web.headers import DOCS_CONTENT_SECURITY_POLICY
from leadwire.web.pages.drawing import Drawing
from leadwire.web.problem import CONTENT_TYPE, Problem

_ERRORS: Final = {
    "400": "The request can't be read",
    "401": "Credentials are missing or wrong",
    "403": "These credentials do not allow this",
    "404": "There is nothing here",
    "409": "This contradicts the present state",
    "413": "The body is too large",
    "422": "The values can't be used",
    "503": "Not now; see Retry-After",
}


def openapi_config() -> OpenAPIConfig:
    """What the framework draws the description from. Its own route needs an admin; ours is /openapi.json."""
    return OpenAPIConfig(
        title="leadwire",
        version=__version__,
        description="Leads, deliveries and operations. Every list pages by cursor; every error is a problem document.",
        path="/openapi",
        render_plugins=[JsonRenderPlugin()],
        use_handler_docstrings=True,
    )


def described(app: Litestar) -> bytes:
    """The OpenAPI document as JSON."""
    document = app.openapi_schema.to_schema()
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    components.setdefault("schemas", {}).update(_exact_schemas())
    problem = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            _complete(operation, path, problem)
    return msgspec.json.encode(document)


def _exact_schemas() -> dict[str, Any]:
    """Our shapes to the letter: the framework's drawing leaves out that unknown keys are refused."""
    known = [value for value in vars(shapes).values() if getattr(value, "__module__", None) == shapes.__name__]
    ours = [value for value in known if isinstance(value, type)]
    _, schemas = msgspec.json.schema_components([Problem, *ours], ref_template="#/components/schemas/{name}")
    return schemas


def _complete(operation: dict[str, Any], path: str, problem: dict[str, Any]) -> None:
    responses = operation["responses"]
    is_api = path.startswith("/api/")
    for status, words in _ERRORS.items():
        if is_api or status == "503":
            responses[status] = {"description": words, "content": problem}
    if is_api or path == "/metrics":
        operation["security"] = [{"token": []}] if is_api else [{"token": []}, {}]
        responses.setdefault("401", {"description": _ERRORS["401"], "content": problem})


@get("/openapi.json", opt=open_to("open"), include_in_schema=False)
async def openapi_json(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI 3.1 document."""
    state = request.app.state
    if "openapi" not in state:
        state.openapi = described(request.app)
    return Response(state.openapi, media_type="application/json")


@get("/docs", opt=open_to("open"), include_in_schema=False)
async def docs(request: Request[Any, Any, Any]) -> Response[str]:
    """The description to read and to try out. Its viewer sets styles on elements, so this page alone allows that."""
    drawing: Drawing = request.app.state.drawing
    return Response(
        drawing.draw("docs.html"),
        media_type="text/html",
        headers={"content-security-policy": DOCS_CONTENT_SECURITY_POLICY},
    )


HANDLERS = (openapi_json, docs)
