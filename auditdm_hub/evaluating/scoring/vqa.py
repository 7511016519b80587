"""The soft accuracy of the VQA challenge (Antol et al., arXiv:1505.00468), for VQAv2, OK-VQA and TextVQA.

An answer scores min(1, n / 3), n = how many of the ten people gave it: the mean over the ten ways to leave one person
out, as in the official evaluation (https://github.com/GT-Vision-Lab/VQA); big_vision leaves nobody out. Both sides are
brought into one spelling first. The steps are the official ones, with their quirks, because scores have to be
comparable; what the audit itself compares answers with is `auditing.normalise`.
"""

import re
from collections.abc import Sequence
from functools import cache

PEOPLE_NEEDED = 3
ARTICLES = frozenset({"a", "an", "the"})
NUMBERS = {
    word: str(value)
    for value, word in enumerate("zero one two three four five six seven eight nine ten".split())
} | {"none": "0"}  # fmt: skip
PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
COMMA_IN_NUMBER = re.compile(r"\d,\d")
PERIOD = re.compile(r"\.(?!\d)")
MOST_PERIODS = 32
"""The official code hands a flag over where the number of replacements belongs; its value is 32."""
CONTRACTIONS = (
    "ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd "
    "he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't mightn't've must've mustn't "
    "needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've "
    "somebody'll somebody's someone'd someone'd've someone'll someone's something'd something'd've something'll "
    "that's there'd there'd've there're there's they'd they'd've they'll they're they've 'twas wasn't we'd've "
    "we've weren't what'll what're what's what've when's where'd where's where've who'd who'd've who'll who's "
    "who've why'll why're why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll you'd you'd've "
    "you'll you're you've"
).split()
"""Written without one of its apostrophes, each is read as if it had it."""


def soft_accuracy(answer: str, people: Sequence[str]) -> float:
    """Return the official score of an answer, in [0, 1].

    Args:
        answer: of the model.
        people: what people answered, ten of them.

    Raises:
        ValueError: nobody answered.
    """
    if not people:
        raise ValueError("got no answers of people, wanted ten")
    said, given = _trimmed(answer), [_trimmed(each) for each in people]
    if len(set(given)) > 1:  # where all agree, the official evaluation compares the texts as they are
        said, given = spelt(said), [spelt(each) for each in given]
    return left_out(said, given)


def textvqa_accuracy(answer: str, people: Sequence[str]) -> float:
    """Return the score of TextVQA (https://github.com/facebookresearch/mmf), in [0, 1].

    It brings both sides into one spelling always, and takes commas and question marks out first.

    Raises:
        ValueError: nobody answered.
    """
    if not people:
        raise ValueError("got no answers of people, wanted ten")
    return left_out(_textvqa_spelt(answer), [_textvqa_spelt(each) for each in people])


def direct_answer(answer: str, people: Sequence[str]) -> float:
    """Return the score of direct answers in A-OKVQA (https://github.com/allenai/aokvqa): nobody is left out."""
    return min(1.0, sum(answer == each for each in people) / PEOPLE_NEEDED)


def left_out(said: str, given: Sequence[str]) -> float:
    """Return min(1, n / 3), averaged over leaving out each person once."""
    agreeing = sum(each == said for each in given)
    scores = [min(1.0, (agreeing - (each == said)) / PEOPLE_NEEDED) for each in given]
    return sum(scores) / len(scores)


def spelt(text: str) -> str:
    """Return a text in the spelling of the official evaluation."""
    return _words(_without_punctuation(text))


def _trimmed(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ").strip()


def _textvqa_spelt(text: str) -> str:
    return spelt(_trimmed(text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()))


def _without_punctuation(text: str) -> str:
    """Drop a mark that somewhere stands beside a space, or all in a text with "1,000"; write a space for others."""
    found = text
    number = COMMA_IN_NUMBER.search(text) is not None
    for mark in PUNCTUATION:
        beside_space = f"{mark} " in text or f" {mark}" in text
        found = found.replace(mark, "" if beside_space or number else " ")
    return PERIOD.sub("", found, MOST_PERIODS)


def _words(text: str) -> str:
    digits = (NUMBERS.get(word, word) for word in text.lower().split())
    return " ".join(_contractions().get(word, word) for word in digits if word not in ARTICLES)


@cache
def _contractions() -> dict[str, str]:
    every = {
        word[:place] + word[place + 1 :]: word
        for word in CONTRACTIONS
        for place, letter in enumerate(word)
        if letter == "'"
    }
    return {**every, "somebody'd": "somebodyd"}  # the one that the official table has the other way round
