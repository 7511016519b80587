"""Many questions in one row are as good as a row for each: the same logits, targets, skills and mentions."""

import random
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
import torch
from transformers import PreTrainedModel, ProcessorMixin

from auditdm_hub.playground.build.architectures import BUILDERS, Size, build
from auditdm_hub.playground.build.batches import Layout, Pair, TextBatch, layout, model_inputs, packed, single
from auditdm_hub.playground.build.data import Ints, examples, pictures, tile_numbers, tile_table
from auditdm_hub.playground.draw import draw
from auditdm_hub.playground.sample import sample_scene
from auditdm_hub.playground.skills import SKILLS

CAUSAL = sorted(set(BUILDERS) - {"paligemma"})
every_family = pytest.mark.parametrize("family", sorted(BUILDERS))
causal_families = pytest.mark.parametrize("family", CAUSAL)


@dataclass(frozen=True)
class Case:
    model: PreTrainedModel
    processor: ProcessorMixin
    around: Layout
    pixels: torch.Tensor  # (scenes, 3, 64, 64)
    groups: list[list[Pair]]  # of each scene

    @property
    def pairs(self) -> list[Pair]:
        return [pair for group in self.groups for pair in group]

    @property
    def owners(self) -> Ints:
        return np.repeat(np.arange(len(self.groups)), [len(group) for group in self.groups])

    def pack(self, groups: list[list[Pair]]) -> TextBatch:
        return packed(self.around, groups, self.processor.tokenizer.image_token_id)

    def packed_logits(self, groups: list[list[Pair]]) -> torch.Tensor:
        with torch.no_grad():
            return self.model(**model_inputs(self.model, self.pack(groups), self.pixels)).logits


@cache
def case(family: str) -> Case:
    model, processor = build(family, Size(32, 2, 1, 2), 5)
    rng = random.Random(25)
    scenes = [sample_scene(rng, unseen=False) for _ in range(4)]

    def encode(text: str) -> list[int]:
        ids: list[int] = processor.tokenizer.encode(text, add_special_tokens=False)
        return ids

    groups = [
        [Pair(encode(e.question), encode(e.said), SKILLS.index(e.skill), e.mentions) for e in examples(s, rng, (), 7)]
        for s in scenes
    ]
    pixels = pictures(tile_table(processor), np.stack([tile_numbers(scene) for scene in scenes]))
    # Groups of different sizes, so that rows are padded; and an answer of several words.
    groups = [group[: 2 + number] for number, group in enumerate(groups)]
    groups[0].append(Pair(encode("ask"), encode("<question> is there a red star?"), 3))
    return Case(model.eval(), processor, layout(processor), pixels, groups)


def single_logits(held: Case, batch: TextBatch) -> torch.Tensor:
    inputs = model_inputs(held.model, batch, held.pixels[held.owners])
    if held.model.config.model_type == "gemma3":  # its token types mark the picture, PaliGemma's the answer
        inputs["token_type_ids"] = (batch.inputs["input_ids"] == held.model.config.image_token_id).long()
    elif held.model.config.model_type != "paligemma":
        del inputs["token_type_ids"]
    with torch.no_grad():
        return held.model(**inputs).logits


@causal_families
def test_packed_rows_give_the_logits_of_single_rows(family: str) -> None:
    held = case(family)
    together, alone = held.pack(held.groups), single(held.around, held.pairs)
    logits = single_logits(held, alone)
    targets, skills = (each[:, -logits.shape[1] :] for each in (alone.targets, alone.skills))
    ours, theirs = together.targets != -100, targets != -100
    assert int(ours.sum()) == sum(len(pair.answer) + 1 for pair in held.pairs)
    assert torch.equal(together.targets[ours], targets[theirs])
    assert torch.equal(together.skills[ours], skills[theirs])
    answered = held.packed_logits(held.groups)[ours]
    assert answered.std() > 0.1
    torch.testing.assert_close(answered, logits[theirs], rtol=1e-4, atol=1e-4)


@every_family
def test_a_question_does_not_see_the_others_of_its_row(family: str) -> None:
    held = case(family)
    others = [[group[0], *reversed(held.groups[-1][1:])] for group in held.groups]
    length = len(held.around.before) + min(len([*group[0].prompt, *held.around.after]) for group in held.groups)
    one, two = held.packed_logits(held.groups), held.packed_logits(others)
    torch.testing.assert_close(one[:, :length], two[:, :length], rtol=1e-4, atol=1e-4)
    assert not torch.allclose(one[:, -1], two[:, -1], rtol=1e-2, atol=1e-2)


@every_family
def test_answers_depend_on_the_picture(family: str) -> None:
    held = case(family)
    logits = single_logits(held, single(held.around, held.pairs))
    changed = single_logits(
        Case(held.model, held.processor, held.around, held.pixels.flip(0), held.groups),
        single(held.around, held.pairs),
    )
    assert not torch.allclose(logits, changed, rtol=1e-3, atol=1e-3)


@every_family
def test_mentions_are_found_in_either_layout(family: str) -> None:
    held = case(family)
    found = []
    for batch in (held.pack(held.groups), single(held.around, held.pairs)):
        tokens = batch.inputs["input_ids"][batch.mentions[:, 0], batch.mentions[:, 1]]
        found.append(torch.column_stack([tokens, batch.mentions[:, 2:]]))
    wanted = [pair.prompt[place] for pair in held.pairs for place, _ in pair.mentions]
    assert len(wanted) > 3
    assert found[0][:, 0].tolist() == wanted
    assert torch.equal(*found)


@every_family
def test_the_layout_is_what_the_processor_puts_around_a_question(family: str) -> None:
    held, pair = case(family), case(family).groups[1][0]
    ids = single(held.around, [pair]).inputs["input_ids"][0].tolist()
    question, tok = held.processor.tokenizer.decode(pair.prompt), held.processor.tokenizer
    picture = draw(sample_scene(random.Random(0), unseen=False))
    if family == "paligemma":
        wanted = held.processor(images=[picture], text=[f"<image>{question}"])["input_ids"][0]
    else:
        content = [{"type": "image", "image": picture}, {"type": "text", "text": question}]
        wanted = held.processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=True, return_dict=True
        )["input_ids"][0]
    assert ids == [*map(int, wanted), *pair.answer, tok.eos_token_id]
    assert ids.count(tok.image_token_id) == 16


@every_family
def test_pictures_of_tiles_are_those_of_the_processor(family: str) -> None:
    held, rng = case(family), random.Random(25)
    images = [draw(sample_scene(rng, unseen=False)) for _ in range(4)]
    seen = [held.processor.image_processor(image, return_tensors="pt")["pixel_values"] for image in images]
    assert torch.equal(torch.cat(seen).reshape(held.pixels.shape), held.pixels)
