"""A connection with the store's statements: what the work of a port sees of SQLite."""

from collections.abc import Mapping, Sequence

import apsw

from leadwire.store.sqlite.statements import Statements

Value = None | int | float | str | bytes
Parameters = Mapping[str, Value]
_NONE: Parameters = {}


def bind(**values: Value) -> Parameters:
    """Parameters of a statement by name."""
    return values


class Session:
    """Runs named statements. Results come as one row, because every row costs a trip through SQLite and back."""

    def __init__(self, connection: apsw.Connection, statements: Statements) -> None:
        self.connection = connection
        self._statements = statements

    def change(self, name: str, parameters: Parameters = _NONE, fragments: Sequence[str] = ()) -> int:
        """Runs a changing statement to its end; answers how many rows it changed (those of triggers not counted)."""
        self.connection.execute(self._statements.text(name, fragments), parameters)
        return self.connection.changes()

    def row(self, name: str, parameters: Parameters = _NONE, fragments: Sequence[str] = ()) -> tuple[Value, ...] | None:
        """The only row of a statement; None where it has none."""
        found: list[tuple[Value, ...]] = self.connection.execute(
            self._statements.text(name, fragments), parameters
        ).fetchall()
        return found[0] if found else None

    def text(self, name: str, parameters: Parameters = _NONE, fragments: Sequence[str] = ()) -> str | None:
        """The only value of a statement that answers JSON (or a word); None where there is none."""
        row = self.row(name, parameters, fragments)
        value = None if row is None else row[0]
        assert value is None or isinstance(value, str)
        return value

    def json(self, name: str, parameters: Parameters = _NONE, fragments: Sequence[str] = ()) -> str:
        """The only value of a statement that always answers JSON."""
        value = self.text(name, parameters, fragments)
        assert value is not None
        return value

    def number(self, name: str, parameters: Parameters = _NONE, fragments: Sequence[str] = ()) -> int | None:
        """The only value of a statement that answers a whole number; None where there is none."""
        row = self.row(name, parameters, fragments)
        value = None if row is None else row[0]
        assert value is None or isinstance(value, int)
        return value
