"""The simulated telephone account and its calls."""

from typing import Literal

import msgspec

from leadwire.model.times import SECOND, Instant

Outcome = Literal["answered", "missed"]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A SuperReceptionist account. `authorization` is its key, `api_key` the gateway's."""

    authorization: str
    api_key: str
    channel: str = "Basic"
    numbers: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


class Dialled(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller does: who calls which number, and how it goes. Numbers are E.164; durations are seconds.

    For an outbound call the agent calls the customer and `number` is the one shown.
    """

    customer: str
    number: str
    agent: str
    direction: Literal["inbound", "outbound"] = "inbound"
    outcome: Outcome = "answered"
    ring_s: int = 5
    talk_s: int = 60


class SimCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call as it happened. `order` counts the calls of the world up from 1."""

    uuid: str
    order: int
    dialled: Dialled
    started_at: Instant
    is_withheld: bool = False
    is_agent_prefixed: bool = False
    is_push_dropped: bool = False

    @property
    def is_answered(self) -> bool:
        """True if somebody picked up."""
        return self.dialled.outcome == "answered"

    @property
    def answered_at(self) -> Instant:
        """When ringing ended."""
        return self.started_at + self.dialled.ring_s * SECOND

    @property
    def ended_at(self) -> Instant:
        """When the last leg hung up."""
        return self.answered_at + self.duration_s * SECOND

    @property
    def duration_s(self) -> int:
        """Seconds of talk, 0 for a missed call."""
        return self.dialled.talk_s if self.is_answered else 0

    @property
    def customer(self) -> str:
        """The customer's number as the platform shows it."""
        return "Anonymous" if self.is_withheld else self.dialled.customer

    @property
    def business_call_type(self) -> str:
        """The platform's open set of call kinds."""
        if self.dialled.direction == "outbound":
            return "Outbound" if self.is_answered else "Unanswered"
        return "Call Group" if self.is_answered else "Missed Call"

    @property
    def call_type(self) -> str:
        """Incoming or Outgoing."""
        return "Incoming" if self.dialled.direction == "inbound" else "Outgoing"
