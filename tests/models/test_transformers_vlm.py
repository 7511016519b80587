import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from families import ALL, OWN_WAY
from peft import LoraConfig, get_peft_model
from PIL import Image
from tiny_models import write_model
from transformers import AutoModelForImageTextToText, AutoProcessor

from auditdm_hub.errors import ModelError
from auditdm_hub.models import load_vlm, transformers_vlm
from auditdm_hub.models.certain import CertainVLM
from auditdm_hub.models.features import _runs
from auditdm_hub.models.prompting import require_chat_template
from auditdm_hub.models.transformers_vlm import TransformersVLM

# Of transformers' PaliGemma processor under numpy 2, and of peft under transformers 5.
pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning"),
]

QUESTIONS = ["what color is the circle ?", "is there a cat ?", "how many red star are there to the left of the dog ?"]
LENGTH = 4


def pairs(pictures: list[Image.Image]) -> tuple[list[Image.Image], list[str]]:
    asked = [(picture, question) for picture in pictures for question in QUESTIONS]
    return [picture for picture, _ in asked], [question for _, question in asked]


def plain_answer(folder: Path, image: Image.Image, question: str) -> str:
    """The same question through nothing but transformers."""
    processor = AutoProcessor.from_pretrained(folder)
    model = AutoModelForImageTextToText.from_pretrained(folder).eval()
    if processor.chat_template is None:
        text, options = f"<image>{question}", {}
    else:
        content = [{"type": "image"}, {"type": "text", "text": question}]
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        options = {"add_special_tokens": False}
    inputs = processor(text=[text], images=[[image]], return_tensors="pt", **options)
    inputs.pop("labels", None)
    out = model.generate(**inputs, do_sample=False, max_new_tokens=LENGTH)
    return processor.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True).strip()


