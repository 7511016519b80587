"""Models of five families that load again as any model of transformers does, and answer the same."""

import random
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL.Image import Image
from transformers import AutoModelForImageTextToText, AutoProcessor, PreTrainedModel

from auditdm_hub.playground.build.architectures import BUILDERS, Size, build
from auditdm_hub.playground.build.data import pictures, tile_numbers, tile_table
from auditdm_hub.playground.build.measure import predictions
from auditdm_hub.playground.draw import draw
from auditdm_hub.playground.sample import sample_question, sample_scene
from auditdm_hub.playground.world import Scene

SIZE = Size(32, 2, 1, 2)
# The processor of PaliGemma turns tensors into arrays in a way that numpy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
every_family = pytest.mark.parametrize("family", sorted(BUILDERS))


def asked(count: int) -> list[tuple[Scene, str]]:
    rng = random.Random(31)
    scenes = [sample_scene(rng, unseen=True) for _ in range(count)]
    return [(scene, (sample_question(scene, rng) or ("read the digit.", ""))[0]) for scene in scenes]


def inputs(processor: Any, images: list[Image], questions: list[str]) -> dict[str, torch.Tensor]:  # noqa: ANN401
    """What a user would hand the model."""
    if processor.chat_template is None:
        texts = [f"<image>{question}" for question in questions]
        return dict(processor(images=images, text=texts, return_tensors="pt", padding=True))
    chats = [
        [{"role": "user", "content": [{"type": "image", "image": image}, {"type": "text", "text": question}]}]
        for image, question in zip(images, questions, strict=True)
    ]
    return dict(
        processor.apply_chat_template(
            chats, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt", padding=True
        )
    )


def generated(model: PreTrainedModel, processor: Any, images: list[Image], questions: list[str]) -> list[list[int]]:  # noqa: ANN401
    made = inputs(processor, images, questions)
    with torch.no_grad():
        ids = model.generate(**made, max_new_tokens=4, min_new_tokens=4, do_sample=False)
    return ids[:, made["input_ids"].shape[1] :].tolist()


def lively(family: str, seed: int) -> tuple[PreTrainedModel, Any]:
    """Return an untrained model whose decoder is shaken, so that its answers depend on what it is asked."""
    model, processor = build(family, SIZE, seed)
    torch.manual_seed(seed)
    with torch.no_grad():
        for weight in model.get_decoder().layers.parameters():
            weight.add_(torch.randn_like(weight))
    return model.eval(), processor


@every_family
def test_a_saved_model_loads_again_and_answers_the_same(family: str, tmp_path: Path) -> None:
    model, processor = lively(family, 3)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    loaded = AutoModelForImageTextToText.from_pretrained(tmp_path, dtype=torch.float32).eval()
    assert type(loaded) is type(model)
    assert loaded.config.to_dict().get("auditdm_prompt_template") == ("{question}" if family == "paligemma" else None)
    images, questions = [draw(scene) for scene, _ in asked(4)], [question for _, question in asked(4)]
    again = AutoProcessor.from_pretrained(tmp_path)
    one, two = (inputs(each, images, questions) for each in (processor, again))
    assert one.keys() == two.keys()
    assert [name for name, tensor in one.items() if not torch.equal(tensor, two[name])] == []
    answers = generated(model, processor, images, questions)
    assert generated(loaded, again, images, questions) == answers
    assert len({tuple(answer) for answer in answers}) > 1


@every_family
def test_measuring_gives_the_answers_that_a_user_gets(family: str) -> None:
    model, processor = lively(family, 4)
    table = tile_table(processor)
    questions = [question for _, question in asked(12)]
    pixels = torch.cat([pictures(table, tile_numbers(scene)[None]) for scene, _ in asked(12)])
    said = predictions(model, processor, questions, pixels)
    answers = generated(model, processor, [draw(scene) for scene, _ in asked(12)], questions)
    assert said == [processor.tokenizer.decode(answer[:1]) for answer in answers]
    assert len(set(said)) > 1


@every_family
def test_questions_of_different_lengths_can_be_asked_together(family: str) -> None:
    model, processor = lively(family, 3)
    images = [draw(scene) for scene, _ in asked(3)]
    questions = ["read the die.", "on which side of the red star is the blue cross, left or right?", "count the stars."]
    alone = [generated(model, processor, [image], [q])[0] for image, q in zip(images, questions, strict=True)]
    assert generated(model, processor, images, questions) == alone


@every_family
def test_weights_are_drawn_from_the_seed_alone(family: str) -> None:
    first, again, other = (build(family, SIZE, seed)[0].state_dict() for seed in (3, 3, 5))
    assert [name for name, weight in first.items() if not torch.equal(weight, again[name])] == []
    assert sum(torch.equal(weight, other[name]) for name, weight in first.items() if weight.ndim > 1) == 0
    assert {weight.dtype for weight in first.values() if weight.is_floating_point()} == {torch.float32}


@every_family
def test_an_attention_copies_what_it_attends_to(family: str) -> None:
    model, _ = build(family, SIZE, 3)
    layers = [layer for layer in model.get_decoder().modules() if hasattr(layer, "o_proj")]
    assert len(layers) == SIZE.text_layers
    for layer in layers:
        torch.testing.assert_close(layer.o_proj.weight @ layer.v_proj.weight, torch.eye(32), rtol=1e-4, atol=1e-4)
