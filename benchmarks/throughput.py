"""Probes per second: how fast a target and its references answer, beside two plain ways to ask them.

    python benchmarks/throughput.py [--probes 512] [--rounds 3] [--models DIR DIR ...] [--json]

All three ways ask the same models the same questions on the same images, with the same number of tokens per answer
(EOS is held back until then), no answer cache, models loaded before the clock starts:

- one at a time: the processor and `generate` for each probe; measured on a slice of the probes, being so slow;
- batched: the processor and `generate` for each batch, in order of arrival;
- ours: `TransformersVLM.answer`.

A round measures the three in turn, so that whatever else the machine does hits all of them; the ratios are medians over
the rounds. `--models` are folders, the target first; default: the playground's target and references, or untrained
models of their sizes where those are not there. Two workloads: every probe has its own image, and 8 share one, as the
completions of a GRPO group do.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers.utils import logging

import auditdm_hub
from auditdm_hub.models.loading import Loading, load_parts
from auditdm_hub.models.prompting import PREFIX_MODELS, QUESTION
from auditdm_hub.models.transformers_vlm import TransformersVLM

WEIGHTS = Path(auditdm_hub.__file__).parent / "playground" / "weights"
QUESTIONS = (
    "what color is the star?",
    "how many red circles are there?",
    "is there a small blue square?",
    "is the green triangle left of the yellow cross?",
    "what is the shape of the purple thing in the top left corner?",
    "are there more red circles than blue squares?",
)
PER_IMAGE = (1, 8)
SIDE = 64


@dataclass(frozen=True)
class Workload:
    """Images and questions, in order of arrival."""

    images: list[Image.Image]
    questions: list[str]


@dataclass(frozen=True)
class Row:
    """What was measured: probes per second over target and references together, and medians of ratios."""

    probes_per_image: int
    one_at_a_time: float
    batched: float
    ours: float
    ours_over_one_at_a_time: float
    ours_over_batched: float
    equal_answers: float


@dataclass(frozen=True)
class Loaded:
    """A model with what the plain ways need of it."""

    model: Any
    processor: Any
    model_id: str
    template: str

    def plain(self, images: Sequence[Image.Image], questions: Sequence[str], tokens: int) -> list[str]:
        """Answer one batch with nothing but transformers."""
        texts = [self.template.replace(QUESTION, question) for question in questions]
        if self.model.config.model_type in PREFIX_MODELS:
            texts, options = [f"<image>{text}" for text in texts], {}
        else:
            messages = [
                [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": text}]}] for text in texts
            ]
            texts = self.processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            options = {"add_special_tokens": False}
        inputs = self.processor(
            text=texts, images=[[image] for image in images], padding=True, return_tensors="pt", **options
        ).to(self.model.device)
        inputs.pop("labels", None)
        with torch.inference_mode():
            out = self.model.generate(**inputs, do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens)
        rest = out[:, inputs["input_ids"].shape[1] :]
        return [text.strip() for text in self.processor.tokenizer.batch_decode(rest, skip_special_tokens=True)]


def workload(probes: int, per_image: int, pictures: Sequence[Image.Image] = ()) -> Workload:
    """Take pictures, or draw random ones, and pick random questions."""
    draw, pick = np.random.default_rng(0), random.Random(0)
    pictures = pictures or [
        Image.fromarray(draw.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)) for _ in range(-(-probes // per_image))
    ]
    return Workload([pictures[k // per_image] for k in range(probes)], [pick.choice(QUESTIONS) for _ in range(probes)])


def timed(run: Callable[[], list[str]]) -> tuple[float, list[str]]:
    """Return seconds and answers."""
    start = time.perf_counter()
    answers = run()
    return time.perf_counter() - start, answers


def one_round(
    loaded: Sequence[Loaded], work: Workload, batch: int, tokens: int, slice_size: int
) -> tuple[float, float, float, float]:
    """Return seconds per probe of each way, and the share of our answers that equal the plainly batched ones."""
    seconds = [0.0, 0.0, 0.0]
    equal = 0
    probes = len(work.questions)

    def batched(model: Loaded, size: int, most: int) -> list[str]:
        starts = range(0, most, size)
        parts = [(work.images[s : s + size], work.questions[s : s + size]) for s in starts]
        return [answer for images, questions in parts for answer in model.plain(images, questions, tokens)]

    for item in loaded:
        # A new one each time: features that were kept from an earlier round would be a cache.
        ours = TransformersVLM(item.model, item.processor, item.model_id, batch_size=batch, max_new_tokens=tokens)
        item.model.generation_config.min_new_tokens = tokens
        spent, _ = timed(lambda item=item: batched(item, 1, slice_size))  # type: ignore[misc]
        seconds[0] += spent / slice_size
        spent, want = timed(lambda item=item: batched(item, batch, probes))  # type: ignore[misc]
        seconds[1] += spent / probes
        spent, got = timed(lambda ours=ours: ours.answer(work.images, work.questions))  # type: ignore[misc]
        seconds[2] += spent / probes
        equal += sum(x == y for x, y in zip(want, got, strict=True))
    return seconds[0], seconds[1], seconds[2], equal / (probes * len(loaded))


def measure(
    loaded: Sequence[Loaded], per_image: int, options: argparse.Namespace, pictures: Sequence[Image.Image] = ()
) -> Row:
    """Measure one workload."""
    work = workload(options.probes, per_image, pictures)
    slice_size = min(options.slice, options.probes)
    warm = Workload(work.images[:8], work.questions[:8])
    one_round(loaded, warm, options.batch, options.tokens, 2)
    rounds = [one_round(loaded, work, options.batch, options.tokens, slice_size) for _ in range(options.rounds)]
    one, batched, ours, equal = zip(*rounds, strict=True)
    return Row(
        per_image,
        1 / statistics.median(one),
        1 / statistics.median(batched),
        1 / statistics.median(ours),
        statistics.median(a / c for a, c in zip(one, ours, strict=True)),
        statistics.median(b / c for b, c in zip(batched, ours, strict=True)),
        min(equal),
    )


def build_untrained(folder: Path) -> list[Path]:
    """Write untrained models of the playground's architectures and about its sizes."""
    from auditdm_hub.playground.build.architectures import Size, build

    paths = []
    for seed, family in enumerate(("paligemma", "gemma3", "llava", "idefics3")):
        model, processor = build(family, Size(hidden=96, text_layers=4, vision_layers=2), seed)
        paths.append(folder / family)
        model.save_pretrained(paths[-1])
        processor.save_pretrained(paths[-1])
    return paths


