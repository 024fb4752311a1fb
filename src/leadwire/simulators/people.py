"""Made-up people: names in several scripts, well-formed numbers drawn at random, addresses under example.com."""

from random import Random

import msgspec

_NAMES = (
    "Aarav Sharma",
    "Ananya Iyer",
    "Priya Nair",
    "Rohan Mehta",
    "Zoya Khan",
    "Gurpreet Singh",
    "Lakshmi Narayanan",
    "Vikram Joshi",
    "प्रिया शर्मा",
    "राहुल वर्मा",
    "அனிதா குமார்",
    "ప్రసాద్ రెడ్డి",
    "ফারহানা আহমেদ",
    "José Núñez",
    "Zoë Müller",
    "Łukasz Żak",
    "Søren Åberg",
    "Nguyễn Thị Mai",
    "王小明",
    "أحمد حسن",
    "D'Arcy O'Neil",
    "Madhu",
)
_CITIES = ("Pune", "Bengaluru", "Jaipur", "Kochi", "Lucknow", "मुंबई", "Chennai", "London", "München", "Dubai")
_INDIAN_STEP = 387_420_489
_FOREIGN_STEP = 4_782_969


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who may enquire more than once. `phone` is E.164."""

    full_name: str
    phone: str
    email: str
    city: str


def person(random: Random, number: int) -> Person:
    """A new person; for one seed, no two numbers give the same phone or e-mail address."""
    name = random.choice(_NAMES)
    letters = "".join(letter for letter in name.lower() if letter.isascii() and letter.isalpha()) or "lead"
    return Person(
        full_name=name, phone=_phone(number), email=f"{letters}.{number}@example.com", city=random.choice(_CITIES)
    )


def typed_phone(random: Random, phone: str) -> str:
    """The same number as people type it into a form."""
    if not phone.startswith("+91"):
        return phone
    local = phone[3:]
    return random.choice((phone, f"+91 {local[:5]} {local[5:]}", f"0{local}", f"p:{phone}", f"+91-{local}"))


def _phone(number: int) -> str:
    # The steps share no factor with the powers of ten, so the digits repeat only after all of them were used.
    if number % 10 == 0:
        digits = f"{number // 10 * _FOREIGN_STEP % 10**6:06d}"
        return ("+447400", "+14152")[number // 10 % 2] + digits
    return f"+91{'6789'[number % 4]}{number * _INDIAN_STEP % 10**9:09d}"
