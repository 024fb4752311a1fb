"""The part of the Graph API that a lead integration calls."""

import hmac
from collections.abc import Callable
from random import Random
from typing import Any

from leadwire.simulators.chance import happens
from leadwire.simulators.meta import refusal
from leadwire.simulators.meta.ask import Ask, Caller, decode_cursor, encode_cursor
from leadwire.simulators.meta.book import LeadBook, Origin, Page, SimLead
from leadwire.simulators.meta.faults import Faults
from leadwire.simulators.meta.leads_edge import TimeFilter, read_filter
from leadwire.simulators.meta.refusal import Refused
from leadwire.simulators.meta.render import asked_fields, render_form, render_lead, render_page
from leadwire.simulators.meta.signing import appsecret_proof
from leadwire.simulators.meta.subscriptions import Subscriptions

_LEAD_DEFAULT = ("id", "created_time", "field_data")
_SCOPES = ["leads_retrieval", "pages_show_list", "pages_read_engagement", "pages_manage_metadata", "pages_manage_ads"]
Submit = Callable[[str, str, int, dict[str, list[str]], Origin], SimLead]


class Graph:
    """Answers one call at a time from the book; raises Refused where Meta answers with an error."""

    def __init__(self, random: Random, book: LeadBook, subscriptions: Subscriptions, submit: Submit) -> None:
        self.faults = Faults()
        self._random = random
        self._book = book
        self._subscriptions = subscriptions
        self._submit = submit
        self._edges: dict[tuple[str, str], Callable[[Ask, Caller], Any]] = {
            ("GET", ""): self._node,
            ("DELETE", ""): self._delete,
            ("GET", "leads"): self._leads,
            ("GET", "test_leads"): self._test_leads,
            ("POST", "test_leads"): self._create_test_lead,
            ("GET", "leadgen_forms"): self._forms,
            ("GET", "accounts"): self._accounts,
            ("GET", "subscribed_apps"): self._page_subscription,
            ("POST", "subscribed_apps"): self._page_subscription,
            ("DELETE", "subscribed_apps"): self._page_subscription,
            ("GET", "subscriptions"): self._app_subscription,
            ("POST", "subscriptions"): self._app_subscription,
        }

    def caller(self, ask: Ask) -> Caller:
        """Whose token the call carries; raises Refused for a missing, dead or unproven one."""
        token = ask.token
        if not token:
            raise refusal.token_missing()
        if token in self.faults.dead_tokens:
            raise refusal.token_dead(self.faults.dead_tokens[token])
        proof = ask.params.get("appsecret_proof")
        if proof is None and self.faults.require_appsecret_proof:
            raise refusal.proof_missing()
        if proof is not None and not hmac.compare_digest(
            proof.encode(), appsecret_proof(self._book.app.secret, token).encode()
        ):
            raise refusal.proof_wrong()
        caller = self._owner(token)
        if caller is None:
            raise refusal.token_unknown()
        return caller

    def page_of(self, ask: Ask, caller: Caller) -> Page | None:
        """The page whose budget a call uses."""
        if caller.page_id is not None:
            return self._book.pages.get(caller.page_id)
        lead = self._book.leads.get(ask.object_id)
        if lead is not None:
            return self._book.pages[lead.page_id]
        return self._book.pages.get(ask.object_id) or self._book.page_of_form(ask.object_id)

    def answer(self, ask: Ask, caller: Caller) -> Any:
        """The JSON payload of a call."""
        if not ask.object_id:
            return self._many(ask, caller)
        if ask.object_id == "debug_token":
            return self._debug_token(ask)
        handler = self._edges.get((ask.method, ask.edge))
        if handler is None:
            raise refusal.unknown_path(ask.edge) if ask.edge else refusal.not_visible(ask.object_id, ask.method.lower())
        return handler(ask, caller)

    def _owner(self, token: str) -> Caller | None:
        app = self._book.app
        if token == app.user_token:
            return Caller(kind="user", token=token)
        if token == app.access_token:
            return Caller(kind="app", token=token)
        for page in self._book.pages.values():
            if page.access_token == token:
                return Caller(kind="page", token=token, page_id=page.id)
        return None

    def _many(self, ask: Ask, caller: Caller) -> Any:
        if ask.method != "GET" or not ask.params.get("ids"):
            raise refusal.unknown_path("")
        fields = asked_fields(ask.params, _LEAD_DEFAULT)
        return {lead_id: self._lead(lead_id, fields, ask, caller) for lead_id in ask.params["ids"].split(",")}

    def _node(self, ask: Ask, caller: Caller) -> Any:
        if ask.object_id == "me" and caller.page_id is None:
            return {"id": "700000000000001", "name": "Example User"}
        page = self._book.pages.get(caller.page_id or "" if ask.object_id == "me" else ask.object_id)
        if page is not None:
            return render_page(page, asked_fields(ask.params, ("id", "name")))
        form = self._book.form(ask.object_id)
        if form is not None:
            owner = self._page_with_form(ask.object_id, caller)
            count = self._book.leads_count(form.id)
            return render_form(form, owner, count, asked_fields(ask.params, ("id", "name", "locale", "status")))
        return self._lead(ask.object_id, asked_fields(ask.params, _LEAD_DEFAULT), ask, caller)

    def _lead(self, lead_id: str, fields: list[str], ask: Ask, caller: Caller) -> dict[str, Any]:
        lead = self._book.leads.get(lead_id)
        if lead is None or caller.kind == "app" or caller.page_id not in {None, lead.page_id}:
            raise refusal.not_visible(lead_id)
        self._check_access(lead.page_id, lead_id)
        if not self._is_readable(lead, ask):
            raise refusal.not_visible(lead_id)
        return render_lead(lead, fields, self.faults.ads_fields.get(lead.page_id))

    def _is_readable(self, lead: SimLead, ask: Ask) -> bool:
        return ask.now >= lead.created_at + self.faults.readable_after_us

    def _check_access(self, page_id: str, object_id: str) -> None:
        match self.faults.leads_access.get(page_id):
            case "missing":
                raise refusal.not_visible(object_id)
            case "denied":
                raise refusal.leads_access_denied()
            case None:
                return

    def _page_with_form(self, form_id: str, caller: Caller) -> Page:
        page = self._book.page_of_form(form_id)
        if page is None or caller.kind == "app" or caller.page_id not in {None, page.id}:
            raise refusal.not_visible(form_id)
        return page

    def _delete(self, ask: Ask, caller: Caller) -> Any:
        lead = self._book.leads.get(ask.object_id)
        if lead is None or caller.page_id not in {None, lead.page_id}:
            raise refusal.not_visible(ask.object_id, "delete")
        if not lead.origin.is_test:
            raise refusal.bad_parameter("Only test leads can be deleted")
        self._book.remove(lead)
        return {"success": True}

    def _leads(self, ask: Ask, caller: Caller) -> Any:
        if self._book.has_ad(ask.object_id):
            page = self.page_of(ask, caller)
            owner_page_id = None if page is None else page.id
        else:
            owner_page_id = self._page_with_form(ask.object_id, caller).id
        if owner_page_id is not None:
            self._check_access(owner_page_id, ask.object_id)
        limit = max(1, ask.integer("limit", 25))
        if 0 < self.faults.limit_max < limit:
            raise refusal.too_much_data()
        before, follows_empty = decode_cursor(ask.params["after"]) if ask.params.get("after") else (None, False)
        window = read_filter(ask.json("filtering"))
        if not follows_empty and happens(self._random, self.faults.empty_page_share):
            newest = next(self._book.newest_first(ask.object_id, before), None)
            if newest is not None:
                return {"data": [], "paging": self._paging(ask, newest.order + 1, newest.order + 1, is_empty=True)}
        return self._lead_page(ask, window, before, limit)

    def _lead_page(self, ask: Ask, window: TimeFilter, before: int | None, limit: int) -> Any:
        found: list[SimLead] = []
        has_more = False
        for lead in self._book.newest_first(ask.object_id, before):
            if window.is_past(lead.created_at):
                break
            if not window.takes(lead.created_at) or not self._is_readable(lead, ask):
                continue
            if len(found) == limit:
                has_more = True
                break
            found.append(lead)
        if not found:
            return {"data": []}
        fields = asked_fields(ask.params, _LEAD_DEFAULT)
        data = [render_lead(lead, fields, self.faults.ads_fields.get(lead.page_id)) for lead in found]
        paging = self._paging(ask, found[0].order, found[-1].order, is_empty=False)
        if not has_more:
            del paging["next"]
        return {"data": data, "paging": paging}

    def _paging(self, ask: Ask, first: int, last: int, *, is_empty: bool) -> dict[str, Any]:
        after = encode_cursor(last, follows_empty=is_empty)
        cursors = {"before": encode_cursor(first, follows_empty=False), "after": after}
        return {"cursors": cursors, "next": ask.url_of_next(after)}

    def _test_leads(self, ask: Ask, caller: Caller) -> Any:
        self._page_with_form(ask.object_id, caller)
        lead = self._book.test_lead(ask.object_id)
        fields = asked_fields(ask.params, _LEAD_DEFAULT)
        return {"data": [] if lead is None else [render_lead(lead, fields, None)]}

    def _create_test_lead(self, ask: Ask, caller: Caller) -> Any:
        page = self._page_with_form(ask.object_id, caller)
        if self._book.test_lead(ask.object_id) is not None:
            raise refusal.bad_parameter("This form already has a test lead. Delete it before you create another one.")
        answers = _dummy_answers(self._book, ask.object_id) | _given_answers(ask.json("field_data"))
        consents = _given_consents(ask.json("custom_disclaimer_responses"))
        origin = Origin(is_test=True, consents=consents)
        return {"id": self._submit(page.id, ask.object_id, ask.now, answers, origin).id}

    def _forms(self, ask: Ask, caller: Caller) -> Any:
        page = self._book.pages.get(ask.object_id)
        if page is None or caller.kind == "app" or caller.page_id not in {None, page.id}:
            raise refusal.not_visible(ask.object_id)
        fields = asked_fields(ask.params, ("id", "name", "locale", "status"))
        shown = [render_form(form, page, self._book.leads_count(form.id), fields) for form in page.forms]
        return _offset_page(ask, shown)

    def _accounts(self, ask: Ask, caller: Caller) -> Any:
        if ask.object_id != "me" or caller.kind != "user":
            raise refusal.no_such_field("accounts", "Page")
        fields = asked_fields(ask.params, ("id", "name", "access_token", "category", "tasks"))
        return _offset_page(ask, [render_page(page, fields) for page in self._book.pages.values()])

    def _page_subscription(self, ask: Ask, caller: Caller) -> Any:
        if ask.object_id not in self._book.pages:
            raise refusal.not_visible(ask.object_id, ask.method.lower())
        if caller.page_id != ask.object_id:
            raise Refused(210, "(#210) A page access token is required to request this resource.")
        return self._subscriptions.of_page(ask)

    def _app_subscription(self, ask: Ask, caller: Caller) -> Any:
        if ask.object_id != self._book.app.id:
            raise refusal.not_visible(ask.object_id, ask.method.lower())
        if caller.kind != "app":
            raise Refused(15, "(#15) This method must be called with an app access_token.")
        return self._subscriptions.of_app(ask)

    def _debug_token(self, ask: Ask) -> Any:
        inspected = ask.params.get("input_token", "")
        owner = self._owner(inspected)
        if owner is None or inspected in self.faults.dead_tokens:
            subcode = self.faults.dead_tokens.get(inspected)
            refused = refusal.token_unknown() if subcode is None else refusal.token_dead(subcode)
            error = {key: value for key, value in refused.error.items() if key != "type"}
            return {"data": {"error": error, "is_valid": False, "scopes": []}}
        data = {
            "app_id": self._book.app.id,
            "application": self._book.app.name,
            "type": owner.kind.upper(),
            "expires_at": 0,
            "data_access_expires_at": 0,
            "issued_at": 1_700_000_000,
            "is_valid": True,
            "scopes": _SCOPES,
        }
        return {"data": data | ({"profile_id": owner.page_id} if owner.page_id else {})}


