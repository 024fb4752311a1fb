"""The simulators by name, each with example identities, and the config that points leadwire at them."""

import base64
from collections.abc import Callable
from random import Random

from leadwire.simulators.control import Simulated
from leadwire.simulators.crm.world import CrmWorld
from leadwire.simulators.knowlarity.book import Account
from leadwire.simulators.knowlarity.world import KnowlarityWorld
from leadwire.simulators.meta.book import App, Form, Page, Question
from leadwire.simulators.meta.world import MetaWorld

_BASICS = (
    Question(key="full_name", label="Full name", type="FULL_NAME"),
    Question(key="phone_number", label="Phone number", type="PHONE"),
    Question(key="email", label="Email", type="EMAIL"),
)
_WHEN = Question(
    key="when_do_you_want_to_start?",
    label="When do you want to start?",
    options=("at once", "this month", "later"),
)
_TOPICS = Question(
    key="quais_opções_você_prefere?",
    label="Quais opções você prefere?",
    options=("loan", "exchange", "test drive", "सेवा"),
    takes_many=True,
)
_REMARKS = Question(key="remarks", label="Remarks")


def example_meta(random: Random) -> MetaWorld:
    """An app with two pages of two forms each."""
    app = App(
        id="900000000000001",
        secret=_example("app secret"),
        verify_token=_example("verify token"),
        user_token=_example("user token"),
    )
    city = Question(key="city", label="City", type="CITY")
    names = (
        Question(key="first_name", label="First name", type="FIRST_NAME"),
        Question(key="last_name", label="Last name", type="LAST_NAME"),
    )
    pages = (
        Page(
            id="138124712925158",
            name="Example Page",
            access_token=_example("page token 1"),
            forms=(
                Form(id="172036835026334", name="Example Form", questions=(*_BASICS, city, _WHEN)),
                Form(id="172036835026335", name="Example Form with choices", questions=(*_BASICS, _TOPICS, _REMARKS)),
            ),
        ),
        Page(
            id="138124712925159",
            name="Example Page – शाखा",
            access_token=_example("page token 2"),
            forms=(
                Form(id="172036835026336", name="Example Form, split names", questions=(*names, *_BASICS[1:])),
                Form(id="172036835026337", name="Example Form, short", questions=_BASICS[:2]),
            ),
        ),
    )
    return MetaWorld(random, app=app, pages=pages)


def example_knowlarity(random: Random) -> KnowlarityWorld:
    """An account with two numbers and three agents."""
    account = Account(
        authorization="70967713-0000-4000-8000-000000000001",
        api_key="sim" + "k" * 37,
        numbers=("+918045000001", "+918045000002"),
        agents=("+918121000001", "+918121000002", "+918121000003"),
    )
    return KnowlarityWorld(random, account=account)


def example_crm(random: Random) -> CrmWorld:
    """An idempotent CRM that checks signatures made with `example_crm_secret()`."""
    return CrmWorld(random, secret=example_crm_secret())


def example_crm_secret() -> str:
    """The Standard Webhooks secret of the example CRM."""
    return "whsec_" + base64.b64encode(b"simulated crm, not a secret").decode()


CATALOGUE: dict[str, Callable[[Random], Simulated]] = {
    "meta": example_meta,
    "knowlarity": example_knowlarity,
    "crm": example_crm,
}


def config_for(world: Simulated, url: str) -> str:
    """The part of leadwire.toml that uses this world at this URL; empty for a world without an example."""
    match world:
        case MetaWorld():
            pages = ", ".join(
                f'{{ id = "{page.id}", access_token = "{page.access_token}" }}' for page in world.pages.values()
            )
            return (
                f'[sources.meta]\ntype = "meta_lead_ads"\napp_secret = "{world.app.secret}"\n'
                f'verify_token = "{world.app.verify_token}"\ngraph_url = "{url}"\npages = [{pages}]\n'
            )
        case KnowlarityWorld():
            account = world.account
            return (
                f'[sources.knowlarity]\ntype = "knowlarity"\napi_url = "{url}/{account.channel}/v1/account/calllog"\n'
                f'stream_url = "{url}/update-stream/{account.authorization}/konnect"\n'
                f'authorization = "{account.authorization}"\napi_key = "{account.api_key}"\nchannel = "{account.channel}"\n'
            )
        case CrmWorld():
            return f'[destinations.crm]\ntype = "http"\nurl = "{url}/leads"\nsecret = "{example_crm_secret()}"\n'
        case _:
            return ""


def _example(what: str) -> str:
    return "sim-" + what.replace(" ", "-")
