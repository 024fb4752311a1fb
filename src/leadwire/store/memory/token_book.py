"""API tokens and one-time codes in memory."""

from collections.abc import Sequence

import msgspec

from leadwire.model.times import Instant
from leadwire.ports.accounts import ApiToken
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.state import MemoryState, SignInCode


class MemoryTokenBook:
    """A `TokenBook`."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._accounts = state.accounts
        self._commits = commits

    async def add_token(self, token: ApiToken) -> None:
        with self._commits.commit("tokens.add_token"):
            self._accounts.tokens[token.id] = msgspec.structs.replace(token, scopes=tuple(token.scopes))

    async def token(self, digest: str) -> ApiToken | None:
        return next((token for token in self._accounts.tokens.values() if token.digest == digest), None)

    async def tokens(self) -> Sequence[ApiToken]:
        return sorted(self._accounts.tokens.values(), key=lambda token: (token.created_at, token.id), reverse=True)

    async def revoke_token(self, token_id: str, now: Instant) -> bool:
        token = self._accounts.tokens.get(token_id)
        if token is None or token.revoked_at is not None:
            return False
        with self._commits.commit("tokens.revoke_token"):
            self._accounts.tokens[token_id] = msgspec.structs.replace(token, revoked_at=now)
        return True

    async def note_token_use(self, token_id: str, now: Instant) -> None:
        if (token := self._accounts.tokens.get(token_id)) is not None:
            with self._commits.commit("tokens.note_token_use"):
                self._accounts.tokens[token_id] = msgspec.structs.replace(token, last_used_at=now)

    async def add_code(self, digest: str, user: str, expires_at: Instant) -> None:
        with self._commits.commit("tokens.add_code"):
            self._accounts.codes[digest] = SignInCode(user=user, expires_at=expires_at)

    async def redeem_code(self, digest: str, now: Instant) -> str | None:
        code = self._accounts.codes.get(digest)
        if code is None:
            return None
        with self._commits.commit("tokens.redeem_code"):
            del self._accounts.codes[digest]
        return code.user if now < code.expires_at else None
