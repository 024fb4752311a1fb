"""What the simulated Meta knows: an app, its pages and forms, and every lead ever submitted."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Literal

import msgspec

from leadwire.model.times import Instant


class App(msgspec.Struct, frozen=True, kw_only=True):
    """The registered app. `user_token` is a user's token that sees all pages."""

    id: str
    name: str = "Example App"
    secret: str
    verify_token: str
    user_token: str

    @property
    def access_token(self) -> str:
        """The app's own token."""
        return f"{self.id}|{self.secret}"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A question of a form. `key` is the name an answer carries; `options` make it a multiple choice.

    With `takes_many` a person may tick several options.
    """

    key: str
    label: str = ""
    type: str = "CUSTOM"
    options: tuple[str, ...] = ()
    takes_many: bool = False


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """A lead form of a page."""

    id: str
    name: str
    questions: tuple[Question, ...] = ()
    locale: str = "en_US"
    status: str = "ACTIVE"
    created_at: Instant = 0


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page with its own token and its forms."""

    id: str
    name: str
    access_token: str
    forms: tuple[Form, ...] = ()
    business_id: str = "800000000000001"


class Ad(msgspec.Struct, frozen=True, kw_only=True):
    """The advertisement that brought a lead."""

    ad_id: str
    ad_name: str
    adset_id: str
    adset_name: str
    campaign_id: str
    campaign_name: str


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a submission came from: no ad means organic. `consents` maps a checkbox key to whether it was ticked."""

    ad: Ad | None = None
    platform: Literal["fb", "ig"] = "fb"
    consents: dict[str, bool] = {}
    is_test: bool = False


class SimLead(msgspec.Struct, frozen=True, kw_only=True):
    """A lead as submitted. `order` counts the leads of the world up from 1; answers keep the order of the form."""

    id: str
    order: int
    page_id: str
    form_id: str
    created_at: Instant
    answers: tuple[tuple[str, tuple[str, ...]], ...]
    origin: Origin = Origin()
    is_push_dropped: bool = False


class LeadBook:
    """Pages, forms and leads with their look-ups. Leads of a form stand in the order of submission."""

    def __init__(self, app: App, pages: Sequence[Page]) -> None:
        self.app = app
        self.pages = {page.id: page for page in pages}
        self.leads: dict[str, SimLead] = {}
        self._by_form: dict[str, list[SimLead]] = {}
        self._by_ad: dict[str, list[SimLead]] = {}
        self._test_lead_of: dict[str, str] = {}

    def page_of_form(self, form_id: str) -> Page | None:
        """The page that owns a form."""
        return next((page for page in self.pages.values() if any(form.id == form_id for form in page.forms)), None)

    def form(self, form_id: str) -> Form | None:
        """A form by its id."""
        return next((form for page in self.pages.values() for form in page.forms if form.id == form_id), None)

    def add_form(self, page_id: str, form: Form) -> None:
        """A form that appears while the world runs; raises KeyError for an unknown page."""
        page = self.pages[page_id]
        self.pages[page_id] = msgspec.structs.replace(page, forms=(*page.forms, form))

    def add(self, lead: SimLead) -> None:
        """Keep a submitted lead."""
        self.leads[lead.id] = lead
        self._by_form.setdefault(lead.form_id, []).append(lead)
        if lead.origin.ad is not None:
            self._by_ad.setdefault(lead.origin.ad.ad_id, []).append(lead)
        if lead.origin.is_test:
            self._test_lead_of[lead.form_id] = lead.id

    def remove(self, lead: SimLead) -> None:
        """Forget a lead, as a deleted test lead is forgotten."""
        del self.leads[lead.id]
        self._by_form[lead.form_id].remove(lead)
        if self._test_lead_of.get(lead.form_id) == lead.id:
            del self._test_lead_of[lead.form_id]

    def test_lead(self, form_id: str) -> SimLead | None:
        """The one test lead that a form may have."""
        lead_id = self._test_lead_of.get(form_id)
        return None if lead_id is None else self.leads[lead_id]

    def has_ad(self, ad_id: str) -> bool:
        """True if any lead came from this ad."""
        return ad_id in self._by_ad

    def leads_count(self, form_id: str) -> int:
        """How many leads a form has."""
        return len(self._by_form.get(form_id, ()))

    def newest_first(self, owner_id: str, before_order: int | None) -> Iterator[SimLead]:
        """Leads of a form or an ad, newest first, starting below an order."""
        leads = self._by_form.get(owner_id) or self._by_ad.get(owner_id) or []
        end = len(leads) if before_order is None else bisect_left(leads, before_order, key=attrgetter("order"))
        for index in range(end - 1, -1, -1):
            yield leads[index]
