"""What an audit costs on one accelerator, with models of real sizes and random weights.

    python -m benchmarks.one_gpu [--steps 3] [--prompts 8] [--tiny] [--json FILE]

A Gemma 3 of 4 billion parameters is the auditor, a PaliGemma 2 of 3 the target, a LLaVA of 7 and an Idefics3 of 2 are
the references, all resident in bf16. No answer is cached, every answer and every text has a fixed number of tokens.

1. Answers: questions per second of target and references, asked one at a time, plainly batched and by
   `TransformersVLM` (`benchmarks.throughput`).
2. Training: seconds per step of GRPO by `train_auditor`, with the reward of an audit, and with rewards that ask the
   same questions of the same models one at a time and plainly batched. What random weights write cannot be asked, so
   a fixed question stands for each text; writing it, and the update, cost what they would.

MFU: multiplications and additions of the decoders and towers (2 for each weight and token of a forward pass, as many
again for the gradients of the activations; the frozen weights have none) over what the card can do in bf16.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers.utils import logging

from auditdm_hub.auditing.ask import ask
from auditdm_hub.auditing.curriculum import Curriculum, Schedule
from auditdm_hub.auditing.judge import load_judge
from auditdm_hub.auditing.memory import ImageMemory
from auditdm_hub.auditing.probe import ImageTools
from auditdm_hub.auditing.prompts import DEFAULT_PROMPTS
from auditdm_hub.auditing.reward import AuditReward
from auditdm_hub.auditing.train import TrainingData, TrainingSettings, train_auditor
from auditdm_hub.auditing.vote import vote
from auditdm_hub.models.prompting import PREFIX_MODELS, QUESTION
from auditdm_hub.models.transformers_vlm import TransformersVLM
from auditdm_hub.playground.build import architectures
from auditdm_hub.records import Exchange, Judged, Probe, Seed, Verdict
from benchmarks.full_size import build
from benchmarks.throughput import Loaded, measure

AUDITOR, ASKED = "gemma3-4b", ("paligemma2-3b", "llava-7b", "smolvlm-2b")
TINY = {"gemma3-4b": "gemma3", "paligemma2-3b": "paligemma", "llava-7b": "llava", "smolvlm-2b": "idefics3"}
TOKENS = 8
PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bf16 operations per second, from the makers' data sheets."""
COLORS = ("red", "green", "blue", "yellow", "purple", "orange", "pink", "gray")
SHAPES = ("circle", "square", "triangle", "star", "cross", "heart", "moon", "ring")


Answer = Callable[[Sequence[Probe]], Sequence[Judged]]


class Fixed(AuditReward):
    """The reward of an audit, for a fixed question in the place of each text."""

    def __call__(
        self, prompts: list[object], completions: list[object], completion_ids: list[list[int]], **columns: object
    ) -> list[float | None]:
        """Score `question_of` each row."""
        texts: list[object] = [f"<question>{question_of(k)}" for k in range(len(completions))]
        return super().__call__(prompts, texts, completion_ids, **columns)


def question_of(number: int) -> str:
    """Return one of 64 questions."""
    return f"what is left of the {COLORS[number // 8 % 8]} {SHAPES[number % 8]} in the picture?"


class Ways:
    """Three ways to get the answers to a step's questions."""

    def __init__(self, loaded: Sequence[Loaded], images: ImageMemory, batch: int) -> None:
        """Take the target and the references, in that order."""
        self._loaded, self._images, self._batch = loaded, images, batch
        self._judge = load_judge("vqa")
        self._models = []
        for each in loaded:
            model = TransformersVLM(each.model, each.processor, each.model_id, batch_size=batch, max_new_tokens=TOKENS)
            model._generation.min_new_tokens = TOKENS  # every answer has as many tokens
            self._models.append(model)

    def audit(self, probes: Sequence[Probe]) -> list[Judged]:
        """Ask as an audit does, and vote."""
        exchanges = ask(probes, self._images.get, self._models[0], self._models[1:])
        families = {model.id: model.family for model in self._models[1:]}
        verdicts = vote(exchanges, self._judge, families)
        return [Judged(*pair) for pair in zip(exchanges, verdicts, strict=True)]

    def plain(self, size: int) -> Answer:
        """Return what asks with the processor and `generate`, so many at a time."""

        def answer(probes: Sequence[Probe]) -> list[Judged]:
            for model in self._loaded:
                for start in range(0, len(probes), size):
                    part = probes[start : start + size]
                    images = [self._images.get(probe.image_sha) for probe in part]
                    model.plain(images, [probe.question for probe in part], TOKENS)
            # Random models agree on nothing, and the vote costs nothing beside the answers.
            nothing = Verdict("no_consensus", "", 0.0, "")
            return [Judged(Exchange(probe, "a", {"b": "b", "c": "c"}), nothing) for probe in probes]

        return answer


