"""A model is repaired with the prompts with which it is asked."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from PIL.Image import Image
from tiny_models import write_model
from transformers import AutoProcessor

from auditdm_hub.models.loading import Loading
from auditdm_hub.models.prompting import Prompter
from auditdm_hub.models.spec import ModelSpec
from auditdm_hub.models.transformers_vlm import TransformersVLM
from auditdm_hub.playground.backends import pictures
from auditdm_hub.playground.models import HOLDOUT, REFERENCES, model_folder
from auditdm_hub.rectifying.collate import Batch, Collator
from auditdm_hub.rectifying.examples import Example
from auditdm_hub.rectifying.train import TuningSettings, tune
from auditdm_hub.workflows.specs import as_another, spec_of

AROUND = "make one star"
PROMPT = f"{{question}} {AROUND}?"
SETTINGS = TuningSettings(steps=1, batch_size=2, lora_rank=2, lora_alpha=4, device="cpu")


@pytest.mark.parametrize("family", ["llava", "gemma3", "paligemma"])
def test_what_stands_around_a_question_is_trained_with_it(
    family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, asked = list[str](), list[str]()
    collate, pad = Collator.__call__, TransformersVLM._pad

    def spied(self: Collator, rows: Sequence[Mapping[str, str]]) -> Batch:
        batch = collate(self, rows)
        trained.extend(self._processor.tokenizer.batch_decode(batch["input_ids"]))
        return batch

    def padded(self: TransformersVLM, rows: Sequence[Mapping[str, list[int]]]) -> dict[str, object]:
        asked.extend(self._tokenizer.batch_decode([row["input_ids"] for row in rows]))
        return pad(self, rows)

    monkeypatch.setattr(Collator, "__call__", spied)
    monkeypatch.setattr(TransformersVLM, "_pad", padded)
    spec = ModelSpec(str(write_model(family, tmp_path / family, prompt_template=None)), Loading("cpu"), PROMPT)
    images = dict[str, Image]()
    rows = list[Example]()
    for number, (image, _, question) in enumerate(pictures(2, 5)):
        images[str(number)] = image
        rows.append(Example(str(number), question, "red", "", ""))
    tune(spec, (rows, []), images.__getitem__, SETTINGS, tmp_path)
    spec.load().answer([images[row.image_sha] for row in rows], [row.question for row in rows])
    assert len(asked) == len(trained) == 2
    plain = sorted(text.replace("<pad>", "").strip() for text in trained)
    for prompt, text in zip(sorted(asked), plain, strict=True):
        assert text.startswith(prompt.strip()), (prompt, text)  # and then the answer
        assert (AROUND in text) == (family != "paligemma")  # which has a prefix of its own


def test_a_model_is_loaded_as_its_audit_loaded_it() -> None:
    config = {
        "device": "cpu", "answer_prompt": PROMPT, "max_new_tokens": 5, "batch_size": None,
        "models": {"dtype": "bfloat16", "four_bit": ["big@abc"], "remote_code": ["org/own"], "spread": []},
        "families": {"org/own": "own"},
    }  # fmt: skip
    own = spec_of(config, "org/own@123")
    assert own == ModelSpec("org/own@123", Loading("cpu", "bfloat16", remote_code=True), PROMPT, None, 64, 5)
    assert spec_of(config, "org/own").family == "own"
    assert spec_of(config, "big@abc").how.bits == 4
    assert spec_of({}, "any") == ModelSpec("any")
    repaired = spec_of(as_another(config, "org/own", "runs/merged"), "runs/merged")
    assert (repaired.how.remote_code, repaired.family) == (True, "own")
    assert config["families"] == {"org/own": "own"}


def test_a_repaired_copy_of_a_pinned_model_is_loaded_like_it() -> None:
    config = {"models": {"four_bit": ["org/big"]}, "device": "cpu"}
    copy = as_another(config, "org/big@abc", "runs/merged")
    assert spec_of(copy, "org/big@abc").how.bits == spec_of(copy, "runs/merged").how.bits == 4


@pytest.mark.parametrize("place", [*REFERENCES, HOLDOUT])
def test_an_answer_is_written_as_the_template_has_it(place: str) -> None:
    folder = model_folder(place)
    processor = AutoProcessor.from_pretrained(folder)
    prompter = Prompter(processor, json.loads((folder / "config.json").read_text())["model_type"], "{question}")
    assert not prompter.prefix
    assert prompter.answered("two") == f"two{processor.tokenizer.eos_token}"
    turns = "{% for m in messages %}{{ m.role }}:{% for c in m.content %}{% if c.type == 'text' %} {{ c.text }}"
    turns += "{% else %}<image>{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    processor.chat_template = turns + "{% if add_generation_prompt %}assistant:{% endif %}"
    assert prompter.answered("two") == " two<end_of_utterance>"
    processor.chat_template = turns + "{% if add_generation_prompt %}assistant: <think>{% endif %}"
    assert prompter.answered("two") == f"</think>\n\ntwo{processor.tokenizer.eos_token}"
    processor.chat_template = "{% for m in messages %}{{ m.content[-1].text }} {% endfor %}"  # which ends no turn
    assert prompter.answered("two") == f"two{processor.tokenizer.eos_token}"
