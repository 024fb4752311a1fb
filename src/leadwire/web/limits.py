"""How much the doors take: sizes, times and connections."""

import msgspec


class DoorLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the HTTP entrance.

    `body_bytes_max` bounds the body as received, `decoded_bytes_max` and `decoded_ratio_max` what a gzip or deflate body
    may become. A connection whose request header is not whole after `header_deadline_s`, or whose body is not whole
    `body_deadline_s` after its header, is closed; so is one that takes no bytes of its answer for `write_deadline_s`.
    `connections_per_peer_max` counts by address; loopback peers (a reverse proxy) are exempt. `headers_bytes_max` bounds
    a request's header. `stop_s` is how long a stop waits for what is under way.
    """

    body_bytes_max: int = 1_048_576
    decoded_bytes_max: int = 4_194_304
    decoded_ratio_max: int = 100
    headers_bytes_max: int = 65_536
    header_deadline_s: float = 10.0
    body_deadline_s: float = 15.0
    write_deadline_s: float = 30.0
    keep_alive_s: float = 75.0
    connections_max: int = 8_192
    connections_per_peer_max: int = 1_024
    retry_after_s: int = 5
    stop_s: float = 8.0
