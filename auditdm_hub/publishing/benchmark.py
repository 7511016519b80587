"""The failures of the test split as a benchmark that other programs run: `eval.yaml`, and the table that it names.

The Hub lists a data set with an `eval.yaml` as a benchmark, for which models state their scores; it knows a list of
frameworks (https://github.com/huggingface/huggingface.js, packages/tasks/src/eval.ts), of which Inspect AI reads data
sets of any kind: `inspect eval hf/ORG/NAME@v1.0.0 --model ...`. It takes an image as a data URI, so the images of the
test split are in the release a second time, in `eval/test.parquet`, the config `eval`. (Tried with inspect-ai 0.3.285.)

The score is the share of answers that agree with the consensus. That is no ground truth, so it says how far a model
goes with the references where the audited target did not.
"""

import base64
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from auditdm_hub.publishing.facts import FailureSet
from auditdm_hub.text import visible

CONFIG, SPLIT, TABLE = "eval", "test", "eval/test.parquet"
TASK = "failures"
COLUMNS = {"id": "id", "input": "question", "input_image": "image", "target": "consensus_answer"}
"""Column of the table -> column of the config `failures`."""
PROMPT = "{prompt}\n\nAnswer with one word or a short phrase."
BATCH = 128  # rows in memory


def write_benchmark(folder: Path) -> None:
    """Write `eval/test.parquet` beside the tables of a release, unless the test split has no failures.

    Args:
        folder: holds data/failures/.
    """
    shards = sorted((folder / "data" / "failures").glob(f"{SPLIT}-*.parquet"))
    if not sum(pq.read_metadata(shard).num_rows for shard in shards):
        return
    schema = pa.schema([(name, pa.string()) for name in COLUMNS])
    (folder / TABLE).parent.mkdir()
    with pq.ParquetWriter(folder / TABLE, schema, compression="zstd", use_dictionary=False) as writer:
        for shard in shards:
            with pq.ParquetFile(shard) as file:
                for batch in file.iter_batches(BATCH, columns=list(COLUMNS.values())):
                    columns = [batch[source].to_pylist() for source in COLUMNS.values()]
                    columns[2] = [_data_uri(image["bytes"]) for image in columns[2]]
                    writer.write_table(pa.table(columns, schema=schema))


def eval_yaml(release: FailureSet) -> dict[str, bytes]:
    """Return eval.yaml by its path; nothing where there is no table."""
    if TABLE not in release.files:
        return {}
    targets = ", ".join(sorted({visible(audit["target"]) for audit in release.audits}))
    content = {
        "name": visible(release.name),
        "description": (
            f"Questions about images on which {targets} contradicted the consensus of its references. The score is the "
            "share of answers that agree with that consensus; it is no ground truth."
        ),
        "evaluation_framework": "inspect-ai",
        "tasks": [
            {
                "id": TASK,
                "config": CONFIG,
                "split": SPLIT,
                "field_spec": {name: name for name in COLUMNS},
                "solvers": [{"name": "prompt_template", "args": {"template": PROMPT}}, {"name": "generate"}],
                "scorers": [{"name": "exact"}],
            }
        ],
    }
    return {"eval.yaml": yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=100).encode()}


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
