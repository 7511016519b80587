"""Where images come from: a folder with captions beside them, and data sets with columns of any name."""

import io
import random
from collections import Counter
from pathlib import Path

import datasets
import pytest
from PIL import Image

from auditdm_hub import audit
from auditdm_hub.auditing.novelty import frame
from auditdm_hub.auditing.pool import PoolItem, dataset_items, evenly, folder_items, holds_images
from auditdm_hub.errors import ConfigError, PoolError
from auditdm_hub.playground.backends import pictures
from auditdm_hub.tables import read_rows


def picture(shade: int, size: int = 32) -> Image.Image:
    return Image.new("RGB", (size, size), (shade, 0, 0))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    rows = {"photo": [picture(10), picture(20)], "asked": [["how many?", "what?"], ["where?"]], "said": ["2", "here"]}
    datasets.Dataset.from_dict(rows).cast_column("photo", datasets.Image()).to_parquet(folder / "train.parquet")
    return folder


def test_a_folder_gives_its_images_with_the_captions_beside_them(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    picture(1).save(tmp_path / "b.png")
    picture(2).save(tmp_path / "deep" / "a.jpg")
    (tmp_path / "b.txt").write_text("a red\nsquare ")
    (tmp_path / "broken.png").write_bytes(b"no image")
    picture(3, 4).save(tmp_path / "tiny.png")
    Image.new("RGB", (32, 32)).save(
        tmp_path / "moving.gif", save_all=True, append_images=[picture(9)], duration=50, loop=0
    )
    found = {item.source: item for item in folder_items(tmp_path, "CC0-1.0")}
    assert {source: item.fault for source, item in found.items() if item.fault} == {
        "broken.png": "cannot be read as an image", "tiny.png": "is smaller than 8 pixels", "moving.gif": "is animated",
    }  # fmt: skip
    assert found["b.png"].caption == "a red square"
    assert found["deep/a.jpg"].licence == "CC0-1.0"
    with pytest.raises(PoolError, match="no such folder"):
        list(folder_items(tmp_path / "gone", ""))


def test_a_huge_image_is_left_out_without_decoding_it(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "huge.png")
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    assert [item.fault for item in folder_items(tmp_path, "")] == ["has more than 50 million pixels"] * 2
    assert not recwarn.list


def test_a_broken_row_of_a_data_set_is_left_out_and_the_others_are_read(tmp_path: Path) -> None:
    whole = io.BytesIO()
    picture(7).save(whole, "PNG")
    huge = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(huge, "PNG")
    cells = [whole.getvalue(), b"no image", None, huge.getvalue(), whole.getvalue()[:60], whole.getvalue()]
    rows = {"image": [cell and {"bytes": cell, "path": None} for cell in cells], "question": list("abcdef")}
    features = datasets.Features({"image": datasets.Image(), "question": datasets.Value("string")})
    datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / "train.parquet")
    items = list(dataset_items(str(tmp_path), {}, ""))
    assert [item.question for item in items if item.image] == ["a", "f"]
    assert [item.fault for item in items if not item.image] == [
        "cannot be read as an image", "the image is missing", "has more than 50 million pixels",
        "cannot be read as an image",
    ]  # fmt: skip


def test_a_column_without_images_is_said_of_each_row(tmp_path: Path) -> None:
    datasets.Dataset.from_dict({"image": ["a", "b"]}).to_parquet(tmp_path / "train.parquet")
    assert [item.fault for item in dataset_items(str(tmp_path), {}, "")] == ["the image column holds no image"] * 2


def test_a_data_set_in_a_folder_is_read_by_its_columns(table: Path) -> None:
    assert not holds_images(table)
    items = list(dataset_items(str(table), {"image": "photo", "question": "asked", "answer": "said"}, "CC-BY-4.0"))
    assert [(item.question, item.answer, item.licence) for item in items] == [
        ("how many?", "2", "CC-BY-4.0"), ("where?", "here", "CC-BY-4.0"),
    ]  # fmt: skip
    assert items[0].image is not None
    assert items[0].image.getpixel((0, 0)) == (10, 0, 0)
    assert items[1].source.endswith("#1")


def test_a_wrong_column_is_answered_with_those_that_are_there(table: Path) -> None:
    with pytest.raises(ConfigError, match=r"no column 'image', it has asked, photo, said"):
        list(dataset_items(str(table), {}, ""))
    with pytest.raises(ConfigError, match="no column 'foto'"):
        list(dataset_items(str(table), {"image": "foto"}, ""))
    with pytest.raises(PoolError, match="cannot be loaded"):
        list(dataset_items(str(table / "gone"), {}, ""))


def test_a_balanced_pool_has_no_kind_of_question_much_more_often_than_another() -> None:
    rng = random.Random(0)
    kinds = [*["how many cats are there?"] * 90, *["is there a dog?"] * 9, "what color is it?"]
    items = [PoolItem(str(number), Image.new("RGB", (2, 2)), "", rng.choice(kinds)) for number in range(3000)]
    chosen = list(evenly(lambda: items, 1.5))
    assert sorted(item.source for item in chosen) == sorted(item.source for item in items)  # the rest comes after
    order = [int(item.source) for item in chosen]
    first = next(place for place in range(1, len(order)) if order[place] < order[place - 1])
    kept = Counter(item.question for item in chosen[:first])
    assert kept["what color is it?"] == sum(item.question == "what color is it?" for item in items)
    assert all(count <= 1.5 * kept.total() / 3 + 1 for count in kept.values())
    assert kept["is there a dog?"] > 2 * kept["what color is it?"] > 20
    broken = [PoolItem("x", None, "", "q?", fault="cannot be read")] * 3
    assert len(list(evenly(lambda: broken, 1.0))) == 3  # counted where they are left out


def test_an_audit_of_a_balanced_pool_has_as_many_images(tmp_path: Path) -> None:
    run = audit(out=str(tmp_path / "run"), pool_size=120, pool_balance=1.3, steps=0, probes=4, baseline=False)
    seeds = read_rows(run.path / "seeds.parquet")
    asked = Counter(frame(str(row["question"])) for row in seeds)
    assert asked.total() == 120
    plain = Counter(frame(question) for _, _, question in pictures(120, 0))
    assert max(asked.values()) < max(plain.values())
