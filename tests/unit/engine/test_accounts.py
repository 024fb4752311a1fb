"""Accounts: who may come in, for how long, and what guessing costs."""

import random
from collections.abc import Callable

import pytest

from leadwire.engine.accounts import (
    CODE_LIFE,
    SESSION_AGE_MAX,
    SESSION_IDLE,
    Accounts,
    Argon2Hasher,
    NameInvalid,
    PasswordWeak,
    Refused,
    SignedIn,
    Tokens,
    digest_of,
    is_local_key,
)
from leadwire.model.times import SECOND
from leadwire.ports.accounts import User
from leadwire.store.memory import MemoryLedger
from leadwire.testing.manual_clock import ManualClock

PASSWORD = "correct horse battery"


class CountingHasher:
    """A `Hasher` that is fast and remembers against what it verified."""

    def __init__(self) -> None:
        self.verified: list[str] = []

    def hash(self, password: str) -> str:
        return f"plain:{password}"

    def verify(self, password_hash: str, password: str) -> bool:
        self.verified.append(password_hash)
        return password_hash == f"plain:{password}"


class Door:
    """Accounts on a memory ledger."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.clock = ManualClock()
        self.hasher = CountingHasher()
        draw: Callable[[int], bytes] = random.Random(3).randbytes
        self.accounts = Accounts(self.ledger.users, self.ledger.tokens, self.clock, draw, self.hasher)
        self.tokens = Tokens(self.ledger.tokens, self.clock, draw)

    async def add(self, name: str, password: str | None = PASSWORD) -> User:
        await self.accounts.add_user(name, "rep")
        user = await self.accounts.user(name)
        assert user is not None
        if password is not None:
            await self.accounts.set_password(user, password)
        return user

    async def signed_in(self, name: str = "anita") -> SignedIn:
        outcome = await self.accounts.sign_in(name, PASSWORD, "203.0.113.9")
        assert isinstance(outcome, SignedIn)
        return outcome


@pytest.fixture
def door() -> Door:
    return Door()


async def test_the_right_password_opens_a_session(door: Door) -> None:
    await door.add("anita")
    outcome = await door.signed_in()
    user = await door.accounts.user_of(outcome.secret)
    assert user is not None
    assert user.name == "anita"


async def test_a_name_is_found_however_it_is_typed(door: Door) -> None:
    await door.add("anita")
    assert (await door.signed_in("  ANITA ")).user.name == "anita"


@pytest.mark.parametrize(("name", "password"), [("anita", "wrong"), ("nobody", PASSWORD), ("nopass", PASSWORD)])
async def test_a_wrong_name_and_a_wrong_password_cost_the_same_and_say_the_same(
    door: Door, name: str, password: str
) -> None:
    await door.add("anita")
    await door.add("nopass", None)
    door.hasher.verified.clear()
    assert await door.accounts.sign_in(name, password, "203.0.113.9") == Refused()
    assert [one.startswith("plain:") for one in door.hasher.verified] == [True]


async def test_a_disabled_user_is_kept_out_and_their_session_ends(door: Door) -> None:
    await door.add("anita")
    outcome = await door.signed_in()
    assert await door.accounts.disable_user("anita")
    assert await door.accounts.user_of(outcome.secret) is None
    assert await door.accounts.sign_in("anita", PASSWORD, "203.0.113.9") == Refused()
    assert await door.accounts.code_for("anita") is None


async def test_only_the_hash_of_a_session_is_stored(door: Door) -> None:
    await door.add("anita")
    outcome = await door.signed_in()
    assert await door.ledger.users.session(outcome.secret) is None
    assert await door.ledger.users.session(digest_of(outcome.secret)) is not None


async def test_a_session_ends_when_it_is_idle(door: Door) -> None:
    await door.add("anita")
    outcome = await door.signed_in()
    door.clock.advance(SESSION_IDLE / SECOND - 1)
    assert await door.accounts.user_of(outcome.secret) is not None
    door.clock.advance(SESSION_IDLE / SECOND - 1)
    assert await door.accounts.user_of(outcome.secret) is not None
    door.clock.advance(SESSION_IDLE / SECOND + 1)
    assert await door.accounts.user_of(outcome.secret) is None


async def test_a_session_ends_at_its_age_even_if_it_is_used(door: Door) -> None:
    await door.add("anita")
    outcome = await door.signed_in()
    for _ in range(SESSION_AGE_MAX // SESSION_IDLE):
        door.clock.advance(SESSION_IDLE / SECOND - 1)
        assert await door.accounts.user_of(outcome.secret) is not None
    door.clock.advance(SESSION_IDLE / SECOND - 1)
    assert await door.accounts.user_of(outcome.secret) is None


async def test_signing_out_ends_the_session(door: Door) -> None:
    await door.add("anita")
    outcome = await door.signed_in()
    await door.accounts.sign_out(outcome.secret)
    assert await door.accounts.user_of(outcome.secret) is None


async def test_a_new_password_ends_every_other_session(door: Door) -> None:
    await door.add("anita")
    elsewhere = await door.signed_in()
    here = await door.accounts.set_password(elsewhere.user, "another long password")
    assert await door.accounts.user_of(elsewhere.secret) is None
    assert await door.accounts.user_of(here.secret) is not None


@pytest.mark.parametrize("password", ["", "short", "x" * 11, "x" * 257])
async def test_a_weak_password_is_refused(door: Door, password: str) -> None:
    user = await door.add("anita")
    with pytest.raises(PasswordWeak):
        await door.accounts.set_password(user, password)


@pytest.mark.parametrize("name", ["", " ", "-anita", "a b", "a/b", "x" * 65, "<b>", "a\x00"])
async def test_a_name_that_could_be_misread_is_refused(door: Door, name: str) -> None:
    with pytest.raises(NameInvalid):
        await door.accounts.add_user(name, "rep")


async def test_guessing_one_account_is_slowed_down_wherever_it_comes_from(door: Door) -> None:
    await door.add("anita")
    outcomes = [await door.accounts.sign_in("anita", "wrong", f"203.0.113.{number}") for number in range(8)]
    assert outcomes[:5] == [Refused()] * 5
    assert all(isinstance(one, Refused) and one.after_s for one in outcomes[5:])
    assert isinstance(await door.accounts.sign_in("anita", PASSWORD, "203.0.113.99"), Refused)
    door.clock.advance(61)
    assert isinstance(await door.accounts.sign_in("anita", PASSWORD, "203.0.113.99"), SignedIn)


async def test_trying_one_password_on_many_accounts_is_slowed_down(door: Door) -> None:
    outcomes = [await door.accounts.sign_in(f"user{number}", "spring2026", "203.0.113.9") for number in range(22)]
    assert outcomes[:20] == [Refused()] * 20
    assert all(isinstance(one, Refused) and one.after_s for one in outcomes[20:])


async def test_a_throttled_try_hashes_nothing(door: Door) -> None:
    for _ in range(5):
        await door.accounts.sign_in("anita", "wrong", "203.0.113.9")
    door.hasher.verified.clear()
    outcome = await door.accounts.sign_in("anita", "wrong", "203.0.113.9")
    assert isinstance(outcome, Refused)
    assert outcome.after_s == 1
    assert door.hasher.verified == []


async def test_a_code_signs_in_once(door: Door) -> None:
    await door.add("anita", None)
    code = await door.accounts.code_for("anita")
    assert code is not None
    assert isinstance(await door.accounts.redeem(code, "203.0.113.9"), SignedIn)
    assert await door.accounts.redeem(code, "203.0.113.9") == Refused()


async def test_a_code_grows_old(door: Door) -> None:
    await door.add("anita", None)
    code = await door.accounts.code_for("anita")
    assert code is not None
    door.clock.advance(CODE_LIFE / SECOND + 1)
    assert await door.accounts.redeem(code, "203.0.113.9") == Refused()


async def test_a_code_of_a_user_who_was_disabled_since_is_refused(door: Door) -> None:
    await door.add("anita", None)
    code = await door.accounts.code_for("anita")
    assert code is not None
    await door.accounts.disable_user("anita")
    assert await door.accounts.redeem(code, "203.0.113.9") == Refused()


async def test_guessing_codes_is_slowed_down(door: Door) -> None:
    outcomes = [await door.accounts.redeem(f"guess{number}", "203.0.113.9") for number in range(22)]
    assert all(isinstance(one, Refused) and one.after_s for one in outcomes[20:])


async def test_the_first_start_makes_an_admin_until_somebody_can_sign_in(door: Door) -> None:
    code = await door.accounts.first_code()
    assert code is not None
    outcome = await door.accounts.redeem(code, "203.0.113.9")
    assert isinstance(outcome, SignedIn)
    assert outcome.user.role == "admin"
    assert await door.accounts.first_code() is not None
    await door.accounts.set_password(outcome.user, PASSWORD)
    assert await door.accounts.first_code() is None


async def test_the_present_password_is_proved_without_leaving_a_session(door: Door) -> None:
    user = await door.add("anita")
    before = dict(door.ledger.state.accounts.sessions)
    assert await door.accounts.prove(user, PASSWORD, "203.0.113.9") is True
    assert await door.accounts.prove(user, "wrong", "203.0.113.9") is False
    assert door.ledger.state.accounts.sessions == before


async def test_sessions_that_ran_out_are_pruned(door: Door) -> None:
    await door.add("anita")
    await door.signed_in()
    door.clock.advance(SESSION_IDLE / SECOND + 1)
    fresh = await door.signed_in()
    assert await door.accounts.prune() >= 1
    assert await door.accounts.user_of(fresh.secret) is not None


async def test_a_token_is_found_by_its_secret_and_says_what_it_may(door: Door) -> None:
    made = await door.tokens.make(["write", "read"], "crm export")
    assert made.secret.startswith(f"lw_{made.token.id}_")
    assert made.token.scopes == ("read", "write")
    found = await door.tokens.find(made.secret)
    assert found is not None
    assert found.id == made.token.id
    assert await door.tokens.find(made.secret + "x") is None


async def test_a_token_that_was_revoked_or_ran_out_is_unknown(door: Door) -> None:
    revoked = await door.tokens.make(["read"], "a")
    assert await door.tokens.revoke(revoked.token.id)
    assert not await door.tokens.revoke(revoked.token.id)
    assert await door.tokens.find(revoked.secret) is None
    short = await door.tokens.make(["read"], "b", 60)
    assert await door.tokens.find(short.secret) is not None
    door.clock.advance(60)
    assert await door.tokens.find(short.secret) is None


async def test_the_use_of_a_token_is_noted_at_most_once_a_minute(door: Door) -> None:
    made = await door.tokens.make(["read"], "a")
    await door.tokens.find(made.secret)
    first = (await door.tokens.all())[0].last_used_at
    door.clock.advance(30)
    await door.tokens.find(made.secret)
    assert (await door.tokens.all())[0].last_used_at == first
    door.clock.advance(31)
    await door.tokens.find(made.secret)
    assert (await door.tokens.all())[0].last_used_at == door.clock.now()


def test_the_key_of_this_machine_is_compared_by_its_hash() -> None:
    assert is_local_key("secret", digest_of("secret"))
    assert not is_local_key("other", digest_of("secret"))
    assert not is_local_key("", None)


def test_passwords_are_hashed_with_argon2id() -> None:
    hasher = Argon2Hasher()
    hashed = hasher.hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.verify(hashed, PASSWORD)
    assert not hasher.verify(hashed, "wrong")
    assert not hasher.verify("not a hash", PASSWORD)
