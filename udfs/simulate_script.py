"""What the simulated people say: the shape of a script, and the slots that fill its lines.

The lines themselves stand in `udfs.simulate_zh` and `udfs.simulate_en`, one script a language. They are invented; so
are the phone numbers (a reserved-looking block, 138 0013 80xx), the addresses and the e-mails (example.com).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Lines = tuple[str, ...]

SALES: Final = 0
AFTER_SALES: Final = 1
LOGISTICS: Final = 2

CARRIERS: Final = {
    "zh": ("顺丰", "中通", "圆通", "韵达", "极兔", "邮政", "京东快递"),
    "en": ("SF Express", "DHL", "UPS", "FedEx", "the courier", "the postal service"),
}
CITIES: Final = {
    "zh": ("杭州", "广州", "成都", "武汉", "西安", "沈阳", "上海", "郑州", "长沙", "昆明"),
    "en": ("Leeds", "Dublin", "Toronto", "Austin", "Singapore", "Sydney", "Manchester", "Chicago", "Bristol"),
}
PRODUCTS: Final = {
    "zh": (
        "羽绒服",
        "蓝牙耳机",
        "电饭煲",
        "运动鞋",
        "行李箱",
        "保温杯",
        "台灯",
        "连衣裙",
        "充电宝",
        "四件套",
        "扫地机",
    ),
    "en": ("jacket", "headphones", "rice cooker", "sneakers", "suitcase", "bottle", "desk lamp", "dress", "power bank"),
}
COLOURS: Final = {
    "zh": ("黑色", "白色", "藏青色", "米色", "粉色"),
    "en": ("black", "white", "navy", "beige", "pink"),
}
NAMES: Final = {
    "zh": ("李雷", "王小明", "陈静", "赵敏", "刘洋", "孙悦", "周婷"),
    "en": ("Alice", "Ben", "Carla", "Dinesh", "Emma", "Femi", "Grace"),
}
STREETS: Final = {
    "zh": ("幸福路{n}号", "人民大道{n}号3栋", "长江西路{n}弄", "学府街{n}号2单元"),
    "en": ("{n} Orchard Road", "{n} Mill Lane", "{n} King Street", "{n} Harbour View"),
}
SIZES: Final = ("S", "M", "L", "XL", "XXL")


@dataclass(frozen=True, slots=True)
class Topic:
    """What one conversation is about. Each field but `exchanges` is a set of variants of which one is said.

    `details` are further customer lines of the same turn; `exchanges` are (customer variants, agent variants) in
    order, of which some conversations leave out the later ones.
    """

    name: str
    queue: int
    opens: Lines
    details: Lines
    answers: Lines
    exchanges: tuple[tuple[Lines, Lines], ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """All lines of one language; each field is a set of variants."""

    language: str
    topics: tuple[Topic, ...]
    promotion: Topic
    greetings: Lines
    bot_answers: Lines
    asks_for_person: Lines
    connecting: Lines
    hellos: Lines
    holding: Lines
    chases: Lines
    thanks: Lines
    goodbyes: Lines
    returns: Lines
    grumbles: Lines
    photo_lines: Lines
    photo_answers: Lines
    contact_requests: Lines
    contacts: Lines
    contact_answers: Lines
    notes: Lines
    passing_on: Lines
    taking_over: Lines
    assigned: Lines
    transferred: Lines
    angry: Lines
    escalations: Lines
    soothing: Lines
    rude: Lines
    emoji: Lines


def slots(language: str, rng: random.Random) -> dict[str, str]:
    """The words that fill one conversation's lines; the same order, product and person throughout."""
    draw = rng.random
    number = int(draw() * 1e12)
    small = number % 100
    return {
        "order": f"26{number:013d}",  # 15 digits: shorter than any bank card
        "product": pick(PRODUCTS[language], rng),
        "colour": pick(COLOURS[language], rng),
        "carrier": pick(CARRIERS[language], rng),
        "city": pick(CITIES[language], rng),
        "name": pick(NAMES[language], rng),
        "street": pick(STREETS[language], rng).format(n=small + 1),
        "size": SIZES[number % 5],
        "days": str(2 + number % 6),
        "amount": str(10 + number // 100 % 490),
        "phone": f"138001380{small:02d}",
        "email": f"buyer{number % 10_000}@example.com",
        "height": str(155 + number % 33),
        "weight": str(45 + number % 41),
    }


def pick(variants: Sequence[str], rng: random.Random) -> str:
    """One of the variants; several times as fast as `Random.choice`, which a stream for load tests needs."""
    return variants[int(rng.random() * len(variants))]


def typo(text: str, language: str, rng: random.Random) -> str:
    """The line as a hurried thumb writes it: two neighbours swapped, or a homophone in Chinese."""
    if language == "zh":
        for right, wrong in HOMOPHONES:
            if right in text:
                return text.replace(right, wrong, 1)
        return text
    if len(text) < 8:
        return text
    at = 1 + int(rng.random() * (len(text) - 3))
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


HOMOPHONES: Final = (
    ("收到", "受到"),
    ("怎么", "咋么"),
    ("什么", "什吗"),
    ("已经", "以经"),
    ("的话", "得话"),
    ("账", "帐"),
    ("在", "再"),
)
