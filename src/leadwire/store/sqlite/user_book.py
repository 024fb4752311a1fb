"""Users and sessions on SQLite."""

from collections.abc import Sequence

import msgspec

from leadwire.model.times import Instant
from leadwire.ports.accounts import Session as SignIn
from leadwire.ports.accounts import User
from leadwire.store.sqlite.committer import Committer
from leadwire.store.sqlite.reader import Reader
from leadwire.store.sqlite.session import Session, bind

_users = msgspec.json.Decoder(list[User]).decode
_session = msgspec.json.Decoder(tuple[SignIn, User]).decode


class SqliteUserBook:
    """A `UserBook`."""

    def __init__(self, committer: Committer, reader: Reader) -> None:
        self._committer = committer
        self._reader = reader

    async def add_user(self, user: User) -> bool:
        parameters = msgspec.structs.asdict(user)
        return await self._committer.write_one(lambda session: session.change("user_book.add_user", parameters)) > 0

    async def change_user(self, user: User) -> bool:
        parameters = msgspec.structs.asdict(user)

        def work(session: Session) -> bool:
            is_known = session.change("user_book.change_user", parameters) > 0
            if is_known:
                session.change("user_book.end_sessions", parameters)
            return is_known

        return await self._committer.write(work)

    async def users(self) -> Sequence[User]:
        return _users(await self._reader.read(lambda session: session.json("user_book.users")))

    async def open_session(self, session: SignIn) -> None:
        parameters = msgspec.structs.asdict(session)
        await self._committer.write_one(lambda store: store.change("user_book.open_session", parameters))

    async def session(self, digest: str) -> tuple[SignIn, User] | None:
        text = await self._reader.read(lambda session: session.text("user_book.session", {"digest": digest}))
        return None if text is None else _session(text)

    async def touch_session(self, digest: str, now: Instant) -> None:
        parameters = bind(digest=digest, now=now)
        await self._committer.write_one(lambda session: session.change("user_book.touch_session", parameters))

    async def close_session(self, digest: str) -> None:
        parameters = {"digest": digest}
        await self._committer.write_one(lambda session: session.change("user_book.close_session", parameters))

    async def prune_sessions(self, seen_before: Instant, created_before: Instant) -> int:
        parameters = {"seen_before": seen_before, "created_before": created_before}
        return await self._committer.write_one(lambda session: session.change("user_book.prune_sessions", parameters))
