"""Small judged exchanges for the tests of curation."""

from auditdm_hub.records import Exchange, Judged, Outcome, Probe, Verdict


def judged(
    question: str,
    consensus: str,
    target: str | None,
    image: str = "image",
    source: str = "",
    instruction: str = "",
    outcome: Outcome | None = None,
    seed: str = "seed",
) -> Judged:
    """Return a trial; it failed if the target's answer is not the consensus, unless `outcome` says otherwise."""
    probe = Probe(
        seed_id=seed, auditor="test", action="question", attempt=0, text=question, question=question,
        question_source="auditor", image_sha=image, image_source="edited" if instruction else "original",
        instruction=instruction, source_image_sha=source or image,
    )  # fmt: skip
    decided = outcome or ("agreement" if target == consensus else "failure")
    return Judged(Exchange(probe, target, {"a": consensus, "b": consensus}), Verdict(decided, consensus, 1.0))
