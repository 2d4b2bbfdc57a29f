"""Ids, names and addresses as they may leave the job: repaired, cut to size, and with nothing personal in them."""

from __future__ import annotations

import re
from typing import Any, Final

from udfs.events import conversation_key
from udfs.memo import Memo
from udfs.personal_ids import hidden, holds_phone, is_personal_identifier
from udfs.privacy import Masker, decoded_views
from udfs.text import repair

MAX_FIELD: Final = 200
MAX_URL: Final = 2_000
MAX_KEPT: Final = 50_000
_written: Final = re.compile(r"[\u4e00-\u9fff]").search
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class Names:
    """Makes them. `secret`: what personal ids are hashed under."""

    def __init__(self, masker: Masker, secret: bytes) -> None:
        self._masker = masker
        self._secret = secret
        self.keys = Memo(self._key, MAX_KEPT)
        """The keys of conversations, by (tenant, source, conversation_id)."""
        self._names = Memo(self._named, MAX_KEPT, lambda value: len(value) <= MAX_FIELD)
        self._urls = Memo(self._masked_url, MAX_KEPT, lambda value: len(value) <= MAX_URL)

    def message_id(self, value: str) -> str:
        """The id of a message, or its keyed hash where it is or holds a phone number."""
        return hidden(value, self._secret) if holds_phone(value) else value

    def reply_to(self, value: Any) -> str:
        """The id of another message, as that has it; "" where the field is none."""
        return self.message_id(_told(value)) if value else ""

    def name(self, value: Any) -> str:
        """An agent, shop, queue or channel: hashed where it is a personal id, masked where something personal is in a Chinese name; "" for
        nothing."""
        if value.__class__ is not str:
            value = _told(value)
        return self._names[value] if value else ""

    def url(self, value: Any) -> str:
        """The conversation's address, masked; "" for none. It comes with every one of its messages."""
        return self._urls[value] if value and value.__class__ is str else ""

    def _key(self, parts: tuple[str, str, str]) -> str:
        return conversation_key(*map(self._identifier, parts))

    def _identifier(self, value: str) -> str:
        """The id, or its keyed hash where it is or holds a phone number or an e-mail."""
        return hidden(value, self._secret) if is_personal_identifier(value) else value

    def _named(self, value: str) -> str:
        told = _told(value)
        if not told:
            return ""
        masked = self._masker.mask(told).text
        if not is_personal_identifier(told) or (_written(told) and not is_personal_identifier(masked)):
            return masked  # 张三13800138000 is a name that people read: 张三[phone]
        return hidden(told, self._secret)

    def _masked_url(self, value: str) -> str:
        """The address as it is, masked; decoded, where only then personal data show."""
        url = _CONTROL.sub("", repair(value[: 2 * MAX_URL]))[:MAX_URL]
        masked = self._masker.mask(url, whole_links=False).text
        if "%" not in masked and "+" not in masked:
            return masked
        views = [self._masker.mask(view, whole_links=False) for view in decoded_views(masked)]
        most = max(views, key=lambda view: len(view.spans))
        return most.text if most.spans else masked


def _told(value: Any) -> str:
    """An optional field as text of at most MAX_FIELD characters; what else it may be is nothing."""
    text = value[: 2 * MAX_FIELD] if value.__class__ is str else str(value) if isinstance(value, int | float) else ""
    return _CONTROL.sub(" ", repair(text))[:MAX_FIELD]  # a terminal would do what a control character says
