"""Accounts: who may come in. Passwords are argon2id's; of every other secret only its SHA-256 is kept."""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Protocol

import argon2
import msgspec
from argon2.exceptions import InvalidHashError, VerificationError

from leadwire.engine.throttle import Throttle
from leadwire.model.errors import LeadwireError
from leadwire.model.times import DAY, HOUR, MINUTE, SECOND, Instant
from leadwire.ports.accounts import ApiToken, Role, Scope, Session, TokenBook, User, UserBook
from leadwire.ports.clock import Clock

SESSION_IDLE = 12 * HOUR
SESSION_AGE_MAX = 14 * DAY
SESSION_TOUCH_EVERY = 5 * MINUTE
TOKEN_NOTE_EVERY = MINUTE
CODE_LIFE = 15 * MINUTE
PASSWORD_CHARACTERS_MIN = 12
PASSWORD_CHARACTERS_MAX = 256
SIGN_INS_WAITING_MAX = 32
ALL_SCOPES: tuple[Scope, ...] = ("read", "write", "trigger", "admin")

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class PasswordWeak(LeadwireError):
    """A password needs at least 12 characters (at most 256)."""


class NameInvalid(LeadwireError):
    """A user name is 1 to 64 small letters, digits, dots, dashes, underscores or @, and begins with a letter or digit."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that worked. `secret` goes into the cookie and is kept nowhere else."""

    user: User
    secret: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that did not work. `after_s` is set where it was not even tried: too many failures before."""

    after_s: int | None = None


class MadeToken(msgspec.Struct, frozen=True, kw_only=True):
    """A new API token; `secret` is shown this once."""

    secret: str
    token: ApiToken


class Hasher(Protocol):
    """Hashes passwords slowly on purpose. Both calls block; they run in a thread."""

    def hash(self, password: str) -> str: ...
    def verify(self, password_hash: str, password: str) -> bool: ...


class Argon2Hasher:
    """argon2id with 19 MiB, 2 passes, 1 lane (the OWASP Password Storage Cheat Sheet's first choice)."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def digest_of(secret: str) -> str:
    """SHA-256 (hex) of a secret that is random enough to need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


class Accounts:
    """Users, their sessions, one-time codes and API tokens. `draw(n)` answers n unguessable bytes (os.urandom's kind)."""

    def __init__(
        self, users: UserBook, tokens: TokenBook, clock: Clock, draw: Callable[[int], bytes], hasher: Hasher
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._clock = clock
        self._draw = draw
        self._passwords = _Passwords(hasher, self._text(16))
        self._by_account = Throttle(free=5, first_s=1.0, longest_s=60.0, forget_after_s=3600.0)
        self._by_address = Throttle(free=20, first_s=2.0, longest_s=900.0, forget_after_s=3600.0)

    async def first_code(self) -> str | None:
        """A sign-in code for the user "admin" where nobody could sign in otherwise (no user has a password yet); else None."""
        users = await self._users.users()
        if any(user.password_hash and user.disabled_at is None for user in users):
            return None
        if not any(user.name == "admin" for user in users):
            await self.add_user("admin", "admin")
        return await self.code_for("admin")

    async def add_user(self, name: str, role: Role, password: str | None = None) -> bool:
        """Adds a user; answers False where the name is taken. Raises NameInvalid or PasswordWeak."""
        name = name.strip().casefold()
        if not _NAME.fullmatch(name):
            raise NameInvalid
        password_hash = None if password is None else await self._hash(password)
        user = User(name=name, role=role, created_at=self._clock.now(), password_hash=password_hash)
        return await self._users.add_user(user)

    async def disable_user(self, name: str) -> bool:
        """Ends a user's sessions and keeps them out; answers whether there was one."""
        user = await self.user(name)
        if user is None:
            return False
        return await self._users.change_user(msgspec.structs.replace(user, disabled_at=self._clock.now()))

    async def user(self, name: str) -> User | None:
        """The user of this name, disabled or not."""
        wanted = name.strip().casefold()
        return next((user for user in await self._users.users() if user.name == wanted), None)

    async def users(self) -> Sequence[User]:
        """All users by name."""
        return await self._users.users()

    async def code_for(self, name: str) -> str | None:
        """A one-time sign-in code, good for 15 minutes; None where there is no such (enabled) user."""
        user = await self.user(name)
        if user is None or user.disabled_at is not None:
            return None
        code = self._text(20)
        await self._tokens.add_code(digest_of(code), user.name, self._clock.now() + CODE_LIFE)
        return code

    async def redeem(self, code: str, address: str) -> SignedIn | Refused:
        """Signs in by a one-time code, once."""
        now = self._clock.now()
        if (after_s := self._by_address.begin(address, now)) is not None:
            return Refused(after_s=after_s)
        name = await self._tokens.redeem_code(digest_of(code.strip()), now)
        user = None if name is None else await self.user(name)
        if user is None or user.disabled_at is not None:
            return Refused()
        self._by_address.refund(address)
        return await self._open(user)

    async def sign_in(self, name: str, password: str, address: str) -> SignedIn | Refused:
        """Signs in by password. Takes as long for an unknown name as for a wrong password, and says the same."""
        now = self._clock.now()
        account = name.strip().casefold()[:64]
        if self._passwords.is_busy:
            return Refused(after_s=1)
        for throttle, key in ((self._by_address, address), (self._by_account, account)):
            if (after_s := throttle.begin(key, now)) is not None:
                return Refused(after_s=after_s)
        user = await self.user(account)
        known = None if user is None or user.disabled_at is not None else user.password_hash
        if not await self._passwords.verify(known, password) or user is None:
            return Refused()
        self._by_account.forget(account)
        self._by_address.refund(address)
        return await self._open(user)

    async def user_of(self, secret: str) -> User | None:
        """The user whose session this cookie value is; None once it is idle for 12 hours, 14 days old, or ended."""
        now = self._clock.now()
        digest = digest_of(secret)
        found = await self._users.session(digest)
        if found is None:
            return None
        session, user = found
        if now - session.seen_at > SESSION_IDLE or now - session.created_at > SESSION_AGE_MAX:
            await self._users.close_session(digest)
            return None
        if now - session.seen_at > SESSION_TOUCH_EVERY:
            await self._users.touch_session(digest, now)
        return user

    async def sign_out(self, secret: str) -> None:
        """Ends the session of this cookie value."""
        await self._users.close_session(digest_of(secret))

    async def set_password(self, user: User, password: str) -> SignedIn:
        """Sets a password, ends all the user's sessions and opens a new one. Raises PasswordWeak."""
        changed = msgspec.structs.replace(user, password_hash=await self._hash(password))
        await self._users.change_user(changed)
        return await self._open(changed)

    async def _hash(self, password: str) -> str:
        if not PASSWORD_CHARACTERS_MIN <= len(password) <= PASSWORD_CHARACTERS_MAX:
            raise PasswordWeak
        return await self._passwords.hash(password)

    async def prove(self, user: User, password: str, address: str) -> bool | Refused:
        """Whether this is the user's password; counted like a sign-in."""
        outcome = await self.sign_in(user.name, password, address)
        if isinstance(outcome, SignedIn):
            await self.sign_out(outcome.secret)
            return True
        return outcome if outcome.after_s is not None else False

    async def prune(self) -> int:
        """Deletes sessions that ran out; answers how many."""
        now = self._clock.now()
        return await self._users.prune_sessions(now - SESSION_IDLE, now - SESSION_AGE_MAX)

    async def _open(self, user: User) -> SignedIn:
        secret = self._text(32)
        now = self._clock.now()
        await self._users.open_session(Session(digest=digest_of(secret), user=user.name, created_at=now, seen_at=now))
        return SignedIn(user=user, secret=secret)

    def _text(self, size: int) -> str:
        return base64.urlsafe_b64encode(self._draw(size)).decode().rstrip("=")


class Tokens:
    """API tokens: `lw_<id>_<secret>`, so that secret scanners know one when they see one."""

    def __init__(self, book: TokenBook, clock: Clock, draw: Callable[[int], bytes]) -> None:
        self._book = book
        self._clock = clock
        self._draw = draw
        self._noted: dict[str, Instant] = {}

    async def make(self, scopes: Sequence[Scope], name: str, life_s: float | None = None) -> MadeToken:
        """Makes and stores a token."""
        now = self._clock.now()
        token_id = self._draw(6).hex()
        secret = f"lw_{token_id}_{self._draw(24).hex()}"
        token = ApiToken(
            id=token_id,
            digest=digest_of(secret),
            scopes=tuple(scope for scope in ALL_SCOPES if scope in scopes),
            name=name,
            created_at=now,
            expires_at=None if life_s is None else now + round(life_s * SECOND),
        )
        await self._book.add_token(token)
        return MadeToken(secret=secret, token=token)

    async def find(self, secret: str) -> ApiToken | None:
        """The token that this is; None where it is unknown, revoked or expired. Its use is noted once a minute."""
        token = await self._book.token(digest_of(secret))
        now = self._clock.now()
        if token is None or token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
            return None
        if now - self._noted.get(token.id, -TOKEN_NOTE_EVERY) >= TOKEN_NOTE_EVERY:
            self._noted[token.id] = now
            await self._book.note_token_use(token.id, now)
        return token

    async def all(self) -> Sequence[ApiToken]:
        """All tokens, newest first."""
        return await self._book.tokens()

    async def revoke(self, token_id: str) -> bool:
        """Revokes; answers whether there was one that was not revoked yet."""
        return await self._book.revoke_token(token_id, self._clock.now())


def is_local_key(secret: str, local_key_digest: str | None) -> bool:
    """Whether this is the key of the same machine's command line (None = there is none)."""
    return local_key_digest is not None and hmac.compare_digest(digest_of(secret), local_key_digest)


class _Passwords:
    """One slow hash at a time, in a thread, and as slow for a user that does not exist."""

    def __init__(self, hasher: Hasher, decoy: str) -> None:
        self._hasher = hasher
        self._decoy = decoy
        self._decoy_hash: str | None = None
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0

    @property
    def is_busy(self) -> bool:
        return self._waiting >= SIGN_INS_WAITING_MAX

    async def hash(self, password: str) -> str:
        async with self._turn:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits; never for None, which takes as long."""
        self._waiting += 1
        try:
            async with self._turn:
                if self._decoy_hash is None:
                    self._decoy_hash = await asyncio.to_thread(self._hasher.hash, self._decoy)
                fits = await asyncio.to_thread(
                    self._hasher.verify, password_hash or self._decoy_hash, password[:PASSWORD_CHARACTERS_MAX]
                )
        finally:
            self._waiting -= 1
        return fits and password_hash is not None
