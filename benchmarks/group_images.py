"""What a step of GRPO gains where the images of a group are prepared and seen once (`auditdm_hub.models.repeats`).

    python -m benchmarks.group_images [--steps 3] [--prompts 4] [--group 8] [--length 16] [--patch 56]

A Gemma 3 of random weights with its own image size (896 pixels) and a tower of many patches, small enough for a CPU;
it writes a group of texts of a fixed length on each image. Its vocabulary is small: on a CPU a large one would hide the
rest. Trainings are timed in turn with and without.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import transformers as hf
from transformers.utils import logging

from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.models import transformers_auditor
from auditdm_hub.models.repeats import share_repeats
from auditdm_hub.playground.build.architectures import TEMPLATE
from auditdm_hub.playground.build.vocabulary import tokenizer
from auditdm_hub.records import Exchange, Judged, Probe, Verdict
from benchmarks.one_gpu import photos, train

SIDE = 896


def build(folder: Path, patch: int) -> None:
    """Write the auditor to a folder."""
    named = {"image_token": "<image_soft_token>", "boi_token": "<start_of_image>", "eoi_token": "<end>"}
    tok: Any = tokenizer(named, ())
    processor: Any = hf.Gemma3Processor(
        image_processor=hf.AutoImageProcessor.from_pretrained(_processor(folder)),
        tokenizer=tok,
        image_seq_length=256,
        chat_template=TEMPLATE.replace("IMAGE", "<start_of_image>"),
    )
    ends = {"pad_token_id": tok.pad_token_id, "bos_token_id": tok.bos_token_id, "eos_token_id": tok.eos_token_id}
    text = hf.Gemma3TextConfig(
        vocab_size=1024, hidden_size=256, intermediate_size=1024, num_hidden_layers=4, num_attention_heads=8,
        num_key_value_heads=4, head_dim=32, sliding_window=1024, query_pre_attn_scalar=32, **ends,
    )  # fmt: skip
    config = hf.Gemma3Config(
        text_config=text,
        vision_config=hf.SiglipVisionConfig(
            hidden_size=384, intermediate_size=1536, num_hidden_layers=8, num_attention_heads=6, patch_size=patch,
            image_size=SIDE,
        ),
        mm_tokens_per_image=256,
        image_token_index=tok.image_token_id,
        boi_token_index=tok.boi_token_id,
        eoi_token_index=tok.eoi_token_id,
    )  # fmt: skip
    hf.Gemma3ForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)


def _processor(folder: Path) -> Path:
    """Write the settings of the image processor, so that transformers chooses its kind, and return where."""
    place = folder / "images"
    place.mkdir()
    size = {"height": SIDE, "width": SIDE}
    settings = {"image_processor_type": "Gemma3ImageProcessor", "size": size, "image_seq_length": 256}
    (place / "preprocessor_config.json").write_text(json.dumps(settings))
    return place


def agree(probes: Any) -> list[Judged]:  # noqa: ANN401 - a sequence of probes
    """Return answers at no cost."""

    def judged(probe: Probe) -> Judged:
        return Judged(Exchange(probe, "a", {"b": "b", "c": "c"}), Verdict("no_consensus", "", 0.0, ""))

    return [judged(probe) for probe in probes]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("steps", 3), ("prompts", 4), ("group", 8), ("length", 16), ("patch", 56), ("micro", 8)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), options.patch)
        pictures = photos(options.prompts * options.steps, 640)
        for name, way in (("each for itself", lambda *_: None), ("once for a group", share_repeats)) * 2:
            setattr(transformers_auditor, "share_repeats", way)  # noqa: B010 - it exports no such name
            took = train(Path(folder), agree, pictures, ImageMemory(), "cpu", options)
            print(f"{name}: " + ", ".join(f"{part} {took[part]:.2f} s" for part in ("step", "decode", "update")))


if __name__ == "__main__":
    main()
