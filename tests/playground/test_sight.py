"""The vision tower learns what cells hold, and is then kept as it is."""

import random
from functools import cache

import numpy as np
import pytest
import torch
from torch.nn import functional

from auditdm_hub.playground.build.architectures import BUILDERS, Built, Size, build
from auditdm_hub.playground.build.data import Ints, pictures, tile_numbers, tile_table
from auditdm_hub.playground.build.sight import facts, freeze_sight, image_tokens, teach_sight
from auditdm_hub.playground.draw import contents
from auditdm_hub.playground.sample import sample_scene
from auditdm_hub.playground.world import BACKGROUNDS, Scene

every_family = pytest.mark.parametrize("family", sorted(BUILDERS))


def tiny(family: str) -> Built:
    return build(family, Size(32, 2, 1, 2), 6)


@cache
def numbers() -> Ints:
    rng = random.Random(28)
    return np.stack([tile_numbers(sample_scene(rng, unseen=False)) for _ in range(40)])


@every_family
def test_freezing_keeps_what_sees_and_leaves_what_reads(family: str) -> None:
    model, processor = tiny(family)
    pixels = pictures(tile_table(processor), numbers()[:2])
    assert image_tokens(model, pixels).requires_grad
    freeze_sight(model)
    assert not image_tokens(model, pixels).requires_grad
    reading = {*model.get_decoder().parameters(), *model.get_output_embeddings().parameters()}
    assert [name for name, weight in model.named_parameters() if weight.requires_grad is not (weight in reading)] == []
    assert model.get_input_embeddings().weight in reading


@every_family
def test_a_picture_is_one_token_a_cell_in_the_order_of_the_cells(family: str) -> None:
    model, processor = tiny(family)
    table = tile_table(processor)
    scene = Scene.parse("white; 0 large solid red circle")
    changed = scene.put(6, scene.cells[0])
    with torch.no_grad():
        one, two = (image_tokens(model.eval(), pictures(table, tile_numbers(s)[None]))[0] for s in (scene, changed))
    assert one.shape == (16, 32)
    assert int((one - two).norm(dim=1).argmax()) == 6


@every_family
def test_teaching_draws_tokens_to_the_words_of_their_cell(family: str) -> None:
    model, processor = tiny(family)
    words, classes = next((words, classes) for words, classes in facts() if "circle" in words)
    ids = processor.tokenizer.convert_tokens_to_ids(words)
    pixels, wanted = pictures(tile_table(processor), numbers()), torch.as_tensor(classes[numbers()]).flatten()

    def loss() -> float:
        with torch.no_grad():
            vectors = functional.normalize(model.get_input_embeddings().weight[ids], dim=1)
            return float(functional.cross_entropy(image_tokens(model, pixels).flatten(0, 1) @ vectors.T, wanted))

    said: list[str] = []
    embeddings = model.get_input_embeddings().weight.detach().clone()
    before = loss()
    teach_sight(model, processor, numbers(), 30, 1, said.append)
    assert loss() < 0.9 * before
    assert said == []  # a line every 200 steps
    assert torch.equal(model.get_input_embeddings().weight, embeddings)


def test_facts_are_the_words_of_every_tile() -> None:
    scene = Scene.parse("pink; 0 large striped red cross; 5 bar cyan 4; 9 digit 7")
    tiles = tile_numbers(scene)
    said = [tuple(words[classes[tiles[cell]]] for words, classes in facts()) for cell in (0, 5, 9, 15)]
    assert said == [
        ("shape", "red", "cross", "large", "striped", "nothing", "pink"),
        ("bar", "cyan", "nothing", "nothing", "nothing", "4", "pink"),
        ("digit", "nothing", "nothing", "nothing", "nothing", "7", "pink"),
        ("nothing", "nothing", "nothing", "nothing", "nothing", "nothing", "pink"),
    ]
    assert {len(classes) for _, classes in facts()} == {len(contents()) * len(BACKGROUNDS)}


def test_words_of_facts_are_known_to_the_tokenizer() -> None:
    _, processor = tiny("llava")
    tok = processor.tokenizer
    unknown = {word for words, _ in facts() for word in words if tok.convert_tokens_to_ids(word) == tok.unk_token_id}
    assert unknown == set()
