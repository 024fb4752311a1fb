"""Every error leadwire raises, named by what happens next.

LeadwireError
  ConfigError            refuse to start; names the file, the key, the value and the fix
  SourceError
    SignatureInvalid     401, counted, nothing stored
    PayloadInvalid       the event stays stored and is quarantined
    NotYetReadable       fetch again later
    Throttled            fetch again after `until`; the whole scope waits
    CursorExpired        the source forgot this position; needs a backfill
    SourceAuthBroken     stop this scope, alert, keep what is owed
    SourceUnavailable    fetch again later; there was no answer
    SourceRefused        park the id: no retry can help, the message says what would
  DestinationError
    Retryable            try again, after `after_s` where the destination said so
    Rejected             dead letter
    DestinationAuthBroken  pause the lane, keep its deliveries
    DestinationGone      pause the lane: the destination asked us to stop (410)
    OutcomeUnknown       it may have been written
  StoreError
    StoreBusy            repeat the step
    LeaseLost            drop the result; another owner has it
    StorageFailed        stop the process
    StorageFull          answer 503 until there is room again
  StoreRefused           this ledger cannot be opened: the message says why and what to do
  NothingToSplit         a split would leave one side empty
  EgressRefused          an outgoing address is not allowed; names the setting

The class docstring is the default message, so no error is ever mute.
"""

from leadwire.model.times import Instant


class LeadwireError(Exception):
    """Something went wrong in leadwire."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ConfigError(LeadwireError):
    """The configuration can't be used."""


class SourceError(LeadwireError):
    """A source can't be read."""


class SignatureInvalid(SourceError):
    """The signature does not match the received bytes."""


class PayloadInvalid(SourceError):
    """The payload can't be read."""


class NotYetReadable(SourceError):
    """The source knows the id but can't show it yet."""


class Throttled(SourceError):
    """The source asks us to wait; `until` is when to go on, `scope` who must wait ("*" = the whole source)."""

    def __init__(self, message: str = "", *, until: Instant, scope: str = "*") -> None:
        super().__init__(message)
        self.until = until
        self.scope = scope


class CursorExpired(SourceError):
    """The source no longer knows this cursor: run a backfill."""


class SourceAuthBroken(SourceError):
    """The source refuses our credentials; `scope` says whose ("*" = the whole source)."""

    def __init__(self, message: str = "", *, scope: str = "*") -> None:
        super().__init__(message)
        self.scope = scope


class SourceUnavailable(SourceError):
    """The source could not answer; the same request may work later."""


class SourceRefused(SourceError):
    """The source says that no retry can help; the message says what would."""


class DestinationError(LeadwireError):
    """A destination did not take a delivery; `status` is its answer's code where there was one."""

    def __init__(self, message: str = "", *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Retryable(DestinationError):
    """The destination could not take it now; nothing was written."""

    def __init__(self, message: str = "", *, status: int | None = None, after_s: float | None = None) -> None:
        super().__init__(message, status=status)
        self.after_s = after_s


class Rejected(DestinationError):
    """The destination refuses this delivery for good."""


class DestinationAuthBroken(DestinationError):
    """The destination refuses our credentials."""


class DestinationGone(DestinationError):
    """The destination asked us to stop (410 Gone)."""


class OutcomeUnknown(DestinationError):
    """The connection broke after the delivery was sent: it may have been written."""


class StoreError(LeadwireError):
    """The ledger can't do this."""


class StoreBusy(StoreError):
    """Someone else changed the same rows first; repeat the step."""


class LeaseLost(StoreError):
    """The lease ran out and another owner has the work; drop the result."""


class StorageFailed(StoreError):
    """The storage reported an error; the process must stop and restart."""


class StorageFull(StoreError):
    """The disk is full; nothing was stored."""


class StoreRefused(LeadwireError):
    """This ledger can't be opened."""


class NothingToSplit(LeadwireError):
    """A split needs at least one record of the lead, and must leave it at least one."""


class EgressRefused(LeadwireError):
    """This outgoing address is not allowed; list it in [egress] allow."""
