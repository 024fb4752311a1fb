"""The two subscriptions that webhooks need: the app's callback, and the app on each page. Without the second: silence."""

from collections.abc import Iterable
from typing import Any

from leadwire.simulators.meta import refusal
from leadwire.simulators.meta.ask import Ask
from leadwire.simulators.meta.book import App
from leadwire.simulators.meta.hooks import Hooks


class Subscriptions:
    """Which callback the app registered, and which pages send it their leads. A new callback overwrites the old one."""

    def __init__(self, app: App, hooks: Hooks, page_ids: Iterable[str]) -> None:
        self.callback_url = ""
        self._app = app
        self._hooks = hooks
        self._fields_of_page: dict[str, list[str]] = {page_id: ["leadgen"] for page_id in page_ids}

    def sends_leads_of(self, page_id: str) -> bool:
        """True if the app is installed on the page with the field `leadgen`."""
        return "leadgen" in self._fields_of_page.get(page_id, ())

    def of_page(self, ask: Ask) -> Any:
        """`/{page_id}/subscribed_apps`: list, install or remove the app."""
        if ask.method == "DELETE":
            self._fields_of_page.pop(ask.object_id, None)
            return {"success": True}
        if ask.method == "POST":
            fields = [name for name in ask.params.get("subscribed_fields", "").split(",") if name]
            if not fields:
                raise refusal.bad_parameter("The parameter subscribed_fields is required")
            self._fields_of_page[ask.object_id] = fields
            return {"success": True}
        installed = self._fields_of_page.get(ask.object_id)
        if installed is None:
            return {"data": []}
        shown = {"category": "Example", "name": self._app.name, "id": self._app.id, "subscribed_fields": installed}
        return {"data": [shown]}

    def of_app(self, ask: Ask) -> Any:
        """`/{app_id}/subscriptions`: show or register the callback; registering queues the handshake.

        Meta waits for the handshake before it answers; here it follows, and until it succeeds no webhook is sent.
        """
        if ask.method == "GET":
            if not self.callback_url:
                return {"data": []}
            fields = [{"name": "leadgen", "version": ask.version}]
            is_active = self._hooks.is_subscribed
            return {
                "data": [{"object": "page", "callback_url": self.callback_url, "active": is_active, "fields": fields}]
            }
        for name in ("object", "callback_url", "fields", "verify_token"):
            if not ask.params.get(name):
                raise refusal.bad_parameter(f"The parameter {name} is required")
        self.callback_url = ask.params["callback_url"]
        self._hooks.handshake(ask.params["verify_token"], ask.now)
        return {"success": True}
