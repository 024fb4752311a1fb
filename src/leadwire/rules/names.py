"""A person's names, as far as they were given."""

from typing import NamedTuple


class Names(NamedTuple):
    """Names as typed, without outer blanks; None where none was given. A first or last name is never guessed from the full one."""

    full: str | None
    first: str | None
    last: str | None

    @classmethod
    def of(cls, full: str | None, first: str | None, last: str | None) -> "Names":
        """From whatever was given. The full name is the one given, else first and last (or the one of them that was given)."""
        given, first, last = (name and (name.strip() or None) for name in (full, first, last))
        joined = " ".join(name for name in (first, last) if name)
        return cls(given or joined or None, first or None, last or None)
