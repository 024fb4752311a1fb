"""/livez, /readyz, /metrics: for machines that watch."""

from litestar import get
from litestar.response import Response

from leadwire.web.gate import Turned, open_to
from leadwire.web.surroundings import Site


@get("/livez", opt=open_to("open"), summary="Is the process alive?", tags=["probes"])
async def livez() -> dict[str, str]:
    """Touches nothing else."""
    return {"status": "alive"}


@get("/readyz", opt=open_to("open"), summary="Can webhooks be accepted?", tags=["probes"])
async def readyz(site: Site) -> dict[str, str]:
    """Makes a durable write (at most one a second). A destination that is down changes nothing here. 503 while not ready."""
    if not await site.survey.is_ready():
        raise Turned("unavailable", None, {"Retry-After": "1"})
    return {"status": "ready"}


@get(
    "/metrics",
    opt=open_to("metrics"),
    summary="Metrics in the Prometheus text format",
    tags=["probes"],
    media_type="text/plain",
)
async def metrics(site: Site) -> Response[bytes]:
    """Takes a token of scope read, unless the server listens on loopback."""
    return Response(await site.survey.exposition(), media_type="text/plain; version=0.0.4")


HANDLERS = (livez, readyz, metrics)
