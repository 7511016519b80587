"""The tokenizer knows every word of the playground's language and gives texts back as they were."""

import random
import re
from collections.abc import Iterator

import pytest

from auditdm_hub.playground.build.architectures import BUILDERS, Size, build
from auditdm_hub.playground.build.auditor import writings
from auditdm_hub.playground.build.vocabulary import MARKS, SPECIALS, TAGS, tokenizer, words
from auditdm_hub.playground.draw import contents
from auditdm_hub.playground.gaps import SIBLING_GAPS, TARGET_GAPS, planted
from auditdm_hub.playground.language import describe
from auditdm_hub.playground.sample import sample_edit, sample_question, sample_scene
from auditdm_hub.playground.skills import solve
from auditdm_hub.playground.skills.questions import ASKED
from auditdm_hub.playground.world import BACKGROUNDS, EMPTY, SIDE, Scene

TOKENIZER = tokenizer({"image_token": "<image>"})


def encode(text: str) -> list[int]:
    return TOKENIZER.encode(text, add_special_tokens=False)


def scenes(count: int) -> Iterator[tuple[Scene, random.Random]]:
    for number in range(count):
        rng = random.Random(f"vocabulary {number}")
        yield sample_scene(rng, unseen=number % 2 == 0), rng


def questions_and_answers() -> Iterator[str]:
    for scene, rng in scenes(100):
        for skill in ASKED:
            question, _ = sample_question(scene, rng, skill) or ("", "")
            truth = solve(scene, question)
            if truth:
                yield from (question, truth.answer, planted(TARGET_GAPS, scene, truth),
                            planted(SIBLING_GAPS, scene, truth))  # fmt: skip


def captions_and_edits() -> Iterator[str]:
    for scene, rng in scenes(200):
        yield from (describe(scene), sample_edit(scene, rng))


def prompts_and_probes() -> Iterator[str]:
    for scene, rng in scenes(60):
        for writing in writings(scene, rng, 3):
            yield from (writing.prompt, writing.text)


def every_thing() -> Iterator[str]:
    for number, thing in enumerate(filter(None, contents())):
        cell = number % SIDE**2
        caption = describe(Scene(BACKGROUNDS[number % len(BACKGROUNDS)], EMPTY).put(cell, thing))
        yield f"{caption} in row {cell // SIDE + 1} column {cell % SIDE + 1}"
        yield f"remove the {thing}"


SOURCES = {source.__name__: source for source in (questions_and_answers, captions_and_edits, prompts_and_probes,
                                                  every_thing)}  # fmt: skip


@pytest.mark.parametrize("source", SOURCES)
def test_every_word_is_known_and_comes_back(source: str) -> None:
    texts = set(SOURCES[source]())
    assert len(texts) > 200
    ids = {text: encode(text) for text in texts}
    assert {text for text, held in ids.items() if TOKENIZER.unk_token_id in held} == set()
    assert {text: back for text in texts if (back := TOKENIZER.decode(ids[text])) != text} == {}


@pytest.mark.parametrize("skill", ASKED, ids=lambda skill: skill.name)
def test_every_wording_is_known(skill: object) -> None:
    wordings = next(each.wordings for each in ASKED if each is skill)
    texts = [re.sub(r"\{\w+\}", "red", wording) for wording in wordings]
    assert [text for text in texts if TOKENIZER.unk_token_id in encode(text)] == []


def test_what_is_not_of_the_language_is_unknown() -> None:
    assert TOKENIZER.convert_ids_to_tokens(encode("what color is the elephant?")) == [
        "what", "color", "is", "the", "<unk>", "?",
    ]  # fmt: skip


def test_marks_stand_alone_and_case_is_ignored() -> None:
    assert TOKENIZER.tokenize("Is the RED circle solid, striped or hollow?\n") == [
        "is", "the", "red", "circle", "solid", ",", "striped", "or", "hollow", "?", "\n",
    ]  # fmt: skip
    assert TOKENIZER.tokenize("<question> read the die.") == ["<question>", "read", "the", "die", "."]


def test_tags_stay_in_a_decoded_text_and_special_tokens_go() -> None:
    ids = [TOKENIZER.bos_token_id, *encode("<edit> remove the clock"), TOKENIZER.eos_token_id, TOKENIZER.pad_token_id]
    assert TOKENIZER.decode(ids, skip_special_tokens=True) == "<edit> remove the clock"


@pytest.mark.parametrize("family", sorted(BUILDERS))
def test_all_families_share_the_words(family: str) -> None:
    model, processor = build(family, Size(32, 2, 1, 2), 0)
    tok = processor.tokenizer
    vocabulary = tok.get_vocab()
    assert {*words(), *MARKS, *TAGS, *SPECIALS} <= vocabulary.keys()
    assert len(set(vocabulary.values())) == len(vocabulary) == len(tok)
    assert model.get_input_embeddings().num_embeddings >= len(tok)
    ids = [tok.pad_token_id, tok.eos_token_id, tok.bos_token_id, tok.unk_token_id, tok.image_token_id]
    assert len(set(ids)) == 5
    assert tok.padding_side == "left"
    config = model.generation_config
    assert (config.pad_token_id, config.eos_token_id, config.bos_token_id) == tuple(ids[:3])
