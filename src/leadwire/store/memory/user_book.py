"""Users and sessions in memory."""

from collections.abc import Sequence

import msgspec

from leadwire.model.times import Instant
from leadwire.ports.accounts import Session, User
from leadwire.store.memory.commits import Commits
from leadwire.store.memory.state import MemoryState


class MemoryUserBook:
    """A `UserBook`."""

    def __init__(self, state: MemoryState, commits: Commits) -> None:
        self._accounts = state.accounts
        self._commits = commits

    async def add_user(self, user: User) -> bool:
        if user.name in self._accounts.users:
            return False
        with self._commits.commit("users.add_user"):
            self._accounts.users[user.name] = user
        return True

    async def change_user(self, user: User) -> bool:
        if user.name not in self._accounts.users:
            return False
        with self._commits.commit("users.change_user"):
            self._accounts.users[user.name] = user
            for session in [held for held in self._accounts.sessions.values() if held.user == user.name]:
                del self._accounts.sessions[session.digest]
        return True

    async def users(self) -> Sequence[User]:
        return [self._accounts.users[name] for name in sorted(self._accounts.users)]

    async def open_session(self, session: Session) -> None:
        with self._commits.commit("users.open_session"):
            self._accounts.sessions[session.digest] = session

    async def session(self, digest: str) -> tuple[Session, User] | None:
        session = self._accounts.sessions.get(digest)
        user = None if session is None else self._accounts.users.get(session.user)
        if session is None or user is None or user.disabled_at is not None:
            return None
        return session, user

    async def touch_session(self, digest: str, now: Instant) -> None:
        if (session := self._accounts.sessions.get(digest)) is not None:
            with self._commits.commit("users.touch_session"):
                self._accounts.sessions[digest] = msgspec.structs.replace(session, seen_at=now)

    async def close_session(self, digest: str) -> None:
        if digest in self._accounts.sessions:
            with self._commits.commit("users.close_session"):
                del self._accounts.sessions[digest]

    async def prune_sessions(self, seen_before: Instant, created_before: Instant) -> int:
        old = [
            session.digest
            for session in self._accounts.sessions.values()
            if session.seen_at < seen_before or session.created_at < created_before
        ]
        if old:
            with self._commits.commit("users.prune_sessions"):
                for digest in old:
                    del self._accounts.sessions[digest]
        return len(old)
