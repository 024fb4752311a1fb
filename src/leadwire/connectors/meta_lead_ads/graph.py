"""Calls to the Graph API: one lead alone, or up to fifty in one batch. Each comes back as an answer of its own."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from leadwire.connectors.meta_lead_ads.refusals import GraphAnswer, GraphError, as_source_error, read_answer
from leadwire.connectors.meta_lead_ads.settings import MetaPage, MetaSettings
from leadwire.sdk import (
    EgressRefused,
    HttpFailed,
    HttpRequest,
    SourceError,
    SourceRefused,
    SourceUnavailable,
    Tools,
    hmac_text,
)

BATCH_MAX = 50
_AT_ONCE = 10
_LEAD_BYTES_MAX = 1_048_576
_BATCH_BYTES_MAX = 8 * 1_048_576
_NO_BATCH_HERE = frozenset({404, 405})

Read = GraphAnswer | SourceError


class Graph:
    """Asks for leads. `heard` is told of every answer, whatever it says, with the page it concerned."""

    def __init__(self, settings: MetaSettings, tools: Tools, heard: Callable[[str, GraphAnswer], None]) -> None:
        self._settings = settings
        self._tools = tools
        self._heard = heard
        self._root = f"{settings.graph_url.rstrip('/')}/{settings.graph_version}/"

    async def read(self, page: MetaPage, lead_ids: Sequence[str], fields: str) -> Sequence[Read]:
        """One answer per lead, in order; a SourceError where none came. Never raises for what the network or Meta does."""
        if len(lead_ids) == 1:
            return [await self._read_one(page, lead_ids[0], fields)]
        answer = await self._send(page, self._batch_request(page, lead_ids, fields))
        if isinstance(answer, SourceError):
            return [answer] * len(lead_ids)
        listed = read_answer(answer)
        if isinstance(listed, list):
            return [self._item(page, listed[index] if index < len(listed) else None) for index in range(len(lead_ids))]
        error = listed if isinstance(listed, GraphError) else GraphError()
        failed = as_source_error(error, answer, page.id, self._tools.now())
        if isinstance(failed, SourceRefused) or answer.status in _NO_BATCH_HERE:
            return await self._read_each(page, lead_ids, fields)
        return [failed] * len(lead_ids)

    async def _read_each(self, page: MetaPage, lead_ids: Sequence[str], fields: str) -> Sequence[Read]:
        answers: list[Read] = []
        for start in range(0, len(lead_ids), _AT_ONCE):
            some = lead_ids[start : start + _AT_ONCE]
            answers += await asyncio.gather(*(self._read_one(page, lead_id, fields) for lead_id in some))
        return answers

    async def _read_one(self, page: MetaPage, lead_id: str, fields: str) -> Read:
        query = urlencode({"fields": fields, **self._credentials(page)}, safe=",")
        url = f"{self._root}{quote(lead_id, safe='')}?{query}"
        request = HttpRequest(method="GET", url=url, timeout_s=self._tools.timeout_s, answer_bytes_max=_LEAD_BYTES_MAX)
        return await self._send(page, request)

    def _batch_request(self, page: MetaPage, lead_ids: Sequence[str], fields: str) -> HttpRequest:
        items = [
            {"method": "GET", "relative_url": f"{quote(lead_id, safe='')}?fields={fields}"} for lead_id in lead_ids
        ]
        form = {"batch": msgspec.json.encode(items).decode(), "include_headers": "true", **self._credentials(page)}
        return HttpRequest(
            method="POST",
            url=self._root,
            headers={"content-type": "application/x-www-form-urlencoded"},
            body=urlencode(form).encode(),
            timeout_s=self._tools.timeout_s,
            answer_bytes_max=_BATCH_BYTES_MAX,
        )

    def _credentials(self, page: MetaPage) -> dict[str, str]:
        token = page.access_token.reveal()
        if not self._settings.require_proof:
            return {"access_token": token}
        proof = hmac_text(self._settings.app_secret.reveal().encode(), token.encode())
        return {"access_token": token, "appsecret_proof": proof}

    async def _send(self, page: MetaPage, request: HttpRequest) -> Read:
        try:
            answer = await self._tools.http.send(request)
        except HttpFailed as failed:  # its words may hold the URL, and the URL holds the token
            return SourceUnavailable(f"no answer from the Graph API ({type(failed).__name__})")
        except EgressRefused as refused:
            return SourceUnavailable(f"graph_url can't be asked: {refused}")
        read = GraphAnswer(status=answer.status, headers=answer.headers, body=answer.body)
        self._heard(page.id, read)
        return read

    def _item(self, page: MetaPage, item: object) -> Read:
        if item is None:
            return SourceUnavailable("Meta timed out on this lead of a batch")
        if not isinstance(item, dict) or not isinstance(item.get("body"), str):
            return SourceUnavailable("Meta's batch holds an answer that can't be read")
        code = item.get("code")
        answer = GraphAnswer(
            status=code if isinstance(code, int) else 0,
            headers=_headers(item.get("headers")),
            body=item["body"].encode("utf-8", "replace"),
        )
        self._heard(page.id, answer)
        return answer


def _headers(listed: Any) -> dict[str, str]:
    headers = {}
    for header in listed if isinstance(listed, list) else ():
        if isinstance(header, dict) and isinstance(header.get("name"), str) and isinstance(header.get("value"), str):
            headers[header["name"].lower()] = header["value"]
    return headers
