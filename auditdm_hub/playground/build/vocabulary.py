"""The word-level tokenizer that all models of the playground share, each with its own special tokens."""

import re
from collections.abc import Mapping

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from auditdm_hub.playground.language import CAPTION, EDITS, GROUP, ITEM
from auditdm_hub.playground.skills import question_words
from auditdm_hub.playground.world import (
    BACKGROUNDS,
    COLORS,
    CORNERS,
    DIGITS,
    DIRECTIONS,
    LETTERS,
    PATTERNS,
    PLURALS,
    SHAPES,
    SIZES,
    VALUES,
)
from auditdm_hub.records import UNANSWERABLE

SPECIALS = ("<pad>", "<eos>", "<bos>", "<unk>")
MARKS = ("?", ".", ",", "\n")
TAGS = ("<question>", "<caption>", "<edit>")
PROMPT_WORDS = ("ask", "about", "draw", "edit", "for", "pass", "answer", "en")


def words() -> list[str]:
    """Return every word of the playground's language, sorted."""
    texts = [*question_words(), *CORNERS, *VALUES]
    texts += [re.sub(r"\(\?P<\w+>|\\.|[^a-z ]", " ", p.pattern) for p in (*EDITS.values(), CAPTION, ITEM, GROUP)]
    held = {word for text in texts for word in re.findall(r"[a-z]+", text)}
    held |= {*BACKGROUNDS, *COLORS, *SHAPES, *PLURALS.values(), *SIZES, *PATTERNS, *LETTERS, *DIRECTIONS, *DIGITS}
    held |= {*(str(number) for number in range(21)), *PROMPT_WORDS, "yes", "no", "nothing", "solid", UNANSWERABLE}
    return sorted(held)


def tokenizer(named: Mapping[str, str], extra: tuple[str, ...] = ()) -> PreTrainedTokenizerFast:
    """Return a tokenizer whose special tokens are `SPECIALS`, the `named` ones (attribute -> token) and `extra`."""
    specials = [*SPECIALS, *named.values(), *extra]
    vocabulary = [*specials, *MARKS, *TAGS, *words()]
    core = Tokenizer(models.WordLevel({word: k for k, word in enumerate(vocabulary)}, unk_token="<unk>"))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", "removed"),
            pre_tokenizers.Split(Regex(r"[?.,\n]"), "isolated"),
        ]
    )
    core.decoder = decoders.WordPiece(cleanup=True)  # joins words with spaces, none before punctuation
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        eos_token="<eos>",
        bos_token="<bos>",
        unk_token="<unk>",
        extra_special_tokens=dict(named) | {f"extra_{k}": token for k, token in enumerate(extra)},
        padding_side="left",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )
