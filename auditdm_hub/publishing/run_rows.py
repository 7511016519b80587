"""The rows that one run adds to a failure set, without the bytes of their images.

An exchange is named by image, question and target, so what two auditors asked alike is one row. What was never asked
(a text that could not be parsed, an edit that could not be drawn) is in no table; it is counted with its reason.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import pyarrow.parquet as pq

from auditdm_hub.auditing.exchanges import from_row
from auditdm_hub.errors import ReleaseError
from auditdm_hub.publishing.facts import TypeFacts
from auditdm_hub.records import Judged, Seed, content_id
from auditdm_hub.releases.schema import UNASSIGNED, Config, row_id
from auditdm_hub.report import checked_results
from auditdm_hub.report.schema import Results
from auditdm_hub.runs import Run, is_audit
from auditdm_hub.tables import read_rows

Row = dict[str, Any]
LicenseOf = Callable[[str], str]
"""Returns the licence of a model by its id (name@revision); "" if nobody knows it."""
NEEDED = ("pool", "probe", "curate", "report")
REPEATED = "asked before: same image, question and target"


class RunRows:
    """What a run offers to a release. Its stages are verified when it is opened.

    Attributes:
        id: names the run, wherever its folder lies.
        results: `results.json` without what belongs to the machine that it ran on.
        types: its failure types, the most frequent first.
        dropped: why -> trials that are no rows; complete once `exchanges` and `failures` have been read.
    """

    def __init__(self, run: Run, license_of: LicenseOf) -> None:
        if not is_audit(run):
            raise ReleaseError(f"{run.path} is no audit, so it has no failures to publish: wanted the folder of one")
        for stage in NEEDED:
            if stage not in run.stages:
                raise ReleaseError(f"{run.path} has no stage {stage!r} yet: finish the audit with --resume")
            run.verify(stage)
        self._run, self._license_of = run, license_of
        self.id = content_id(run.manifest["created"], run.config, length=12)
        self.results = portable(checked_results(run.results(), run.path / "results.json"))
        tested = {kind["name"]: kind for kind in self.results["failure_types"]}
        self.types = [
            _type({**kind, **{name: tested[kind["name"]][name] for name in ("status", "q_value")}})
            for kind in json.loads((run.path / "types.json").read_text())["types"]
        ]
        self._seeds = {str(row["id"]): Seed(**row) for row in read_rows(run.path / "seeds.parquet")}  # type: ignore[arg-type]
        self._status = {kind.name: kind.status for kind in self.types}
        self._kinds = dict(_assigned(run.path / "failures.parquet"))
        self.dropped: Counter[str] = Counter()

    @property
    def target(self) -> str:
        """The model that was audited: name@revision."""
        return self.results["target"]

    @property
    def count(self) -> int:
        """How many rows there are; a few fewer, where the same was asked again."""
        arms = [path for path in (self._run.path / "exchanges").iterdir() if path.is_dir()]
        asked = sum(not row["fault"] for arm in arms for row in read_rows(arm, ["fault"]))
        return asked + len(self._kinds) + len(self.types)

    def image(self, sha: str) -> bytes:
        """Return the PNG file of an image, by the hash of its pixels.

        Raises:
            RunError: it is not there, or its pixels are not what its name says.
        """
        return self._run.images.read(sha)

    def rows(self, config: Config) -> Iterator[Row]:
        """Yield the rows of a config, each id once."""
        if config == "failure_types":
            return (type_row(kind) for kind in self.types)
        return self._failures() if config == "failures" else self._exchanges()

    def _exchanges(self) -> Iterator[Row]:
        self.dropped.clear()  # each reading counts anew
        seen: set[str] = set()
        for judged in self._judged():
            if judged.probe.fault:
                self.dropped[f"not asked: {judged.probe.fault.partition(':')[0]}"] += 1
                continue
            row = self._row(judged)
            if row["id"] in seen:
                self.dropped[REPEATED] += 1
                continue
            seen.add(row["id"])
            kind = self._kinds.get(judged.probe.id, "")
            verdict = {"outcome": judged.verdict.outcome, "reason": judged.verdict.reason}
            yield {**row, **verdict, "failure_type": kind}

    def _failures(self) -> Iterator[Row]:
        """Yield the failures by type, the most frequent type and the most typical member first."""
        place = {
            member: (number, rank) for number, kind in enumerate(self._members()) for rank, member in enumerate(kind)
        }
        last = (len(self.types), 0)
        table = pq.read_table(self._run.path / "failures.parquet")
        order = sorted(range(len(table)), key=lambda index: (place.get(table["id"][index].as_py(), last), index))
        seen: set[str] = set()
        for index in order:
            judged = from_row(table.slice(index, 1).to_pylist()[0])
            row = self._row(judged)
            if row["id"] in seen:
                continue
            seen.add(row["id"])
            kind = self._kinds[judged.probe.id]
            status = self._status.get(kind, "")
            source = row["source_image_sha256"] if row["source_image_sha256"] != row["image_sha256"] else None
            yield {**row, "source_image": source, "failure_type": kind, "failure_type_status": status}

    def _members(self) -> list[list[str]]:
        return [kind["members"] for kind in json.loads((self._run.path / "types.json").read_text())["types"]]

    def _judged(self) -> Iterator[Judged]:
        for arm in sorted(path for path in (self._run.path / "exchanges").iterdir() if path.is_dir()):
            yield from (from_row(row) for row in read_rows(arm))

    def _row(self, judged: Judged) -> Row:
        """Return the columns that failures and exchanges share; of the image, the hash of its pixels."""
        probe, exchange, seed = judged.probe, judged.exchange, self._seeds[judged.probe.seed_id]
        maker = self._maker(probe.image_source)
        return {
            "id": row_id(probe.image_sha, probe.question, self.target),
            "image": probe.image_sha,
            "question": probe.question,
            "pairing": probe.pairing,
            "instruction": probe.instruction,
            "target_answer": exchange.target_answer,
            "reference_answers": [{"model": name, "answer": said} for name, said in exchange.reference_answers.items()],
            "consensus_answer": judged.verdict.consensus,
            "agreement": judged.verdict.agreement,
            "image_source": probe.image_source,
            "image_sha256": probe.image_sha,
            "source_image_sha256": probe.source_image_sha,
            "image_origin": seed.source,
            "image_license": seed.licence,
            "generator": maker,
            "generator_license": self._license_of(maker) if maker else "",
            "auditor": probe.auditor,
            "target": self.target,
        }

    def _maker(self, source: str) -> str:
        models = self.results["models"]
        return {"edited": models["editor"], "generated": models["generator"]}.get(source, "")


def portable(results: Results) -> Results:
    """Return results without the command and the folder of the images: they belong to one machine."""
    source = results["pool"]["source"]
    local = PurePath(source).is_absolute() or Path(source).exists()
    pool = {**results["pool"], "source": PurePath(source).name if local else source}
    return {**results, "command": "", "pool": pool}  # type: ignore[typeddict-item]


def audit_name(results: Results) -> str:
    """Return the path of an audit's results in a release."""
    text = json.dumps(results, sort_keys=True, ensure_ascii=False)
    return f"audits/{hashlib.sha256(text.encode()).hexdigest()[:12]}.json"


def type_row(kind: TypeFacts) -> Row:
    """Return a failure type as a row of the config `failure_types`."""
    names = ("name", "description", "rule", "status", "count", "failures", "trials", "rate", "low", "high", "q_value")
    return {name: getattr(kind, name) for name in names}


def _type(kind: Mapping[str, Any]) -> TypeFacts:
    same = {
        name: kind[name] for name in ("name", "status", "count", "failures", "trials", "rate", "low", "high", "q_value")
    }
    return TypeFacts(description=kind["predicate"]["text"], rule=kind["predicate"]["rule"], **same)


def _assigned(table: Path) -> Iterator[tuple[str, str]]:
    for row in read_rows(table, ["id", "failure_type"]):
        yield str(row["id"]), str(row["failure_type"]) or UNASSIGNED
