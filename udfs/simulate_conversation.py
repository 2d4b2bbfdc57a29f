"""One simulated conversation: a generator that hands out its events one by one, in order, and then ends.

It draws its next line only when the previous one has been handed out, so an open conversation costs its slots and
not its future, and it meets the incidents that are going on at the instant when it speaks.
"""

from __future__ import annotations

from collections.abc import Iterator

from udfs.simulate_people import Event, People
from udfs.simulate_script import pick


class Conversation(People):
    """Who talks about what with whom, from the first line to the last. `events` may be gone through once."""

    __slots__ = ()

    def events(self) -> Iterator[Event]:
        """The events from the first line to the last, with strictly rising `sent_at`."""
        yield from self._opening()
        if self._angry or self._turns_angry():
            yield from self._complaint()
        else:
            yield from self._matter()
        if not self._gone:
            yield from self._closing()

    # The parts of a conversation, in the order in which they happen.

    def _opening(self) -> Iterator[Event]:
        script, topic, chance = self._script, self._topic, self._rng.random
        if self._returning:
            yield self._event("system", "", "reopen")
            yield self._customer(pick(script.returns, self._rng), 0.1)
        opening = self._customer(pick(topic.opens, self._rng), 0.0)
        if chance() < 0.5:
            opening["order_id"] = self._slots["order"]
        if chance() < 0.3:
            opening["product_id"] = f"product-{int(self._slots['order'][-4:])}"
        yield opening
        if chance() < self._settings.bot_share:
            yield self._bot(pick(script.bot_answers, self._rng), "auto", 1.0 + chance())
            yield self._customer(pick(script.asks_for_person, self._rng), 3.0 + 6.0 * chance())
            yield self._bot(pick(script.connecting, self._rng), "auto", 0.5 + chance())
            self._after_bot = True
            self._now += 40
            yield self._event("system", pick(script.transferred, self._rng), "transfer")
        else:
            if chance() < 0.8:
                yield self._bot(pick(script.greetings, self._rng), "preset", 0.5 + chance())
            yield from self._details(0.4)
        self._now += 300
        yield self._event("system", pick(script.assigned, self._rng), "assign", self._agent)

    def _matter(self) -> Iterator[Event]:
        script, topic, settings, chance = self._script, self._topic, self._settings, self._rng.random
        if chance() < settings.transfer_share:
            yield from self._answer(pick(script.hellos, self._rng))
            if self._gone:
                return
            yield from self._passed_on()
        elif chance() < settings.attachment_share:
            yield from self._photo()
        yield from self._answer(pick(topic.answers, self._rng))
        if chance() < settings.note_share and not self._gone:
            self._now += int(3_000 + 9_000 * chance())
            self._keep_silent()
            note = self._event("agent", self._filled(pick(script.notes, self._rng)), "message", self._agent)
            note["visibility"] = "internal"
            yield note
        if chance() < settings.contact_share and not self._gone:
            yield self._agent_says(pick(script.contact_requests, self._rng), 4.0 + 6.0 * chance())
            yield self._customer(pick(script.contacts, self._rng), 8.0 + 12.0 * chance())
            yield from self._answer(pick(script.contact_answers, self._rng))
        for asks, answers in topic.exchanges:
            if self._gone or chance() > 0.8:
                return
            if chance() < 0.05:
                yield self._customer(pick(script.grumbles, self._rng), 5.0 + 10.0 * chance())
            yield self._customer(pick(asks, self._rng), 5.0 + 25.0 * chance())
            yield from self._answer(pick(answers, self._rng))

    def _complaint(self) -> Iterator[Event]:
        script, rng = self._script, self._rng
        first = int(rng.random() * len(script.angry))
        for step in range(3 + int(rng.random() * 3)):
            yield self._customer(script.angry[(first + step) % len(script.angry)], 3.0 + 8.0 * rng.random())
        yield from self._answer(pick(script.soothing, rng))
        if self._gone:
            return
        yield self._customer(pick(script.escalations, rng), 4.0 + 10.0 * rng.random())
        if rng.random() < 0.5:
            yield self._customer(script.angry[first - 1], 3.0 + 6.0 * rng.random())
        yield from self._answer(pick(script.soothing, rng))

    def _closing(self) -> Iterator[Event]:
        script, settings, chance = self._script, self._settings, self._rng.random
        if chance() < settings.walkaway_share:
            return
        if not self._angry and chance() < 0.75:
            yield self._customer(pick(script.thanks, self._rng), 3.0 + 12.0 * chance())
            if chance() < 0.7 and not self._silent():
                yield self._agent_says(pick(script.goodbyes, self._rng), 3.0 + 10.0 * chance())
        self._now += int(5_000 + 20_000 * chance())
        yield self._event("system", "", "resolve", self._agent)
        if chance() < settings.csat_share:
            self._now += int(4_000 + 40_000 * chance())
            rating = 1 + int(2 * chance()) if self._angry or self._insulted else 5 - int(3 * chance() * chance())
            yield self._event("customer", str(rating), "csat")

    # Steps that several parts share.

    def _details(self, share: float) -> Iterator[Event]:
        chance = self._rng.random
        first = int(chance() * len(self._topic.details))
        while chance() < share:
            yield self._customer(self._topic.details[first % len(self._topic.details)], 2.0 + 9.0 * chance())
            first += 1
            share *= 0.5

    def _photo(self) -> Iterator[Event]:
        photo = self._customer("", 4.0 + 10.0 * self._rng.random())
        name = f"{photo['message_id']}.jpg"
        photo["attachments"] = [{"type": "image", "url": f"https://example.com/files/{name}"}]
        yield photo
        if self._rng.random() < 0.5:
            yield self._customer(pick(self._script.photo_lines, self._rng), 3.0)
        yield from self._answer(pick(self._script.photo_answers, self._rng))

    def _passed_on(self) -> Iterator[Event]:
        yield self._agent_says(pick(self._script.passing_on, self._rng), 6.0 + 10.0 * self._rng.random())
        self.desk = self._desks[int(self._rng.random() * len(self._desks))]
        self._common["queue"] = self.desk.queue
        self._now += 200
        yield self._event("system", pick(self._script.transferred, self._rng), "transfer")
        self._agent = pick(self.desk.on_duty, self._rng)
        self._now += 1_200
        yield self._event("system", pick(self._script.assigned, self._rng), "assign", self._agent)
        yield self._agent_says(pick(self._script.taking_over, self._rng), 5.0 + 10.0 * self._rng.random())
        yield from self._details(0.7)

    def _answer(self, text: str) -> Iterator[Event]:
        """The agent's reply when it is due; a customer who has to wait long asks again, or goes away."""
        chance = self._rng.random
        due = self._due(self._asked_ms if self._asked_ms is not None else self._now)
        asks_again = 0.7
        while due - self._now > 60_000 and chance() < asks_again:
            yield self._customer(pick(self._script.chases, self._rng), 25.0 + 25.0 * chance())
            asks_again *= 0.6
        if self._silenced and chance() < 0.3:
            self._gone = True
            return
        holds = chance() < 0.1
        self._now = max(self._now + 1_500, due)
        yield self._agent_says(pick(self._script.holding, self._rng) if holds else text, 0.0)
        if holds:
            yield self._agent_says(text, 6.0 + 20.0 * chance())
