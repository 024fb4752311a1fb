"""Every error as a problem document (RFC 9457); for a person in a browser, as a page with the same words."""

from typing import Any

from litestar.connection import Request
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException
from litestar.handlers.base import BaseRouteHandler
from litestar.response import Response

from leadwire.model.errors import LeadwireError, StorageFailed, StorageFull, StoreBusy
from leadwire.web.gate import Turned, login_path
from leadwire.web.pages.drawing import Drawing
from leadwire.web.problem import CONTENT_TYPE, Problem, encode, problem, slug_of_status
from leadwire.web.surroundings import SiteServices

AnyRequest = Request[Any, Any, Any]
Answer = Response[Any]


def turned(request: AnyRequest, error: Turned) -> Answer:
    """A stranger on a page is sent to sign in; everyone else hears the problem."""
    if error.slug == "unauthorized" and _is_page(request):
        return _to_login(request)
    return _answer(request, problem(error.slug, error.detail), error.headers)


def http_error(request: AnyRequest, error: HTTPException) -> Answer:
    """What the framework refused."""
    if isinstance(error, ValidationException):
        return _answer(request, problem("invalid", _validation_words(error)), {})
    headers: dict[str, str] = {}
    if isinstance(error, MethodNotAllowedException):
        headers["Allow"] = (error.headers or {}).get("allow", "")
    status = error.status_code
    slug = slug_of_status(status)
    detail = None if status >= 500 else str(error.detail).partition(". ")[0]
    return _answer(request, problem(slug, None if status in (404, 405) else detail, status=status), headers)


def store_error(request: AnyRequest, error: LeadwireError) -> Answer:
    """The ledger can't do it now."""
    site: SiteServices = request.app.state.site
    if isinstance(error, StorageFailed):
        site.observer.alerted("store", str(error))
    wait_s = "1" if isinstance(error, StoreBusy) else "5"
    return _answer(request, problem("unavailable", "The ledger can't do this now."), {"Retry-After": wait_s})


def too_deep(request: AnyRequest, error: RecursionError) -> Answer:  # noqa: ARG001 - the hook's signature
    """A body nested beyond reason."""
    return _answer(request, problem("bad-request", "The body is nested too deeply."), {})


def unforeseen(request: AnyRequest, error: Exception) -> Answer:
    """Says nothing about the inside; the observer hears it all."""
    site: SiteServices = request.app.state.site
    site.observer.crashed("web", error)
    return _answer(request, problem("internal"), {})


HANDLERS: dict[int | type[Exception], Any] = {
    Turned: turned,
    HTTPException: http_error,
    StorageFull: store_error,
    StorageFailed: store_error,
    StoreBusy: store_error,
    RecursionError: too_deep,
    Exception: unforeseen,
}


def _answer(request: AnyRequest, document: Problem, headers: dict[str, str]) -> Answer:
    if _wants_html(request):
        drawing: Drawing = request.app.state.drawing
        page = drawing.draw("error.html", problem=document, caller=request.scope.get("auth"))
        return Response(page, status_code=document.status, media_type="text/html", headers=headers)
    return Response(encode(document), status_code=document.status, media_type=CONTENT_TYPE, headers=headers)


def _to_login(request: AnyRequest) -> Answer:
    if request.headers.get("hx-request") == "true":
        return Response(b"", status_code=401, headers={"HX-Redirect": "/login"})
    is_read = request.method in ("GET", "HEAD")
    query = request.scope["query_string"].decode("latin-1")
    location = login_path(request.url.path, query) if is_read else "/login"
    return Response(b"", status_code=303, headers={"Location": location})


def _is_page(request: AnyRequest) -> bool:
    handler: BaseRouteHandler | None = request.scope.get("route_handler")
    return handler is not None and bool(handler.opt.get("page"))


def _wants_html(request: AnyRequest) -> bool:
    if request.scope["path"].startswith("/api/") or request.headers.get("hx-request") == "true":
        return False
    return "text/html" in request.headers.get("accept", "")


def _validation_words(error: ValidationException) -> str:
    extra = error.extra if isinstance(error.extra, list) else []
    lines = [f"{one.get('key', '')}: {one.get('message', '')}".strip(": ") for one in extra if isinstance(one, dict)]
    return "; ".join(lines)[:500] or "The values can't be used."
