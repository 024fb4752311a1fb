"""How a connector introduces itself: a folder whose `__init__` holds one `connector = Connector(...)`."""

from collections.abc import Callable
from typing import Any

import msgspec

from leadwire.model.times import Instant
from leadwire.sdk.destination import Destination
from leadwire.sdk.http import Http


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What the engine lends a connector. `name` is the configured name; `region` the default phone region; `now` the clock."""

    name: str
    http: Http
    now: Callable[[], Instant]
    region: str | None = None
    timeout_s: float = 15.0


class Connector(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of source or destination. `source` and `destination` build one from its settings (an instance of `settings`)."""

    type_name: str
    title: str
    settings: type[Any]
    source: Callable[[Any, Tools], object] | None = None
    destination: Callable[[Any, Tools], Destination] | None = None
