"""Packing: from a claimed delivery to what the destination is given, the same bytes in every attempt."""

import msgspec

from leadwire.model.delivery import ClaimedDelivery
from leadwire.rules.mapping import Mapping
from leadwire.sdk.destination import Delivery

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict).decode


def pack(claimed: ClaimedDelivery, mapping: Mapping | None) -> Delivery:
    """The delivery with its data: the whole lead document, or what the sync's `fields` make of it; with grain "record" the
    document also holds the one `record` that it is about. Raises MappingInvalid where the mapping fails."""
    delivery = claimed.delivery
    data = claimed.document
    if delivery.grain == "record" or (mapping is not None and mapping.has_fields):
        document = _decode(claimed.document)
        if delivery.grain == "record":
            key = (delivery.record_source, delivery.record_native_id)
            document["record"] = next(
                (line for line in document.get("records", ()) if (line["source"], line["native_id"]) == key), None
            )
        data = msgspec.Raw(_encode(document if mapping is None else mapping.apply(document)))
    return Delivery(
        key=delivery.id,
        type="lead.created" if claimed.is_first else "lead.updated",
        lead_id=delivery.lead_id,
        version=delivery.version,
        owed_at=delivery.owed_at,
        data=data,
        attempt=delivery.attempts + 1,
        uncertain=delivery.uncertain,
    )
