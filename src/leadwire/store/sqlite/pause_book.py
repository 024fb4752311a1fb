"""The pause book on SQLite."""

from collections.abc import Sequence

import msgspec

from leadwire.model.pull import Pause
from leadwire.store.sqlite.committer import Committer
from leadwire.store.sqlite.reader import Reader

_pauses = msgspec.json.Decoder(list[Pause]).decode


class SqlitePauseBook:
    """A `PauseBook`; pauses come by subject."""

    def __init__(self, committer: Committer, reader: Reader) -> None:
        self._committer = committer
        self._reader = reader

    async def pause(self, pause: Pause) -> None:
        parameters = msgspec.structs.asdict(pause)
        await self._committer.write_one(lambda session: session.change("pause_book.pause", parameters))

    async def resume(self, subject: str) -> bool:
        parameters = {"subject": subject}
        return await self._committer.write_one(lambda session: session.change("pause_book.resume", parameters)) > 0

    async def pauses(self) -> Sequence[Pause]:
        return _pauses(await self._reader.read(lambda session: session.json("pause_book.pauses")))