@pytest.mark.parametrize("family", ALL)
def test_answers_are_those_of_plain_transformers_alone_and_in_any_batch(
    family: str, tiny_folders: dict[str, Path], pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, questions = pairs(pictures)
    if family not in OWN_WAY:
        monkeypatch.delattr(TransformersVLM, "_answer_processed")  # what can be shared is shared
    model = load_vlm(str(tiny_folders[family]), max_new_tokens=LENGTH, batch_size=4)
    answers = model.answer(images, questions)
    assert len(set(answers)) > 2  # a model that always says the same would prove nothing
    assert answers[:3] == [plain_answer(tiny_folders[family], pictures[0], question) for question in QUESTIONS]
    fresh = load_vlm(str(tiny_folders[family]), max_new_tokens=LENGTH, batch_size=1)
    assert [fresh.answer([i], [q])[0] for i, q in zip(images, questions, strict=True)] == answers
    assert (
        load_vlm(str(tiny_folders[family]), max_new_tokens=LENGTH).answer(images[::-1], questions[::-1])
        == answers[::-1]
    )
    assert model.family == family.removesuffix("_tiles")


@pytest.mark.parametrize("family", ALL)
def test_an_images_part_of_the_prompts_is_computed_once(
    family: str, tiny_folders: dict[str, Path], pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, questions = pairs(pictures)
    folder = str(tiny_folders[family])
    wanted = load_vlm(folder, max_new_tokens=LENGTH).answer(images, questions)
    behind: list[tuple[int, int]] = []
    whole = TransformersVLM._behind

    def counted(self: TransformersVLM, rows: list[Any], shas: list[str], *rest: Any) -> dict[str, Any]:  # noqa: ANN401
        behind.append((len(rows), len(set(shas))))
        return whole(self, rows, shas, *rest)

    monkeypatch.setattr(TransformersVLM, "_behind", counted)
    monkeypatch.setattr(transformers_vlm, "LEAST_SHARED", 1)
    model = load_vlm(folder, max_new_tokens=LENGTH, batch_size=6)
    assert model.answer(images, questions) == wanted
    assert model.answer(images[::-1], questions[::-1]) == wanted[::-1]
    assert model.answer(images[:1], questions[:1]) == wanted[:1]  # nothing to share
    sure = CertainVLM.load(folder, certainty=0.0, max_new_tokens=LENGTH)
    assert sure.answer(images, questions) == wanted
    shared = family not in {*OWN_WAY, "paligemma"}
    assert behind == ([(6, 2), (6, 2), (3, 1)] * 2 + [(15, 5)] if shared else [])


@pytest.mark.parametrize("family", ALL)
def test_images_of_any_shape_are_seen_as_plain_transformers_sees_them(
    family: str, tiny_folders: dict[str, Path]
) -> None:
    rng = np.random.default_rng(1)
    images = [Image.fromarray(rng.integers(0, 255, (*size, 3), dtype=np.uint8)) for size in ((40, 56), (56, 24))]
    model = load_vlm(str(tiny_folders[family]), max_new_tokens=LENGTH)
    wanted = [plain_answer(tiny_folders[family], image, QUESTIONS[0]) for image in images]
    assert model.answer(images, QUESTIONS[:1] * 2) == wanted


def test_padding_never_pushes_tokens_out_of_a_window(
    tiny_folders: dict[str, Path], pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transformers_vlm, "LEAST_SHARED", 1)
    images, questions = pairs(pictures[:1])
    long = [*questions, " ".join(["star"] * 60)]  # the window is of 64 tokens
    folder = str(tiny_folders["gemma3"])
    wanted = [load_vlm(folder, max_new_tokens=LENGTH).answer(images[:1], [question])[0] for question in long]
    assert load_vlm(folder, max_new_tokens=LENGTH).answer([images[0]] * 4, long) == wanted


@pytest.mark.parametrize("family", ALL)
def test_the_way_through_the_processor_gives_the_same(
    family: str, tiny_folders: dict[str, Path], pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, questions = pairs(pictures)
    answers = load_vlm(str(tiny_folders[family]), max_new_tokens=LENGTH).answer(images, questions)
    slow = load_vlm(str(tiny_folders[family]), max_new_tokens=LENGTH, batch_size=4)
    monkeypatch.setattr(slow._prompter, "expansion", lambda question, image: None)
    assert slow.answer(images, questions) == answers


def test_images_are_encoded_in_runs_of_one_size() -> None:
    assert list(_runs(["a", "a", "a", "b", "b", "c"], 2)) == [(0, 2), (2, 3), (3, 5), (5, 6)]
    assert list(_runs([], 2)) == []


def test_each_image_is_prepared_once(
    tiny_folders: dict[str, Path], pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_vlm(str(tiny_folders["llava"]), max_new_tokens=LENGTH)
    images, questions = pairs(pictures)
    prepared: list[int] = []
    run = model._features._run
    monkeypatch.setattr(model._features, "_run", lambda images: prepared.append(len(images)) or run(images))
    model.answer(images, questions)
    model.answer(images, [f"{question} no" for question in questions])
    assert sum(prepared) == len(pictures)


def test_kept_features_are_bounded(tiny_folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    model = load_vlm(str(tiny_folders["llava"]), max_new_tokens=LENGTH)
    images, questions = pairs(pictures)
    answers = model.answer(images, questions)
    one = next(iter(model._features._kept.values())).nbytes
    small = load_vlm(str(tiny_folders["llava"]), max_new_tokens=LENGTH)
    small._features._limit = 2 * one
    assert small.answer(images, questions) == answers
    assert len(small._features._kept) == 2 and small._features._bytes == 2 * one


def test_images_of_several_sizes_in_one_call(tiny_folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    mixed = [picture.resize((32 + 8 * k, 32)) for k, picture in enumerate(pictures)]
    for family in ("gemma3", "idefics3"):
        model = load_vlm(str(tiny_folders[family]), max_new_tokens=LENGTH)
        together = model.answer(mixed, [QUESTIONS[0]] * len(mixed))
        alone = [model.answer([image], [QUESTIONS[0]])[0] for image in mixed]
        assert together == alone


def test_a_question_with_control_tokens_is_not_asked(
    tiny_folders: dict[str, Path], pictures: list[Image.Image]
) -> None:
    model = load_vlm(str(tiny_folders["gemma3"]), max_new_tokens=LENGTH)
    asked = [QUESTIONS[0], "what is <start_of_image> ?", "is <image_soft_token> there ?", "a <eos> b"]
    answers = model.answer(pictures[:1] * 4, asked)
    assert answers[0] is not None and answers[1:] == [None, None, None]


def test_answers_are_cut(tiny_folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    model = load_vlm(str(tiny_folders["idefics3"]), max_new_tokens=2)
    longer = load_vlm(str(tiny_folders["idefics3"]), max_new_tokens=LENGTH)
    asked = QUESTIONS[:1] * len(pictures)
    for short, long in zip(model.answer(pictures, asked), longer.answer(pictures, asked), strict=True):
        assert short is not None and long is not None and len(short.split()) <= 2 and long.startswith(short)
    assert model.decoding == "greedy, at most 2 tokens, torch.float32, '{question}'"


def test_an_answer_that_is_less_certain_than_wanted_is_none(
    tiny_folders: dict[str, Path], pictures: list[Image.Image]
) -> None:
    questions = ["What is this?", "How many?", "Where is it?"] * len(pictures)
    images = [picture for picture in pictures for _ in range(3)]

    def answers(certainty: float) -> list[str | None]:
        model = CertainVLM.load(str(tiny_folders["gemma3"]), max_new_tokens=2, certainty=certainty)
        return model.answer(images, questions)

    plain = load_vlm(str(tiny_folders["gemma3"]), max_new_tokens=2)
    inputs = plain._processed({"x": images[0]}, [("x", questions[0])])  # noqa: SLF001 - the probabilities themselves
    made = plain._model.generate(**inputs, output_logits=True, return_dict_in_generate=True)  # type: ignore[operator] # noqa: SLF001
    chosen = made.sequences[0, -2:]
    probability = 1.0
    for logits, token in zip(made.logits, chosen, strict=True):
        probability *= float(logits[0].softmax(-1)[token])
    assert answers(1e-12) == plain.answer(images, questions)
    assert answers(probability * 0.999)[0] == plain.answer(images, questions)[0]
    assert answers(probability * 1.001)[0] is None
    assert answers(0.999999) == [None] * len(images)


@pytest.mark.parametrize("way", ["shared", "processed"])
def test_a_batch_for_which_memory_is_too_small_is_halved_and_the_log_says_so_once(
    tiny_folders: dict[str, Path], pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture, way: str,
) -> None:  # fmt: skip
    images, questions = pairs(pictures)
    folder = str(tiny_folders["gemma3"])
    wanted = load_vlm(folder, max_new_tokens=LENGTH).answer(images, questions)
    model = load_vlm(folder, max_new_tokens=LENGTH)
    generate, sizes = model._model.generate, list[int]()

    def small(**inputs: torch.Tensor) -> object:
        sizes.append(len(inputs["input_ids"]))
        if sizes[-1] > 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return generate(**inputs)

    monkeypatch.setattr(model._model, "generate", small)
    if way == "processed":
        monkeypatch.setattr(model._prompter, "expansion", lambda question, image: None)
    assert model.answer(images, questions) == wanted
    assert len(caplog.messages) == 1 and "not enough memory" in caplog.messages[0]
    before = len(sizes)
    assert model.answer(images, questions) == wanted
    assert max(sizes[before:]) <= 4  # it does not try again what failed

    def never(**inputs: torch.Tensor) -> object:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(model._model, "generate", never)
    assert model.answer(images, questions) == [None] * len(images)


def test_images_are_encoded_in_smaller_batches_too(
    tiny_folders: dict[str, Path], pictures: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    images, questions = pairs(pictures)
    wanted = load_vlm(str(tiny_folders["gemma3"]), max_new_tokens=LENGTH).answer(images, questions)
    model = load_vlm(str(tiny_folders["gemma3"]), max_new_tokens=LENGTH)
    encode, sizes = model._features.encode, list[int]()

    def small(images: dict[str, Image.Image], size: int) -> object:
        sizes.append(size)
        if size > 8:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return encode(images, size)

    monkeypatch.setattr(model._features, "encode", small)
    assert model.answer(images, questions) == wanted
    assert sizes[0] > sizes[-1] == 8


def test_no_requests(tiny_folders: dict[str, Path]) -> None:
    assert load_vlm(str(tiny_folders["llava"])).answer([], []) == []


def test_unequal_lengths_are_refused(tiny_folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    with pytest.raises(ValueError, match="got 2 images and 1 questions"):
        load_vlm(str(tiny_folders["llava"])).answer(pictures[:2], QUESTIONS[:1])


def test_prompt_template(tmp_path: Path, pictures: list[Image.Image]) -> None:
    folder = write_model("paligemma", tmp_path / "p", prompt_template=None)
    default = load_vlm(str(folder), max_new_tokens=LENGTH)
    assert "'answer en {question}'" in default.decoding
    plain = load_vlm(str(folder), max_new_tokens=LENGTH, prompt_template="{question}")
    asked = [f"answer en {question}" for question in QUESTIONS]
    assert plain.answer(pictures[:3], asked) == default.answer(pictures[:3], QUESTIONS)
    with pytest.raises(ModelError, match=r"must contain \{question\} exactly once"):
        load_vlm(str(folder), prompt_template="answer")


def test_id_follows_the_content_of_the_folder(tmp_path: Path, pictures: list[Image.Image]) -> None:
    folder = write_model("llava", tmp_path / "small", seed=1)
    first = load_vlm(str(folder)).id
    assert first.startswith("small@") and load_vlm(str(folder)).id == first
    write_model("llava", folder, seed=2)
    assert load_vlm(str(folder)).id != first


def test_adapter(tmp_path: Path, tiny_folders: dict[str, Path], pictures: list[Image.Image]) -> None:
    base = AutoModelForImageTextToText.from_pretrained(tiny_folders["llava"])
    torch.manual_seed(0)
    adapted = get_peft_model(base, LoraConfig(target_modules=r".*language_model.*q_proj", init_lora_weights=False))
    adapted.save_pretrained(tmp_path / "fix")
    plain = load_vlm(str(tiny_folders["llava"]), max_new_tokens=LENGTH)
    model = load_vlm(str(tiny_folders["llava"]), adapter=str(tmp_path / "fix"), max_new_tokens=LENGTH)
    assert model.id.startswith(f"{plain.id}+fix@")
    images, questions = pairs(pictures)
    assert model.answer(images, questions) != plain.answer(images, questions)


def test_what_cannot_be_loaded_is_one_clear_error(tmp_path: Path, tiny_folders: dict[str, Path]) -> None:
    with pytest.raises(ModelError, match=r"no config\.json"):
        load_vlm(str(tmp_path))
    bare = shutil.copytree(tiny_folders["llava"], tmp_path / "bare")
    for name in ("processor_config.json", "preprocessor_config.json"):
        (bare / name).unlink(missing_ok=True)
    with pytest.raises(ModelError, match="processor"):
        load_vlm(str(bare))
    empty = shutil.copytree(tiny_folders["llava"], tmp_path / "empty")
    (empty / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="safetensors"):
        load_vlm(str(empty))
    text = shutil.copytree(tiny_folders["llava"], tmp_path / "text")
    config = json.loads((text / "config.json").read_text())
    (text / "config.json").write_text(json.dumps(config["text_config"] | {"architectures": ["LlamaForCausalLM"]}))
    with pytest.raises(ModelError, match="image-text-to-text"):
        load_vlm(str(text))
    with pytest.raises(ModelError, match="no-such/model"):
        load_vlm("no-such/model")
    with pytest.raises(ModelError, match="wanted one of auto, float32"):
        load_vlm(str(tiny_folders["llava"]), dtype="int4")
    with pytest.raises(ModelError, match="got attention 'best', wanted one of auto, eager"):
        load_vlm(str(tiny_folders["llava"]), attention="best")
    with pytest.raises(ModelError, match="there is no such folder"):
        load_vlm(str(tmp_path / "nowhere"))
    with pytest.raises(ModelError, match="device"):
        load_vlm(str(tiny_folders["llava"]), device="cuda:9" if not torch.cuda.is_available() else "nowhere")
    with pytest.raises(ModelError, match="cannot put adapter"):
        load_vlm(str(tiny_folders["llava"]), adapter=str(tmp_path / "none"))


def test_a_chat_model_without_template_is_refused(tmp_path: Path, tiny_folders: dict[str, Path]) -> None:
    folder = shutil.copytree(tiny_folders["gemma3"], tmp_path / "g")
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(ModelError, match="no chat template"):
        TransformersVLM.load(str(folder))
    with pytest.raises(ModelError, match="not auditor"):
        require_chat_template(AutoProcessor.from_pretrained(tiny_folders["paligemma"]), "paligemma")
