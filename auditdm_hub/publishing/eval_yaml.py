"""`eval.yaml`: with it the Hub can list a failure set as a benchmark, for which models state their scores.

The Hub's format: https://huggingface.co/docs/hub/eval-results. One task: the failures of the test split, scored by the
share of answers that agree with the consensus. It is no ground truth, so a score says how far a model goes with the
references where the audited target did not.
"""

import yaml

from auditdm_hub.publishing.facts import FailureSet
from auditdm_hub.text import visible

TASK = "failures"


def eval_yaml(release: FailureSet) -> bytes:
    """Return eval.yaml."""
    targets = ", ".join(sorted({visible(audit["target"]) for audit in release.audits}))
    content = {
        "name": visible(release.name),
        "description": (
            f"Questions about images on which {targets} contradicted the consensus of its references. The score is the "
            "share of answers that agree with that consensus (VQA normalisation); it is no ground truth."
        ),
        "evaluation_framework": "auditdm-hub",
        "tasks": [
            {
                "id": TASK,
                "config": "failures",
                "split": "test",
                "field_spec": {"input": "question", "input_image": "image", "target": "consensus_answer"},
            }
        ],
    }
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100).encode()
