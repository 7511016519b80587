"""report.html and report.md: complete, self-contained, and unmoved by what models wrote."""

import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from report.fake_run import facts, run

from auditdm_hub.errors import RunError
from auditdm_hub.evaluating.comparison import FILE, Comparison, Measured, read_comparisons
from auditdm_hub.images import ImageStore
from auditdm_hub.report import Results, build_results, render_html, render_markdown, write_report
from auditdm_hub.report.curves import rolling_mean, training_curves
from auditdm_hub.report.markdown import escape
from auditdm_hub.report.pictures import MAX_GAIN, difference, thumbnail

VOID = {"meta", "img", "br", "line", "polyline"}
HOSTILE = 'a | b `c` <script>alert(1)</script> "x" [l](http://evil.example) ![i](x) *b* @you $m$ \x1b[31m\nnext'


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Results, ImageStore]:
    path = tmp_path_factory.mktemp("run")
    rows, found, store = run(path)
    return path, build_results(rows, found, facts()), store


def hostile(results: Results) -> Results:
    """Return results in which everything that a model or a user wrote is an attack."""
    changed: Results = json.loads(json.dumps(results))
    kind = changed["failure_types"][0]
    kind["name"] = kind["predicate"] = kind["rule"] = HOSTILE
    for example in kind["examples"]:
        example["question"] = example["instruction"] = example["consensus"] = example["target_answer"] = HOSTILE
        example["reference_answers"] = dict.fromkeys(example["reference_answers"], HOSTILE)
    changed["failure_types"] = [kind]
    changed["pool"]["source"] = changed["pool"]["licence"] = changed["publishable"]["why"] = HOSTILE
    changed["faults"] = changed["cost"] = changed["dropped"] = {HOSTILE: 1}  # type: ignore[typeddict-item]
    changed["command"] = changed["refusal"] = HOSTILE
    return changed


def test_the_page_loads_nothing_and_runs_nothing(made: tuple[Path, Results, ImageStore]) -> None:
    _, results, store = made
    page = Page(render_html(results, store))
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.tags}
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert {link["href"][0] for link in page.all("a")} == {"#", "h"}
    assert "url(" not in render_html(results, store)
    assert any("default-src 'none'" in meta.get("content", "") for meta in page.all("meta"))


def test_the_page_is_accessible(made: tuple[Path, Results, ImageStore]) -> None:
    _, results, store = made
    page = Page(render_html(results, store))
    assert page.all("html")[0]["lang"] == "en"
    assert all(image["alt"] for image in page.all("img"))
    assert all(head.get("scope") for head in page.all("th"))
    assert all(picture["aria-label"] for picture in page.all("svg"))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {link["href"][1:] for link in page.all("a") if link["href"].startswith("#")} <= anchors


def test_the_page_shows_every_example_with_every_answer(made: tuple[Path, Results, ImageStore]) -> None:
    _, results, store = made
    text = " ".join(Page(render_html(results, store)).text)
    for kind in results["failure_types"]:
        assert kind["name"] in text
        for example in [*kind["examples"], *kind["counterexamples"]]:
            assert example["probe_id"] in text
            assert example["question"] in text
    success = results["search_success"]["trained"]
    assert success is not None
    for figure in (f"{success['valid']} / {success['trials']}", f"{success['effective_types']:.1f}", "unparsed"):
        assert figure in text
    for model in results["models"]["references"]:
        assert model["id"] in text


def test_words_are_set_apart(made: tuple[Path, Results, ImageStore]) -> None:
    _, results, store = made
    text = " ".join("".join(Page(render_html(results, store)).text).split())
    assert re.search(r"found by .*\w \d+, \w", text)
    assert not re.search(r"\d,[a-z]", text)


def test_what_models_write_stays_text(made: tuple[Path, Results, ImageStore]) -> None:
    _, results, store = made
    changed = hostile(results)
    page = Page(render_html(changed, store))
    assert not page.all("script")
    assert HOSTILE.replace("\x1b", "\N{REPLACEMENT CHARACTER}").replace("\n", " ") in "".join(page.text)
    plain = Page(render_html({**results, "failure_types": results["failure_types"][:1]}, store))
    assert len(page.all("a")) == len(plain.all("a"))


def test_markdown_stays_a_table_whatever_models_write(made: tuple[Path, Results, ImageStore]) -> None:
    _, results, _ = made
    text = render_markdown(hostile(results))
    assert "<script" not in text
    assert "http://evil" not in text
    assert " @you" not in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1


def test_markdown_shows_images_that_are_there(made: tuple[Path, Results, ImageStore]) -> None:
    path, results, _ = made
    sources = re.findall(r'<img src="([^"]+)"', render_markdown(results))
    assert sources
    assert all((path / source).is_file() for source in sources)


def test_escaped_text_reads_as_it_was_written() -> None:
    assert escape("how many dogs are there?") == "how many dogs are there?"
    assert escape("a|b *c* `d`\n_e_") == r"a\|b \*c\* \`d\` \_e\_"
    assert escape("http://x www.x <b> &amp;") == "http&#58;//x www&#46;x &#60;b&#62; &#38;amp;"


