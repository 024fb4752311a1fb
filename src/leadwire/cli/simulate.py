"""`leadwire simulate`: one simulator alone, on a real socket."""

import asyncio
from contextlib import AsyncExitStack
from random import Random
from typing import Annotated, Any

import aiohttp
import typer

from leadwire.cli.means import Means, means_of
from leadwire.engine.clock import SystemClock
from leadwire.model.errors import ConfigError
from leadwire.simulators.catalogue import CATALOGUE, config_for
from leadwire.simulators.control import Simulated
from leadwire.simulators.knowlarity.world import KnowlarityWorld
from leadwire.simulators.meta.world import MetaWorld
from leadwire.simulators.sender import PushSender
from leadwire.simulators.server import SimulatorServer
from leadwire.simulators.traffic import Traffic, produce

_WITHOUT_END = 1_000_000_000
app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def simulate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=f"One of {', '.join(CATALOGUE)}.")],
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where it listens on 127.0.0.1; 0 takes any free port.")
    ] = 0,
    push: Annotated[
        str | None, typer.Option(help="Where its webhooks go, such as http://127.0.0.1:8080/webhooks/meta.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0, help="New leads per second; 0 makes none by itself.")] = 0.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 1,
) -> None:
    """Run one simulator until Ctrl-C, and print the configuration that uses it."""
    if name not in CATALOGUE:
        raise ConfigError(f'there is no simulator "{name}": there are {", ".join(CATALOGUE)}')
    random = Random(seed)  # noqa: S311 - simulated people, no secret
    world = CATALOGUE[name](random)
    traffic = _traffic(world, random) if rate > 0 else None
    if rate > 0 and traffic is None:
        raise typer.BadParameter(f"{name} makes no leads by itself: leave --rate out")
    asyncio.run(_serve(world, port, push, (traffic, rate), means_of(context)))


async def _serve(
    world: Simulated, port: int, push: str | None, made: tuple[Traffic | None, float], means: Means
) -> None:
    clock = SystemClock()
    traffic, rate = made
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(SimulatorServer(world, clock.now, port=port))
        typer.echo(f"# It listens at {server.url}; its fault switches are at {server.url}/_sim/faults.")
        typer.echo(config_for(world, server.url))
        tasks: list[asyncio.Task[Any]] = []
        if push is not None and isinstance(world, MetaWorld | KnowlarityWorld):
            session = await stack.enter_async_context(aiohttp.ClientSession())
            tasks.append(asyncio.create_task(PushSender(world, session, push, clock.now).run()))
        if traffic is not None:
            tasks.append(asyncio.create_task(produce(traffic, rate_per_s=rate, total=_WITHOUT_END, clock=clock.now)))
        await means.stop_asked()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _traffic(world: Simulated, random: Random) -> Traffic | None:
    if isinstance(world, MetaWorld):
        return Traffic(random, meta=world)
    return Traffic(random, knowlarity=world) if isinstance(world, KnowlarityWorld) else None
