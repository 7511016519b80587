"""From what an auditor wrote to probes that can be asked: one path for training and for generation.

1. `plan` names the trials: (seed, action, attempt). `write` lets the auditor write a text for each.
2. `build_probes` parses the texts. A question gives (Q*, I); a caption is drawn and an edit is made, which gives
   (Q, I*) with the question that stood beside the image. What cannot be used becomes a probe with a `fault`, so that
   no trial is lost from a denominator.
3. `second_pass` shows the changed images to the auditor again and asks for a question: (Q*, I*).

Random numbers come from the content of a trial and never from its place in a batch: the same trial has the same text
and the same image wherever it runs. Sections 3.1 and 3.2 of arXiv 2512.16921; the second pass is the paper's, its
order (image first, then the question) is ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from PIL.Image import Image

from auditdm_hub.auditing.faithful import NOT_SHOWN, UNCHECKED, Gate
from auditdm_hub.auditing.parse import Parsed, parse
from auditdm_hub.auditing.themes import PASSED
from auditdm_hub.protocols import Auditor, ImageEditor, ImageGenerator
from auditdm_hub.records import Action, ImageSource, NotMade, Probe, Seed, content_id

NOT_UNDERSTOOD: dict[ImageSource, str] = {"generated": "caption not understood", "edited": "edit not understood"}
NOTHING_CHANGED, NOT_MADE, REFUSED = "changed nothing", "not made", "refused"
TRIES = 3
PICTURE = "image"
"""The purpose of the random numbers of image makers."""


class Images(Protocol):
    """Where images lie: an `ImageStore`, or one in memory."""

    def put(self, image: Image) -> str:
        """Keep the image and return its name."""
        ...

    def get(self, sha: str) -> Image:
        """Return the image of that name."""
        ...


@dataclass(frozen=True, slots=True)
class ImageTools:
    """What makes and keeps images. A run without captions or edits needs no generator or editor."""

    images: Images
    run_seed: int = 0
    generator: ImageGenerator | None = None
    editor: ImageEditor | None = None
    gate: Gate | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """One trial: what to ask the auditor for, and what it wrote (unparsed; "" before it has)."""

    seed: Seed
    action: Action
    attempt: int
    text: str = ""
    theme: str = ""
    wish: str = ""

    def random_seed(self, run_seed: int, purpose: str) -> int:
        """Return a seed in [0, 2**31) that depends on the trial alone; `purpose` keeps two uses apart."""
        return _seed_of(run_seed, purpose, self.seed.id, self.action, self.attempt)


def plan(seeds: Sequence[Seed], actions: Sequence[Action], trials: int) -> list[Draft]:
    """Share out trials: every (seed, action) once before any twice, and at the start every seed before any twice.

    A seed without a question is left out for captions and edits, which would have nothing to be asked with.
    """
    offset = {seed.id: index for index, seed in enumerate(seeds)}
    pairs = [
        (seed, actions[(offset[seed.id] + turn) % len(actions)])  # every action from the start, too
        for turn in range(len(actions))
        for seed in seeds
    ]
    usable = [(seed, action) for seed, action in pairs if action == "question" or seed.question]
    if not usable:
        return []
    return [Draft(*usable[trial % len(usable)], trial // len(usable)) for trial in range(trials)]


def write(auditor: Auditor, drafts: Sequence[Draft], tools: ImageTools, purpose: str = "write") -> list[Draft]:
    """Return the drafts with the texts that the auditor writes for them; another purpose gives other texts."""
    texts = auditor.write(
        [tools.images.get(draft.seed.image_sha) for draft in drafts],
        [draft.action for draft in drafts],
        [draft.seed.question for draft in drafts],
        [draft.wish or None for draft in drafts],
        [draft.random_seed(tools.run_seed, purpose) for draft in drafts],
    )
    return [replace(draft, text=text) for draft, text in zip(drafts, texts, strict=True)]


def write_again(auditor: Auditor, drafts: Sequence[Draft], tools: ImageTools) -> list[Draft]:
    """Return the drafts, with another text where the first cannot be read: what an auditor can see for itself.

    It has `TRIES` tries in all. A text that is still faulty stays, and is a trial.
    """
    kept = list(drafts)
    for number in range(1, TRIES):
        faulty = [place for place, draft in enumerate(kept) if _faulty(draft)]
        if not faulty:
            break
        written = write(auditor, [kept[place] for place in faulty], tools, f"write {number}")
        for place, draft in zip(faulty, written, strict=True):
            kept[place] = draft
    return kept


def _faulty(draft: Draft) -> bool:
    askable = draft.action == "question" or draft.seed.question
    return bool(askable) and parse(draft.text, draft.action, draft.seed.question).fault not in ("", PASSED)


def build_probes(drafts: Sequence[Draft], auditor: str, tools: ImageTools) -> list[Probe]:
    """Return one probe per draft, in the same order; the id of the `auditor` becomes part of each.

    Raises:
        ValueError: there is a caption but no generator, or an edit but no editor.
    """
    parsed = [parse(draft.text, draft.action, draft.seed.question) for draft in drafts]
    made: dict[int, Image | NotMade | None] = {}
    for action in ("caption", "edit"):
        chosen = [i for i, draft in enumerate(drafts) if draft.action == action and not parsed[i].fault]
        if chosen:
            instructions = [parsed[i].instruction for i in chosen]
            images = _make(action, [drafts[i] for i in chosen], instructions, tools)
            made.update(zip(chosen, images, strict=True))
    probes = [
        _probe(draft, parsed[i], auditor)
        if i not in made
        else _changed(_probe(draft, parsed[i], auditor), made[i], tools.images)
        for i, draft in enumerate(drafts)
    ]
    return _gated(probes, tools)


def _gated(probes: list[Probe], tools: ImageTools) -> list[Probe]:
    """Return the probes, with a fault for each new picture that does not pass the gate."""
    fresh = [i for i, probe in enumerate(probes) if probe.image_source != "original" and not probe.fault]
    if tools.gate is None or not fresh:
        return probes
    pictures, before = ([tools.images.get(getattr(probes[i], name)) for i in fresh]
                        for name in ("image_sha", "source_image_sha"))  # fmt: skip
    checked = tools.gate.check([probes[i] for i in fresh], pictures, before)
    for i, probe in zip(fresh, checked, strict=True):
        probes[i] = probe
    return probes


def second_pass(probes: Sequence[Probe], auditor: Auditor, tools: ImageTools) -> list[Probe]:
    """Return (Q*, I*): for each probe on a changed image that can be asked, the auditor's own question on that image.

    Of a second-pass probe, `text` is the question's line and `action` is "question"; `image_source`, `image_sha`,
    `instruction` and `attempt` are those of the first pass.
    """
    kept = [probe for probe in probes if probe.pairing == "(Q, I*)" and not probe.fault]
    texts = auditor.write(
        [tools.images.get(probe.image_sha) for probe in kept],
        ["question"] * len(kept),
        [probe.question for probe in kept],
        [probe.wish or None for probe in kept],
        [_second_seed(probe, tools.run_seed) for probe in kept],
    )
    found = []
    for probe, text in zip(kept, texts, strict=True):
        read = parse(text, "question", "")
        found.append(
            replace(
                probe,
                action="question",
                auditor=auditor.id,
                text=text,
                question=read.question,
                question_source="auditor",
                fault=read.fault,
            )
        )
    return found


def _second_seed(probe: Probe, run_seed: int) -> int:
    return _seed_of(run_seed, "second", probe.seed_id, probe.action, probe.attempt)


def picture_seed(probe: Probe, run_seed: int) -> int:
    """Return the seed with which the picture of a first-pass probe was drawn or edited."""
    return _seed_of(run_seed, PICTURE, probe.seed_id, probe.action, probe.attempt)


def _seed_of(run_seed: int, purpose: str, seed_id: str, action: Action, attempt: int) -> int:
    return int(content_id(run_seed, purpose, seed_id, action, attempt), 16) % 2**31


def _make(
    action: str, drafts: list[Draft], instructions: list[str], tools: ImageTools
) -> Sequence[Image | NotMade | None]:
    seeds = [draft.random_seed(tools.run_seed, PICTURE) for draft in drafts]
    if action == "caption":
        if tools.generator is None:
            raise ValueError("captions need an image generator, got none: leave `caption` out of the actions")
        return tools.generator.generate(instructions, seeds)
    if tools.editor is None:
        raise ValueError("edits need an image editor, got none: leave `edit` out of the actions")
    return tools.editor.edit([tools.images.get(draft.seed.image_sha) for draft in drafts], instructions, seeds)


def _probe(draft: Draft, parsed: Parsed, auditor: str) -> Probe:
    """Return the probe on the original image; `_changed` puts another in its place."""
    sources: dict[Action, ImageSource] = {"question": "original", "caption": "generated", "edit": "edited"}
    return Probe(
        seed_id=draft.seed.id,
        auditor=auditor,
        action=draft.action,
        attempt=draft.attempt,
        text=draft.text,
        question=parsed.question,
        question_source="auditor" if draft.action == "question" else "seed",
        image_sha=draft.seed.image_sha,
        image_source=sources[draft.action],
        instruction=parsed.instruction,
        source_image_sha=draft.seed.image_sha,
        fault=parsed.fault,
        theme=draft.theme,
        wish=draft.wish,
    )


def _changed(probe: Probe, image: Image | NotMade | None, images: Images) -> Probe:
    if isinstance(image, NotMade):
        what = REFUSED if image.refused else NOT_MADE
        return replace(probe, fault=f"{probe.action} {what}, {image.reason}: {probe.instruction}")
    if image is None:
        return replace(probe, fault=f"{NOT_UNDERSTOOD[probe.image_source]}: {probe.instruction}")
    sha = images.put(image)
    if sha == probe.source_image_sha:
        return replace(probe, fault=f"{probe.action} {NOTHING_CHANGED}: {probe.instruction}")
    return replace(probe, image_sha=sha)


def undrawn(probe: Probe) -> bool:
    """Whether a caption or an edit was well-formed and gave no new picture."""
    kind = probe.fault.partition(":")[0]
    useless = (f"{probe.action} {NOTHING_CHANGED}", f"{probe.action} {NOT_SHOWN}")
    refused = kind.startswith(f"{probe.action} {REFUSED}")
    return kind in (*NOT_UNDERSTOOD.values(), *useless) or refused or not_made(probe)


def blameless(probe: Probe) -> bool:
    """Whether a probe cannot be asked although nothing is wrong with its text: an image maker or the gate failed."""
    return not_made(probe) or probe.fault == UNCHECKED


def not_made(probe: Probe) -> bool:
    """Whether an image maker failed on a probe."""
    return probe.fault.startswith(f"{probe.action} {NOT_MADE}")