def _dummy_answers(book: LeadBook, form_id: str) -> dict[str, list[str]]:
    form = book.form(form_id)
    keys = [question.key for question in form.questions] if form is not None else []
    return {key: ["test@meta.com" if key == "email" else f"<test lead: dummy data for {key}>"] for key in keys}


def _given_answers(items: Any) -> dict[str, list[str]]:
    try:
        return {str(item["name"]): [str(value) for value in item["values"]] for item in items or ()}
    except (TypeError, KeyError):
        raise refusal.bad_parameter("Param field_data must be an array of name and values") from None


def _given_consents(items: Any) -> dict[str, bool]:
    try:
        return {str(item["checkbox_key"]): str(item["is_checked"]).lower() in {"1", "true"} for item in items or ()}
    except (TypeError, KeyError):
        raise refusal.bad_parameter(
            "Param custom_disclaimer_responses must be an array of checkbox_key and is_checked"
        ) from None


def _offset_page(ask: Ask, shown: list[dict[str, Any]]) -> Any:
    start = decode_cursor(ask.params["after"])[0] if ask.params.get("after") else 0
    end = start + max(1, ask.integer("limit", 25))
    part = shown[start:end]
    if not part:
        return {"data": []}
    after = encode_cursor(end, follows_empty=False)
    paging: dict[str, Any] = {"cursors": {"before": encode_cursor(start, follows_empty=False), "after": after}}
    if end < len(shown):
        paging["next"] = ask.url_of_next(after)
    return {"data": part, "paging": paging}
