"""Who may come in: users, their sessions, one-time codes, and API tokens. Only hashes of secrets are stored."""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from leadwire.model.times import Instant

Scope = Literal["read", "write", "trigger", "admin"]
Role = Literal["rep", "admin"]


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person who signs in. `password_hash` is argon2id's, None until one is set."""

    name: str
    role: Role
    created_at: Instant
    password_hash: str | None = None
    disabled_at: Instant | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in, kept on the server. `digest` is SHA-256 (hex) of the cookie's value."""

    digest: str
    user: str
    created_at: Instant
    seen_at: Instant


class ApiToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token for programs. `digest` is SHA-256 (hex) of the token."""

    id: str
    digest: str
    scopes: Sequence[Scope]
    name: str
    created_at: Instant
    expires_at: Instant | None = None
    revoked_at: Instant | None = None
    last_used_at: Instant | None = None


class UserBook(Protocol):
    """Users and their sessions."""

    async def add_user(self, user: User) -> bool:
        """Adds a user; answers False where the name is taken."""
        ...

    async def change_user(self, user: User) -> bool:
        """Replaces a user by name and ends all their sessions; answers whether there was one."""
        ...

    async def users(self) -> Sequence[User]:
        """All users by name."""
        ...

    async def open_session(self, session: Session) -> None:
        """Stores a session."""
        ...

    async def session(self, digest: str) -> tuple[Session, User] | None:
        """A session with its user, who is not disabled."""
        ...

    async def touch_session(self, digest: str, now: Instant) -> None:
        """Notes that the session was used."""
        ...

    async def close_session(self, digest: str) -> None:
        """Ends a session."""
        ...

    async def prune_sessions(self, seen_before: Instant, created_before: Instant) -> int:
        """Deletes sessions idle or old beyond these times."""
        ...


class TokenBook(Protocol):
    """API tokens and one-time sign-in codes."""

    async def add_token(self, token: ApiToken) -> None:
        """Stores a token."""
        ...

    async def token(self, digest: str) -> ApiToken | None:
        """The token of this digest, revoked or expired ones too."""
        ...

    async def tokens(self) -> Sequence[ApiToken]:
        """All tokens, newest first."""
        ...

    async def revoke_token(self, token_id: str, now: Instant) -> bool:
        """Revokes; answers whether there was one that was not revoked yet."""
        ...

    async def note_token_use(self, token_id: str, now: Instant) -> None:
        """Notes the last use."""
        ...

    async def add_code(self, digest: str, user: str, expires_at: Instant) -> None:
        """Stores a one-time sign-in code."""
        ...

    async def redeem_code(self, digest: str, now: Instant) -> str | None:
        """The user's name, once; None where the code is unknown, used or expired."""
        ...