def shipped() -> list[Path]:
    """Return the playground's target and three references, [] if they are not there."""
    folders = sorted(path.parent for path in WEIGHTS.glob("*/config.json"))
    target = [path for path in folders if path.name == "target"]
    references = islice((path for path in folders if path.name.startswith("reference")), 3)
    return [*target, *references] if target else []


def load(path: Path, device: str) -> Loaded:
    """Load one folder."""
    model, processor, model_id = load_parts(str(path), Loading(device))
    processor.tokenizer.padding_side = "left"
    template = getattr(model.config, "auditdm_prompt_template", None)
    default = f"answer en {QUESTION}" if model.config.model_type in PREFIX_MODELS else QUESTION
    return Loaded(model, processor, model_id, template or default)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Probes per second beside plain transformers.")
    parser.add_argument("--probes", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--tokens", type=int, default=4, help="of every answer")
    parser.add_argument("--slice", type=int, default=32, help="probes that are asked one at a time")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--models", type=Path, nargs="+", help="folders, the target first")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        folders = options.models or shipped()
        trained = bool(folders)
        loaded = [load(path, options.device) for path in folders or build_untrained(Path(folder))]
    rows = [measure(loaded, per_image, options) for per_image in PER_IMAGE]
    if options.json:
        settings = {"probes": options.probes, "batch": options.batch, "tokens": options.tokens, "trained": trained}
        threads = torch.get_num_threads()
        models = [item.model_id for item in loaded]
        print(json.dumps({**settings, "threads": threads, "models": models, "rows": [asdict(row) for row in rows]}))
        return
    kind = "" if trained else " (untrained)"
    print(f"{len(loaded)} models{kind}, {options.probes} probes, batches of {options.batch}, {options.tokens} tokens")
    print(f"{'probes per image':>17} {'one at a time':>14} {'batched':>9} {'ours':>9}   ratios       equal answers")
    for row in rows:
        ratios = f"{row.ours_over_one_at_a_time:.1f}x {row.ours_over_batched:.2f}x"
        rates = f"{row.one_at_a_time:12.1f}/s {row.batched:7.1f}/s {row.ours:7.1f}/s"
        print(f"{row.probes_per_image:17d} {rates}   {ratios:12} {row.equal_answers:.1%}")


if __name__ == "__main__":
    main()
