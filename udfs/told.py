"""What was published of an alert, which a conversation remembers until the session is published that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Told:
    """One alert. Its identity is `rule` and `first`; times are epoch ms.

    `firing` is None where it was taken back. `shop`, `queue`, `severity` and `kind` are those that it fired with: who heard that must hear
    the end of it, also where the conversation has moved on or the rule has changed. A state of version 1 or 2 has none of them, one
    of version 3 no kind.
    """

    rule: str
    opener: str  # message_id of what is its cause now
    first: str  # what has named it since it first fired
    at: int  # the opener's time
    revision: int
    firing: bool | None
    since: int  # when it opened
    edit: str = ""  # the hash of the edit that its hit came with
    shop: str | None = None
    queue: str | None = None
    severity: str | None = None
    kind: str = ""

    @property
    def cause(self) -> tuple[str, str, str]:
        """What it is told of, as `udfs.wanted.Wanted.cause`."""
        return self.rule, self.opener, self.edit
