"""What it saves to compute an image's part of the prompts once for all questions on it.

    python -m benchmarks.shared_prefix [--device auto] [--rounds 3] [--full] [--json]

`TransformersVLM` answers the same questions with and without, in turn; the image features are there already, so that
what differs is the language model alone. Answers have a fixed number of tokens. Weights are random: of a LLaVA with 256
tokens an image, 8 layers of width 512, or with `--full` of the Gemma 3 of 4 and the LLaVA of 7 billion parameters of
`benchmarks.full_size`.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import numpy as np
import torch
import transformers as hf
from PIL import Image
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from auditdm_hub.models import transformers_vlm
from auditdm_hub.models.loading import pick_device
from auditdm_hub.models.transformers_vlm import TransformersVLM
from auditdm_hub.playground.build.architectures import TEMPLATE
from auditdm_hub.playground.build.vocabulary import tokenizer
from benchmarks.full_size import Built, build
from benchmarks.throughput import QUESTIONS

SIDE, PATCH, WIDTH, LAYERS = 224, 14, 512, 8
QUESTIONS_IN_ALL, TOKENS = 32, 8
PER_IMAGE = (2, 4, 8)


def small() -> Built:
    """Return a LLaVA of 35 million parameters; an image is 224 pixels wide and 256 tokens."""
    tok = tokenizer({"image_token": "<image>"})
    ends = {"pad_token_id": tok.pad_token_id, "bos_token_id": tok.bos_token_id, "eos_token_id": tok.eos_token_id}
    square = {"height": SIDE, "width": SIDE}
    processor = hf.LlavaProcessor(
        image_processor=CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=square), tokenizer=tok,
        patch_size=PATCH, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        image_token="<image>", chat_template=TEMPLATE.replace("IMAGE", "<image>"),
    )  # fmt: skip
    text = hf.LlamaConfig(
        vocab_size=len(tok), hidden_size=WIDTH, intermediate_size=2 * WIDTH, num_hidden_layers=LAYERS,
        num_attention_heads=8, max_position_embeddings=2048, **ends,
    )  # fmt: skip
    vision = hf.CLIPVisionConfig(
        hidden_size=128, intermediate_size=256, num_hidden_layers=1, num_attention_heads=2, image_size=SIDE,
        patch_size=PATCH, projection_dim=WIDTH,
    )  # fmt: skip
    config = hf.LlavaConfig(
        text_config=text, vision_config=vision, image_token_index=tok.image_token_id,
        vision_feature_select_strategy="default", vision_feature_layer=-1,
    )  # fmt: skip
    model: Any = hf.LlavaForConditionalGeneration(config)
    model.generation_config = hf.GenerationConfig(**ends)
    return model.eval(), processor


def measure(name: str, built: Built, rounds: int) -> Iterator[dict[str, object]]:
    """Yield a row for each number of questions on an image."""
    model, processor = built
    for each in PER_IMAGE:
        rng = np.random.default_rng(0)
        pictures = [Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))
                    for _ in range(QUESTIONS_IN_ALL // each)]  # fmt: skip
        images = [picture for picture in pictures for _ in range(each)]
        questions = [f"{QUESTIONS[k % len(QUESTIONS)]}{'?' * (k // len(QUESTIONS))}" for _ in pictures
                     for k in range(each)]  # fmt: skip
        asked = TransformersVLM(model, processor, name, batch_size=QUESTIONS_IN_ALL, max_new_tokens=TOKENS)
        model.generation_config.min_new_tokens = TOKENS
        asked.answer(images, questions)
        ratios, equal = list[float](), 0
        for _ in range(rounds):
            with mock.patch.object(transformers_vlm, "LEAST_SHARED", sys.maxsize):
                apart, wanted = _timed(asked, images, questions)
            together, got = _timed(asked, images, questions)
            ratios.append(apart / together)
            equal = sum(one == other for one, other in zip(wanted, got, strict=True))
        yield {"model": name, "questions on an image": each, "apart/s": round(len(images) / apart, 1),
               "together/s": round(len(images) / together, 1), "ratio": round(statistics.median(ratios), 2),
               "equal answers": f"{equal} of {len(images)}"}  # fmt: skip


def _timed(asked: TransformersVLM, images: list[Image.Image], questions: list[str]) -> tuple[float, list[str | None]]:
    _wait()
    begun = time.perf_counter()
    answers = asked.answer(images, questions)
    _wait()
    return time.perf_counter() - begun, answers


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--full", action="store_true", help="models of billions of parameters; a GPU")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    device = str(pick_device(options.device))
    torch.manual_seed(0)
    rows = list[dict[str, object]]()
    if options.full:
        for name in ("gemma3-4b", "llava-7b"):
            rows.extend(measure(name, build(name, device), options.rounds))
    else:
        model, processor = small()
        rows.extend(measure("llava", (model.to(device), processor), options.rounds))
    for row in rows:
        sys.stdout.write(f"{json.dumps(row) if options.json else '  '.join(f'{k}: {v}' for k, v in row.items())}\n")


if __name__ == "__main__":
    main()
