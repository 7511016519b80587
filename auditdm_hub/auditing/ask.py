"""Asking: every probe to the target and to every reference, in fixed chunks, each distinct question once.

A chunk whose model fails gets `None` for answers and a line in the log of faults: one server that hiccups must not end
an audit of hours, and no answer is never a wrong answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL.Image import Image

from auditdm_hub.clock import part as timed
from auditdm_hub.errors import FAULTS
from auditdm_hub.protocols import VisionLanguageModel
from auditdm_hub.records import Exchange, Probe

CHUNK = 256

Request = tuple[str, str]
"""Name of the image, question."""


@dataclass(frozen=True, slots=True)
class AskFault:
    """A chunk that a model did not answer."""

    model: str
    requests: int
    error: str


def ask(
    probes: Sequence[Probe],
    images: Callable[[str], Image],
    target: VisionLanguageModel,
    references: Sequence[VisionLanguageModel],
    *,
    chunk: int = CHUNK,
    progress: Callable[[int, int], None] | None = None,
    on_fault: Callable[[AskFault], None] | None = None,
) -> list[Exchange]:
    """Get all answers to all probes.

    One model after the other, so that a large one need not share the device. Memory is bounded by the images of a
    chunk.

    Args:
        probes: those with a fault are not asked, and come back without answers.
        images: name of the image -> image, e.g. `ImageStore.get`.
        target: the model under audit.
        references: the models that vote, and a holdout.
        chunk: how many distinct questions a model gets at a time.
        progress: called with answers got and answers wanted.
        on_fault: called with each chunk that failed.

    Returns:
        One exchange per probe, in order.

    Raises:
        ValueError: two models have the same id.
    """
    models = [target, *references]
    ids = [model.id for model in models]
    if len(set(ids)) < len(ids):
        twice = sorted({name for name in ids if ids.count(name) > 1})
        raise ValueError(
            f"got {', '.join(twice)} more than once, wanted a target and references that are all different"
        )
    requests = list(dict.fromkeys(_request(probe) for probe in probes if not probe.fault))
    total = len(requests) * len(models)
    answers: list[dict[Request, str | None]] = []
    for number, model in enumerate(models):
        got: dict[Request, str | None] = {}
        for start in range(0, len(requests), chunk):
            part = requests[start : start + chunk]
            loaded = {sha: images(sha) for sha in dict.fromkeys(sha for sha, _ in part)}
            with timed("reference" if number else "target"):
                got.update(zip(part, _ask_chunk(model, part, loaded, on_fault), strict=True))
            if progress is not None:
                progress(len(answers) * len(requests) + start + len(part), total)
        answers.append(got)
    return [
        Exchange(
            probe,
            answers[0].get(_request(probe)),
            {name: got.get(_request(probe)) for name, got in zip(ids[1:], answers[1:], strict=True)},
        )
        if not probe.fault
        else Exchange(probe, None, dict.fromkeys(ids[1:]))
        for probe in probes
    ]


def _request(probe: Probe) -> Request:
    return probe.image_sha, " ".join(probe.question.split())


def _ask_chunk(
    model: VisionLanguageModel,
    part: Sequence[Request],
    loaded: dict[str, Image],
    on_fault: Callable[[AskFault], None] | None,
) -> list[str | None]:
    try:
        answers = model.answer([loaded[sha] for sha, _ in part], [question for _, question in part])
        if len(answers) != len(part):
            raise ValueError(f"{model.id} gave {len(answers)} answers to {len(part)} questions")
    except FAULTS as error:
        if on_fault is not None:
            on_fault(AskFault(model.id, len(part), f"{type(error).__name__}: {error}"))
        return [None] * len(part)
    return list(answers)
