"""The contracts of the user book and the token book."""

import asyncio

import msgspec

from leadwire.ports.accounts import ApiToken, Session, User
from leadwire.ports.ledger import Ledger
from leadwire.testing.ledger_contract.samples import START, Reopen, at

HASHES = ("$argon2id$v=19$x", "$argon2id$v=19$y")
ASHA = User(name="asha", role="rep", created_at=START, password_hash=HASHES[0])
ZOE = User(name="zoe", role="admin", created_at=START)


def _session(digest: str, user: str = "asha", *, created_s: float = 0, seen_s: float = 0) -> Session:
    return Session(digest=digest, user=user, created_at=at(created_s), seen_at=at(seen_s))


def _token(name: str, created_s: float = 0) -> ApiToken:
    return ApiToken(
        id=f"id of {name}",
        digest=f"digest of {name}",
        scopes=["read", "trigger"],
        name=name,
        created_at=at(created_s),
        expires_at=at(100),
    )


def _plain(token: ApiToken) -> ApiToken:
    return msgspec.structs.replace(token, scopes=list(token.scopes))


class UserBookContract:
    async def test_users_come_by_name(self, ledger: Ledger) -> None:
        assert await ledger.users.add_user(ZOE) is True
        assert await ledger.users.add_user(ASHA) is True
        assert list(await ledger.users.users()) == [ASHA, ZOE]

    async def test_a_taken_name_is_refused_and_its_holder_stays(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        assert await ledger.users.add_user(msgspec.structs.replace(ASHA, role="admin")) is False
        assert list(await ledger.users.users()) == [ASHA]

    async def test_of_twenty_that_add_a_name_at_once_one_wins(self, ledger: Ledger) -> None:
        assert sum(await asyncio.gather(*[ledger.users.add_user(ASHA) for _ in range(20)])) == 1

    async def test_changing_a_user_ends_all_their_sessions_and_nobody_elses(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.users.add_user(ZOE)
        for session in (_session("one"), _session("two"), _session("three", "zoe")):
            await ledger.users.open_session(session)
        changed = msgspec.structs.replace(ASHA, password_hash=HASHES[1])
        assert await ledger.users.change_user(changed) is True
        assert list(await ledger.users.users()) == [changed, ZOE]
        assert await ledger.users.session("one") is None
        assert await ledger.users.session("two") is None
        assert await ledger.users.session("three") == (_session("three", "zoe"), ZOE)

    async def test_an_unknown_user_is_not_changed(self, ledger: Ledger) -> None:
        assert await ledger.users.change_user(ASHA) is False
        assert list(await ledger.users.users()) == []

    async def test_a_session_comes_with_its_user(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.users.open_session(_session("one"))
        assert await ledger.users.session("one") == (_session("one"), ASHA)
        assert await ledger.users.session("two") is None

    async def test_a_disabled_user_has_no_session(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.users.change_user(msgspec.structs.replace(ASHA, disabled_at=at(1)))
        await ledger.users.open_session(_session("one"))
        assert await ledger.users.session("one") is None

    async def test_touching_a_session_moves_its_last_use(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.users.open_session(_session("one"))
        await ledger.users.touch_session("one", at(7))
        await ledger.users.touch_session("unknown", at(7))
        assert await ledger.users.session("one") == (_session("one", seen_s=7), ASHA)

    async def test_a_closed_session_is_gone(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.users.open_session(_session("one"))
        await ledger.users.close_session("one")
        await ledger.users.close_session("one")
        assert await ledger.users.session("one") is None

    async def test_sessions_end_when_idle_or_old(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.users.open_session(_session("idle", created_s=50, seen_s=50))
        await ledger.users.open_session(_session("old", created_s=0, seen_s=100))
        await ledger.users.open_session(_session("good", created_s=50, seen_s=100))
        assert await ledger.users.prune_sessions(seen_before=at(60), created_before=at(10)) == 2
        assert await ledger.users.session("idle") is None
        assert await ledger.users.session("old") is None
        assert await ledger.users.session("good") is not None

    async def test_users_and_sessions_outlive_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.users.open_session(_session("one"))
        other = await reopen()
        assert await other.users.session("one") == (_session("one"), ASHA)


class TokenBookContract:
    async def test_a_token_is_found_by_its_digest(self, ledger: Ledger) -> None:
        await ledger.tokens.add_token(_token("cron"))
        found = await ledger.tokens.token("digest of cron")
        assert found is not None
        assert _plain(found) == _token("cron")
        assert await ledger.tokens.token("id of cron") is None

    async def test_tokens_come_newest_first(self, ledger: Ledger) -> None:
        for name, created_s in (("b", 1), ("a", 3), ("c", 2)):
            await ledger.tokens.add_token(_token(name, created_s))
        assert [token.name for token in await ledger.tokens.tokens()] == ["a", "c", "b"]

    async def test_a_token_is_revoked_once_and_is_still_shown(self, ledger: Ledger) -> None:
        await ledger.tokens.add_token(_token("cron"))
        assert await ledger.tokens.revoke_token("id of cron", at(5)) is True
        assert await ledger.tokens.revoke_token("id of cron", at(6)) is False
        assert await ledger.tokens.revoke_token("unknown", at(6)) is False
        found = await ledger.tokens.token("digest of cron")
        assert found is not None
        assert found.revoked_at == at(5)

    async def test_a_tokens_use_is_noted(self, ledger: Ledger) -> None:
        await ledger.tokens.add_token(_token("cron"))
        await ledger.tokens.note_token_use("id of cron", at(5))
        await ledger.tokens.note_token_use("unknown", at(5))
        [found] = await ledger.tokens.tokens()
        assert found.last_used_at == at(5)

    async def test_a_code_signs_in_once(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.tokens.add_code("code", "asha", at(60))
        assert await ledger.tokens.redeem_code("other", at(1)) is None
        assert await ledger.tokens.redeem_code("code", at(1)) == "asha"
        assert await ledger.tokens.redeem_code("code", at(1)) is None

    async def test_an_expired_code_signs_nobody_in(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.tokens.add_code("code", "asha", at(60))
        assert await ledger.tokens.redeem_code("code", at(61)) is None

    async def test_of_twenty_that_redeem_a_code_at_once_one_gets_in(self, ledger: Ledger) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.tokens.add_code("code", "asha", at(60))
        answers = await asyncio.gather(*[ledger.tokens.redeem_code("code", at(1)) for _ in range(20)])
        assert sorted(answers, key=str) == [None] * 19 + ["asha"]

    async def test_tokens_and_codes_outlive_the_process(self, ledger: Ledger, reopen: Reopen) -> None:
        await ledger.users.add_user(ASHA)
        await ledger.tokens.add_token(_token("cron"))
        await ledger.tokens.add_code("code", "asha", at(60))
        other = await reopen()
        assert [token.name for token in await other.tokens.tokens()] == ["cron"]
        assert await other.tokens.redeem_code("code", at(1)) == "asha"
