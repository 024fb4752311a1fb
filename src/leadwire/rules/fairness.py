"""Fresh leads do not wait behind a backlog."""

FRESH_PART = 4


def fresh_share(limit: int, backlog: int) -> int:
    """How many of `limit` slots are kept for fresh leads while `backlog` older ones wait: a quarter, at least one of two or more.

    None where there is no backlog, and none of a single slot, which goes by due time.
    """
    if backlog <= 0 or limit <= 1:
        return 0
    return max(limit // FRESH_PART, 1)