def photos(count: int, side: int) -> list[Image.Image]:
    """Return random pictures with some structure, none twice."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
    return [Image.fromarray(each).resize((side, side), Image.Resampling.BICUBIC) for each in small]


def load(name: str, device: str, tiny: bool) -> Loaded:
    """Return a model of random weights."""
    model: Any
    if tiny:
        size = architectures.Size(hidden=96, text_layers=4, vision_layers=2)
        model, processor = architectures.build(TINY[name], size, 0)
        model = model.to(device).eval()
    else:
        model, processor = build(name, device)
    processor.tokenizer.padding_side = "left"
    template = f"answer en {QUESTION}" if model.config.model_type in PREFIX_MODELS else QUESTION
    return Loaded(model, processor, name, template)


def train(
    base: Path,
    answer: Answer,
    pictures: Sequence[Image.Image],
    images: ImageMemory,
    device: str,
    options: Any,  # noqa: ANN401
) -> dict[str, float]:
    """Train some steps and return the medians of their seconds, all but the first."""
    seeds = [
        Seed(str(k), images.put(image), "", "", "", "random", "none", "discovery") for k, image in enumerate(pictures)
    ]
    curriculum = Curriculum(seeds, ["question"], Schedule(options.steps, options.prompts, 0))
    settings = TrainingSettings(
        steps=options.steps, prompts_per_step=options.prompts, num_generations=options.group,
        max_completion_length=options.length, save_steps=10**6, device=device, micro_batch=options.micro,
    )  # fmt: skip
    reward = Fixed(seeds, answer, ImageTools(images), curriculum=curriculum)
    with tempfile.TemporaryDirectory() as folder:
        data = TrainingData(curriculum, images.get, DEFAULT_PROMPTS)
        stamps = [time.perf_counter()]
        train_auditor(
            str(base), data, reward, settings, Path(folder), progress=lambda *_: stamps.append(time.perf_counter())
        )
        log = [json.loads(line) for line in (Path(folder) / "log.jsonl").read_text().splitlines()]
    later = log[1:] or log
    steps = [end - begin for begin, end in zip(stamps[1:], stamps[2:], strict=False)] or [stamps[1] - stamps[0]]
    return {
        "step": statistics.median(steps),
        "reward": statistics.median(row["reward_time"] for row in later),
        **{name: statistics.median(row[f"seconds.{name}"] for row in later) for name in ("decode", "update")},
        "GiB": max(row["memory.gib"] for row in log),
        "tokens": statistics.median(row["completions/mean_length"] for row in later),
    }


def operations(auditor: Any, asked: Sequence[Loaded], prompt: int, options: Any) -> float:  # noqa: ANN401
    """Return the operations of one step; `prompt` = tokens of the auditor's prompt with its image."""
    texts = options.prompts * options.group
    seen, read = (sum(w.numel() for n, w in auditor.named_parameters() if ("vision" in n) == flag) for flag in (1, 0))
    tower = auditor.config.vision_config
    patches = (tower.image_size // tower.patch_size) ** 2
    # Written once, seen once more for the update: forward, and the gradients of the activations.
    total = 2.0 * texts * (read * (prompt + options.length) * 3 + seen * patches * 2)
    for each in asked:
        own = [(name, weight.numel()) for name, weight in each.model.named_parameters()]
        vision = each.model.config.vision_config
        places = (vision.image_size // vision.patch_size) ** 2
        eyes = sum(count for name, count in own if "vision" in name)
        rest = sum(count for name, count in own if "vision" not in name)
        total += 2.0 * (rest * texts * (TOKENS + 16 + image_tokens(each)) + eyes * places * options.prompts)
    return float(total)


def image_tokens(each: Loaded) -> int:
    """Return how many tokens an image takes in a prompt."""
    known = {"paligemma2-3b": 256, "llava-7b": 576, "smolvlm-2b": 81}
    return known.get(each.model_id, 0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=8, help="per step")
    parser.add_argument("--group", type=int, default=8, help="texts for each prompt")
    parser.add_argument("--length", type=int, default=64, help="tokens of every text")
    parser.add_argument("--micro", type=int, default=8, help="texts per forward and backward pass")
    parser.add_argument("--batch", type=int, default=64, help="questions that are answered together")
    parser.add_argument("--probes", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--slice", type=int, default=12, help="questions that are asked one at a time")
    parser.add_argument("--side", type=int, default=448, help="pixels of the pictures")
    parser.add_argument("--tiny", action="store_true", help="small models, to try this on a CPU")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    options.tokens = TOKENS
    logging.disable_progress_bar()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    card = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    figures: dict[str, Any] = {"card": card, "torch": torch.__version__, "settings": {
        name: value for name, value in vars(options).items() if name != "json"}}  # fmt: skip

    def keep(name: str, value: Any) -> None:  # noqa: ANN401
        figures[name] = value
        print(f"{name}: {value}", flush=True)
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1) + "\n")

    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        auditor = load(AUDITOR, device, options.tiny)
        auditor.model.save_pretrained(folder)
        auditor.processor.save_pretrained(folder)
        asked = [load(name, device, options.tiny) for name in ASKED]
        prompt = 256 + 64
        count = operations(auditor.model, asked, prompt, options)
        parameters = {each.model_id: sum(w.numel() for w in each.model.parameters()) for each in (auditor, *asked)}
        keep("parameters", parameters)
        del auditor
        keep("seconds to build", time.perf_counter() - begun)
        side = 64 if options.tiny else options.side
        for per_image in (1, 8):
            row = measure(asked, per_image, options, photos(-(-options.probes // per_image), side))
            keep(f"answers, {per_image} per image", row.__dict__)
        pictures = photos(options.prompts * options.steps, side)
        images = ImageMemory()
        ways = Ways(asked, images, options.batch)
        step: dict[str, dict[str, float]] = {}
        for name, answer in (
            ("audit", ways.audit), ("batched", ways.plain(options.batch)), ("one at a time", ways.plain(1)),
        ):  # fmt: skip
            step[name] = train(Path(folder), answer, pictures, images, device, options)
            if device == "cuda":
                torch.cuda.empty_cache()
            keep(f"training, {name}", step[name])
    peak = next((value for name, value in PEAK.items() if name in card), None)
    if peak:
        keep("MFU", count / step["audit"]["step"] / peak)
    asked_per_step = options.prompts * options.group * len(ASKED)
    keep("answers per second", {name: asked_per_step / each["reward"] for name, each in step.items()})


if __name__ == "__main__":
    main()