@pytest.mark.parametrize("arm", ["prompt_only", "random"])
def test_without_a_baseline_or_types_there_is_still_a_report(made: tuple[Path, Results, ImageStore], arm: str) -> None:
    _, results, store = made
    changed: Results = json.loads(json.dumps(results))
    changed["search_success"][arm] = None  # type: ignore[index]
    changed["failure_types"] = []
    changed["refusal"] = "the wrong answers are as good as random"
    changed["models"]["holdout"] = None
    changed["training"] = {"steps": 0, "log": []}
    assert changed["refusal"] in "".join(Page(render_html(changed, store)).text)
    assert changed["refusal"] in render_markdown(changed)


def test_a_run_without_any_trial_has_a_report(tmp_path: Path) -> None:
    from auditdm_hub.curate import Curation

    results = build_results([], Curation((), {}, {}, 0, 0.0, 0.0, {}), facts())
    assert "was asked nothing" in render_markdown(results)
    assert "was asked nothing" in "".join(Page(render_html(results, ImageStore(tmp_path))).text)


def test_a_repair_is_shown_with_what_got_worse_and_cannot_act(made: tuple[Path, Results, ImageStore]) -> None:
    _, results, store = made
    before, after = Measured(0.0, 0.0, 0.1, 40), Measured(0.125, 0.05, 0.26, 40)
    repair = [
        Comparison(HOSTILE, "error", "lower", before, after, 0.125, 0.02, 0.23, 0.0001),
        Comparison("counting", "error", "lower", after, before, -0.125, -0.23, -0.02),
    ]
    page = Page(render_html(results, store, (), repair))
    text = "".join(page.text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "(worse)" in text
    assert "+12.5 (+2.0 to +23.0)" in text
    assert "-12.5 (-23.0 to -2.0)" in text
    markdown = render_markdown(results, (), repair)
    (line,) = [line for line in markdown.splitlines() if "(worse)" in line]
    assert line.startswith(f"| {escape(HOSTILE)} (worse) | 0.0% | 12.5% | ")
    assert line.endswith(" | 40 | &#60;0.001 |")
    assert "## Repair" not in render_markdown(results)


def test_figures_of_a_repair_that_were_damaged_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"comparisons": [{"name": "counting"}]}')
    with pytest.raises(RunError, match="is damaged"):
        read_comparisons(tmp_path / FILE)


def test_both_files_are_written_and_alike_each_time(made: tuple[Path, Results, ImageStore]) -> None:
    path, results, store = made
    files = write_report(path, results, store)
    first = [file.read_bytes() for file in files]
    write_report(path, json.loads(json.dumps(results)), store)
    assert [file.read_bytes() for file in files] == first
    assert [file.name for file in files] == ["report.md", "report.html"]


def test_a_missing_image_is_an_error_that_leaves_the_old_report(tmp_path: Path) -> None:
    rows, found, store = run(tmp_path, 12)
    results = build_results(rows, found, facts())
    write_report(tmp_path, results, store)
    before = (tmp_path / "report.html").read_bytes()
    store.path(results["failure_types"][0]["examples"][0]["image"]).unlink()
    with pytest.raises(RunError, match="is not in"):
        write_report(tmp_path, results, store)
    assert (tmp_path / "report.html").read_bytes() == before


def test_a_difference_is_black_where_nothing_changed_and_bright_where_it_did() -> None:
    one = Image.new("RGB", (4, 4), (100, 100, 100))
    two = one.copy()
    two.putpixel((1, 2), (110, 100, 100))
    changed, gain = difference(one, two)
    assert gain == MAX_GAIN
    assert changed.getpixel((1, 2)) == (80, 0, 0)
    assert changed.getpixel((0, 0)) == (0, 0, 0)
    assert difference(one, one) == (Image.new("RGB", (4, 4)), 1.0)
    assert difference(one.resize((8, 8)), two)[0].size == (4, 4)


@pytest.mark.parametrize(
    ("size", "shown", "kind"),
    [((64, 64), (256, 256), "png"), ((1000, 500), (256, 128), "jpeg"), ((2, 90), (4, 180), "png")],
)
def test_small_images_are_enlarged_with_hard_edges(size: tuple[int, int], shown: tuple[int, int], kind: str) -> None:
    image = Image.new("RGB", size, (255, 0, 0))
    image.putpixel((0, 0), (0, 0, 255))
    data, media_type = thumbnail(image)
    again = Image.open(io.BytesIO(data))
    assert (again.size, media_type) == (shown, f"image/{kind}")
    if kind == "png":
        assert len(again.getcolors() or []) == 2


def test_curves_show_what_the_log_holds() -> None:
    log = [{"step": 1.0, "reward": 0.5}, {"step": 2.0, "reward": float("nan")}, {"step": 3.0, "reward": 1.0}]
    curve = training_curves(log)[0]
    assert (curve.label, curve.raw, curve.steps) == ("reward", "0.0,55.0 320.0,0.0", 3)
    assert training_curves([{"step": 1.0, "reward": 0.5}]) == []
    unpaid = [*log[:2], {"step": 9.0, "reward": None}, *log[2:]]
    assert training_curves(unpaid)[0].raw == curve.raw
    assert rolling_mean([1, 2, 3, 6], 2) == [1, 1.5, 2.5, 4.5]
