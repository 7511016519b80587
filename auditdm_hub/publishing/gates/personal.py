"""Personal data in texts, where its form makes it certain: numbers with check digits, addresses, phone numbers."""

import ipaddress
import re
from collections.abc import Iterator

EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,24}\b")
PHONE = re.compile(r"(?<![\w+])\+[1-9]\d{0,2}(?:[ ().-]{0,2}\d){7,12}(?![\w])")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
CARD = re.compile(r"(?<![\w.])\d(?:[ -]?\d){12,18}(?![\w.])")
ADDRESS = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")
ISSUERS = ("4", "51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27", "34", "37", "6011", "65")
"""What numbers of cards begin with (ISO/IEC 7812)."""


def personal_data_in(text: str) -> Iterator[str]:
    """Yield what kinds of personal data a text holds."""
    if "@" in text and EMAIL.search(text):
        yield "an e-mail address"
    if sum(each.isdigit() for each in text) < 4:
        return
    if "+" in text and PHONE.search(text):
        yield "a phone number"
    if any(_is_iban(found[0].replace(" ", "")) for found in IBAN.finditer(text)):
        yield "a bank account (IBAN)"
    if any(_is_card(re.sub(r"[ -]", "", found[0])) for found in CARD.finditer(text)):
        yield "the number of a payment card"
    if any(_is_public(found[0]) for found in ADDRESS.finditer(text)):
        yield "an IP address"


def _is_iban(text: str) -> bool:
    """ISO 13616: moved, letters as numbers, it leaves 1 when divided by 97."""
    if not 15 <= len(text) <= 34:
        return False
    number = "".join(str(int(each, 36)) for each in text[4:] + text[:4])
    return int(number) % 97 == 1


def _is_card(digits: str) -> bool:
    """The check digit of ISO/IEC 7812 (Luhn), and an issuer that there is."""
    if not digits.startswith(ISSUERS) or len(set(digits)) == 1:
        return False
    doubled = [int(each) * (2 if place % 2 else 1) for place, each in enumerate(reversed(digits))]
    return sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def _is_public(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_global
    except ValueError:
        return False
