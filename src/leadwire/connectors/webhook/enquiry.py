"""One pushed enquiry, read into a record: standard fields by path or by their usual names, all the rest as answers."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from datetime import tzinfo
from typing import Any

import jmespath
import msgspec
from jmespath.exceptions import JMESPathError

from leadwire.connectors.webhook.settings import AD_FIELDS, PERSON_FIELDS, WebhookSettings, read_zone
from leadwire.sdk import MINUTE, Attribution, Instant, Parsed, PayloadInvalid, Record, Unreadable, read_instant, text_of

_NAMES = {
    "full_name": "name fullname yourname contactname customername",
    "first_name": "firstname fname givenname forename",
    "last_name": "lastname lname surname familyname",
    "email": "email emailaddress emailid mail youremail",
    "phone": "phone phonenumber phoneno mobile mobilenumber mobileno mobilephone tel telephone contactnumber whatsapp yourphone",
    "city": "city town",
    "country": "country",
    "company": "company companyname organization organisation",
    "occurred_at": "occurredat createdat createdtime submittedat submissiontime timestamp",
    "is_test": "test istest",
    "campaign_id": "campaignid",
    "campaign_name": "campaignname",
    "adset_id": "adsetid",
    "adset_name": "adsetname",
    "ad_id": "adid",
    "ad_name": "adname",
    "form_id": "formid",
    "form_name": "formname",
    "page_id": "pageid",
}
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names.split()}
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_TRUE = frozenset({"true", "1", "yes", "on"})
_CAMPAIGN_NAME, _CAMPAIGN_ID = "utm_campaign", "utm_id"

_canonical = msgspec.json.Encoder(order="sorted").encode


class Enquiries:
    """Reads pushed values under one source's settings."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._kind = settings.kind
        self._zone: tzinfo = read_zone(settings.timezone)
        self._items = jmespath.compile(settings.items) if settings.items else None
        self._id = jmespath.compile(settings.id) if settings.id else None
        self._paths = {name: jmespath.compile(path) for name, path in settings.fields.items()}
        self._mapped_names = {path.strip().strip('"') for path in settings.fields.values()}

    def read(self, payload: object, *, push_id: str | None, received_at: Instant) -> Iterator[Parsed]:
        """Every enquiry of a push. Raises PayloadInvalid where `items` finds nothing.

        The native id is what the `id` path finds, else the push's id (with the place in the list where there are several),
        else a hash of the content and the minute of arrival: the same content a minute later is then a second enquiry.
        """
        items = self._listed(payload)
        for index, item in enumerate(items):
            if not isinstance(item, dict) or not item:
                yield Unreadable("an enquiry is no object with values")
                continue
            native_id = None if self._id is None else text_of(_found(self._id, item))
            if native_id is None and push_id is not None:
                native_id = push_id if len(items) == 1 else f"{push_id}:{index}"
            yield self._record(item, native_id or _derived_id(item, received_at))

    def _listed(self, payload: object) -> list[Any]:
        if self._items is not None:
            found = _found(self._items, payload)
            if found is None:
                raise PayloadInvalid("the path in items finds nothing in this push")
            return found if isinstance(found, list) else [found]
        return payload if isinstance(payload, list) else [payload]

    def _record(self, item: Mapping[str, Any], native_id: str) -> Parsed:
        content = _content(item)
        values, answers = self._values(item, content)
        if not values and not answers:
            return Unreadable("an enquiry holds no values")
        person = {name: values.get(name) for name in PERSON_FIELDS}
        ad = {name: values.get(name) for name in AD_FIELDS}
        ad["campaign_name"] = ad["campaign_name"] or _only(answers.get(_CAMPAIGN_NAME))
        ad["campaign_id"] = ad["campaign_id"] or _only(answers.get(_CAMPAIGN_ID))
        return Record(
            native_id=native_id,
            kind=self._kind,
            occurred_at=read_instant(values.get("occurred_at", item.get("timestamp")), self._zone),
            full_name=person["full_name"],
            first_name=person["first_name"],
            last_name=person["last_name"],
            email=person["email"],
            phone=person["phone"],
            city=person["city"],
            country=person["country"],
            company=person["company"],
            answers=answers,
            attribution=msgspec.convert(ad, Attribution),
            is_test=(values.get("is_test") or "").lower() in _TRUE,
        )

    def _values(
        self, item: Mapping[str, Any], content: Mapping[str, Any]
    ) -> tuple[dict[str, str], dict[str, list[str]]]:
        values = {name: text for name, path in self._paths.items() if (text := text_of(_found(path, item))) is not None}
        answers: dict[str, list[str]] = {}
        for name, value in content.items():
            if name in self._mapped_names:
                continue
            field = _FIELD_OF.get(_NOT_ALPHANUMERIC.sub("", str(name)).lower())
            texts = _texts(value)
            if field is not None and field not in values and len(texts) == 1:
                values[field] = texts[0]
            elif texts:
                answers[str(name).removesuffix("[]")] = texts
        nested = content.get("answers")
        if isinstance(nested, dict):
            answers |= {str(name): texts for name, value in nested.items() if (texts := _texts(value))}
        nested = content.get("attribution")
        if isinstance(nested, dict):
            ad = {name: text for name in AD_FIELDS if (text := text_of(nested.get(name))) is not None}
            values = ad | values
        return values, answers


def _content(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """The enquiry itself: what stands in `data` of an envelope such as `{"type": …, "timestamp": …, "data": {…}}`."""
    data = item.get("data")
    is_envelope = isinstance(data, dict) and ("type" in item or "event" in item or "timestamp" in item)
    return data if is_envelope and isinstance(data, dict) else item


def _texts(value: object) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [text for each in listed if (text := text_of(each)) is not None]


def _only(values: list[str] | None) -> str | None:
    return values[0] if values and len(values) == 1 else None


def _found(path: Any, value: object) -> object:
    try:
        found: object = path.search(value)
    except JMESPathError:
        return None
    return found


def _derived_id(item: Mapping[str, Any], received_at: Instant) -> str:
    told = b"%d:" % (received_at // MINUTE) + _canonical(item)
    return f"derived:{hashlib.sha256(told).hexdigest()[:32]}"
