"""The site put together: pages, API and probes on one Litestar application. The webhook doors stand in front of it."""

from typing import Any

from litestar import Litestar
from litestar.connection import Request
from litestar.di import Provide

from leadwire.web import describing, probes
from leadwire.web.api import leads, operations, people, queues
from leadwire.web.failures import HANDLERS
from leadwire.web.gate import provide_caller, require
from leadwire.web.headers import security_headers
from leadwire.web.pages import inbox, lead_page, ops_page, sign_in
from leadwire.web.pages.drawing import Drawing
from leadwire.web.static_files import StaticFiles, static_file
from leadwire.web.surroundings import SiteServices

BODY_BYTES_MAX = 1_048_576


async def _provide_site(request: Request[Any, Any, Any]) -> SiteServices:
    site: SiteServices = request.app.state.site
    return site


def build_site(services: SiteServices) -> Litestar:
    """An ASGI application. It starts nothing: `services.live` is run by the supervisor and closed when the server stops."""
    app = Litestar(
        route_handlers=[
            static_file,
            *probes.HANDLERS,
            *describing.HANDLERS,
            *sign_in.HANDLERS,
            *inbox.HANDLERS,
            *lead_page.HANDLERS,
            *ops_page.HANDLERS,
            leads.ROUTER,
            queues.ROUTER,
            people.ROUTER,
            operations.ROUTER,
        ],
        dependencies={
            "site": Provide(_provide_site),
            "caller": Provide(provide_caller, sync_to_thread=False),
        },
        guards=[require],
        before_send=[security_headers(is_https=services.settings.is_https)],
        exception_handlers=HANDLERS,
        openapi_config=describing.openapi_config(),
        request_max_body_size=BODY_BYTES_MAX,
        logging_config=None,
        debug=False,
        pdb_on_exception=False,
    )
    furnish(app, services)
    return app


def furnish(app: Litestar, services: SiteServices) -> None:
    """Puts everything behind the pages into the application; what was there before is forgotten."""
    static = StaticFiles()
    app.state.site = services
    app.state.static = static
    app.state.drawing = Drawing(services.settings, services.clock, static)
