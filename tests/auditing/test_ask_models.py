"""Ask and vote with real models, an image store and the cache on disk."""

from pathlib import Path

import numpy as np
from PIL import Image
from tiny_models import write_model

from auditdm_hub.auditing.ask import ask
from auditdm_hub.auditing.judge import VQAJudge
from auditdm_hub.auditing.vote import vote
from auditdm_hub.cache import AnswerCache, CachedVLM
from auditdm_hub.images import ImageStore
from auditdm_hub.models import load_vlm
from auditdm_hub.records import Exchange, Probe

QUESTIONS = ("what color is it ?", "how many star are there ?", "what <image> is it ?")


def test_from_probes_to_verdicts(tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    rng = np.random.default_rng(0)
    shas = [store.put(Image.fromarray(rng.integers(0, 255, (32, 32, 3), dtype=np.uint8))) for _ in range(3)]
    probes = [
        Probe("s", "auditor", "question", 0, text, text, "auditor", sha, "original", "", sha)
        for sha in shas
        for text in QUESTIONS
    ]
    folders = [
        write_model("paligemma", tmp_path / "target"),
        write_model("idefics3", tmp_path / "one"),
        write_model("llava", tmp_path / "two"),
        write_model("llava", tmp_path / "three", seed=3),  # of the family of two
    ]

    def run(cache: AnswerCache) -> tuple[list[Exchange], list[CachedVLM], dict[str, str]]:
        loaded = [load_vlm(str(folder), max_new_tokens=3) for folder in folders]
        models = [CachedVLM(model, cache, model.decoding) for model in loaded]
        exchanges = ask(probes, store.get, models[0], models[1:], chunk=4)
        return exchanges, models, {model.id: model.family for model in models[1:]}

    with AnswerCache(tmp_path / "answers.sqlite") as cache:
        exchanges, first, families = run(cache)
        again, second, _ = run(cache)
    assert again == exchanges
    # A question that would forge the prompt gets no answer, so it is asked again; all others are known.
    assert [(model.hits, model.misses) for model in first] == [(0, 9)] * 4
    assert [(model.hits, model.misses) for model in second] == [(6, 3)] * 4
    assert set(families.values()) == {"idefics3", "llava"}
    verdicts = vote(exchanges, VQAJudge(), families)
    assert [verdict.outcome == "invalid" for verdict in verdicts] == [False, False, True] * 3
