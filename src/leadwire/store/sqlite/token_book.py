"""API tokens and one-time codes on SQLite."""

from collections.abc import Sequence

import msgspec

from leadwire.model.times import Instant
from leadwire.ports.accounts import ApiToken
from leadwire.store.sqlite.absorbing import as_json
from leadwire.store.sqlite.committer import Committer
from leadwire.store.sqlite.reader import Reader
from leadwire.store.sqlite.session import Session, bind

_token = msgspec.json.Decoder(ApiToken).decode
_tokens = msgspec.json.Decoder(list[ApiToken]).decode


class SqliteTokenBook:
    """A `TokenBook`."""

    def __init__(self, committer: Committer, reader: Reader) -> None:
        self._committer = committer
        self._reader = reader

    async def add_token(self, token: ApiToken) -> None:
        parameters = msgspec.structs.asdict(token) | {"scopes": as_json(list(token.scopes))}
        await self._committer.write_one(lambda session: session.change("token_book.add_token", parameters))

    async def token(self, digest: str) -> ApiToken | None:
        text = await self._reader.read(lambda session: session.text("token_book.token", {"digest": digest}))
        return None if text is None else _token(text)

    async def tokens(self) -> Sequence[ApiToken]:
        return _tokens(await self._reader.read(lambda session: session.json("token_book.tokens")))

    async def revoke_token(self, token_id: str, now: Instant) -> bool:
        parameters = bind(token_id=token_id, now=now)
        return (
            await self._committer.write_one(lambda session: session.change("token_book.revoke_token", parameters)) > 0
        )

    async def note_token_use(self, token_id: str, now: Instant) -> None:
        parameters = bind(token_id=token_id, now=now)
        await self._committer.write_one(lambda session: session.change("token_book.note_token_use", parameters))

    async def add_code(self, digest: str, user: str, expires_at: Instant) -> None:
        parameters = bind(digest=digest, user=user, expires_at=expires_at)
        await self._committer.write_one(lambda session: session.change("token_book.add_code", parameters))

    async def redeem_code(self, digest: str, now: Instant) -> str | None:
        def work(session: Session) -> str | None:
            user = session.text("token_book.good_code", {"digest": digest, "now": now})
            session.change("token_book.spend_code", {"digest": digest})
            return user

        return await self._committer.write(work)
