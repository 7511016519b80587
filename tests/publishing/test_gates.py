"""What must not leave the machine is found; what may is let through."""

import io
import json
import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.numpy import save_file

from auditdm_hub.errors import ReleaseError
from auditdm_hub.playground.backends import pictures
from auditdm_hub.publishing.gates import Gates, check_adapter_folder
from auditdm_hub.publishing.gates.cards import check_card
from auditdm_hub.publishing.gates.paths import local_paths_in
from auditdm_hub.publishing.gates.personal import personal_data_in
from auditdm_hub.publishing.gates.pictures import metadata_in
from auditdm_hub.publishing.gates.secrets import secrets_in

# Put together here, so that no scanner of this repository takes them for real ones.
LETTERS = "aB3" * 20
SECRETS = [
    ("hf_" + LETTERS[:34], "a Hugging Face token"),
    ("ghp_" + LETTERS[:36], "a GitHub token"),
    ("glpat-" + LETTERS[:20], "a GitLab token"),
    ("AKIA" + "ABCDEFGH12345678", "an AWS key"),
    ("AIza" + LETTERS[:35], "a Google API key"),
    ("sk-" + "ant-" + LETTERS[:40], "an API key"),
    ("xoxb-" + "123456789012-" + LETTERS[:20], "a Slack token"),
    ("-----BEGIN RSA " + "PRIVATE KEY-----", "a private key"),
    ("eyJ" + LETTERS[:20] + ".eyJ" + LETTERS[:20] + "." + LETTERS[:20], "a JSON web token"),
    ("https://ann:" + "secret1@example.org/x", "a password in a URL"),
    ("api_key = " + LETTERS[:20], "a password or key"),
]
HARMLESS = [
    "how many red circles are there?", "3 + 4 = 7", "target@657500ff3163", "10 12 15 30", "which key is larger?",
    "is the password field red?", "and/or", "1/2 of the pie", "2026/11/25", "https://arxiv.org/abs/2512.16921",
    "google/paligemma2-3b", "the number 4111 1111", "what does the token show?", "a risk-averse sketch", "v1.2.3.4",
    "at 12:30 on the 5th", "room 192", "+ 5 - 3 = 2", "what is on the left/right side?",
    "6b86b273ff34fce19d6b804eff5a3f57", "secret: a red door", "127.0.0.1", "cat /dog/ bird",
]  # fmt: skip
PERSONAL = [
    ("write to ann.lee@example.org", "an e-mail address"),
    ("call +49 30 1234567", "a phone number"),
    ("DE89 3704 0044 0532 0130 00", "a bank account (IBAN)"),
    ("pay with 4111 1111 1111 1111", "the number of a payment card"),
    ("it is at 8.8.8.8", "an IP address"),
]
PATHS = [
    "/home/ann/models/x",
    "see /root/.cache/y",
    "C:\\Users\\ann",
    "\\\\server\\share",
    "file:///tmp/x",
    "~/models/x/",
]


@pytest.mark.parametrize(("text", "kind"), SECRETS)
def test_secrets_are_found_and_not_shown(text: str, kind: str) -> None:
    (found,) = secrets_in(f"is it {text} or not?")
    assert found.startswith(kind)
    assert text not in found


@pytest.mark.parametrize(("text", "kind"), PERSONAL)
def test_personal_data_is_found(text: str, kind: str) -> None:
    assert list(personal_data_in(text)) == [kind]


@pytest.mark.parametrize("text", PATHS)
def test_local_paths_are_found(text: str) -> None:
    assert list(local_paths_in(f"from {text} on"))


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_texts_pass(text: str) -> None:
    assert [*secrets_in(text), *personal_data_in(text), *local_paths_in(text)] == []


def test_questions_of_the_playground_pass() -> None:
    for _, caption, question in pictures(300, 0):
        for text in (caption, question):
            assert [*secrets_in(text), *personal_data_in(text), *local_paths_in(text)] == []


def test_random_numbers_are_seldom_cards() -> None:
    rng = random.Random(0)
    texts = [" ".join(str(rng.randrange(100)) for _ in range(6)) for _ in range(2000)]
    assert not [text for text in texts if list(personal_data_in(text))]


def png(info: PngInfo | None = None, exif: Image.Exif | None = None) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(file, "PNG", pnginfo=info, **({"exif": exif} if exif else {}))
    return file.getvalue()


def with_gps() -> Image.Exif:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    exif[0x8825] = exif.get_ifd(0x8825)
    return exif


def saved(kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(file, kind, **options)
    return file.getvalue()


def test_plain_images_pass() -> None:
    assert list(metadata_in(png())) == []
    assert list(metadata_in(saved("JPEG"))) == []
    assert list(metadata_in(saved("WEBP"))) == []


def test_what_images_say_beside_their_pixels_is_found() -> None:
    info = PngInfo()
    info.add_text("Author", "Ann")
    assert list(metadata_in(png(info))) == ["a tEXt chunk"]
    for data in (png(exif=with_gps()), saved("JPEG", exif=with_gps()), saved("WEBP", exif=with_gps())):
        assert list(metadata_in(data)) == ["Exif with a place (GPS)"]
    assert list(metadata_in(png() + b"secret")) == ["6 bytes behind its end"]
    assert list(metadata_in(saved("JPEG") + b"secret")) == ["6 bytes behind its end"]
    assert list(metadata_in(saved("JPEG", comment=b"by Ann"))) == ["a comment"]


@pytest.mark.parametrize("data", [b"", b"nothing", png()[:40], saved("JPEG")[:60], saved("GIF")])
def test_a_broken_or_foreign_image_is_a_finding(data: bytes) -> None:
    assert list(metadata_in(data))


def row(**changes: object) -> dict[str, object]:
    value = {
        "id": "0" * 16, "image": {"bytes": png(), "path": "a.png"}, "question": "how many?", "image_license": "cc0-1.0",
        "image_source": "original", "generator": "", "generator_license": "",
        "reference_answers": [{"model": "a", "answer": "two"}, {"model": "b", "answer": None}],
    }  # fmt: skip
    return {**value, **changes}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"question": "is it hf_" + "a" * 34 + "?"},
            r"failures row 0{16}, column question: holds a Hugging Face token",
        ),
        (
            {"reference_answers": [{"model": "a", "answer": "ann@example.org"}]},
            "column reference_answers: holds an e-mail",
        ),
        ({"image": {"bytes": png(exif=with_gps()), "path": "b.png"}}, r"its file holds Exif with a place \(GPS\)"),
        ({"image_license": ""}, "the licence of its image is unknown; say it with --pool-license"),
        ({"image_license": "my own"}, "'my own', which is not known"),
        ({"image_source": "edited", "image_license": "cc-by-nd-4.0"}, "cc-by-nd-4.0 forbids the changed image"),
        ({"generator": "flux@1", "generator_license": ""}, "--model-license flux=LICENCE"),
    ],
)
def test_a_row_is_refused_by_name_and_with_a_remedy(changes: dict[str, object], words: str) -> None:
    gates = Gates()
    gates.check_row("failures", "0" * 16, row(**changes))
    with pytest.raises(ReleaseError, match=words):
        gates.refuse()


def test_a_hash_is_no_payment_card() -> None:
    gates = Gates()
    for number in ("2212338943713135", "4111111111111111"):
        gates.check_row("failures", number, row(id=number, image_sha256=number * 4))
    gates.refuse()


def test_many_findings_are_counted() -> None:
    gates = Gates()
    for number in range(250):
        gates.check_row("failures", f"{number:016x}", row(image_license=""))
    with pytest.raises(ReleaseError, match=r"and 247 more findings"):
        gates.refuse()
    good = Gates()
    good.check_row("failures", "0" * 16, row())
    good.refuse()
    assert good.counts == {"texts": 6, "images": 1, "licences": 1}


def adapter(folder: Path, **config: object) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base", **config}))
    save_file({"a": np.ones(3, np.float32)}, folder / "adapter_model.safetensors")
    return folder


def test_a_sound_adapter_passes(tmp_path: Path) -> None:
    assert list(check_adapter_folder(adapter(tmp_path / "a"))) == []


def test_an_adapter_that_imports_something_is_refused(tmp_path: Path) -> None:
    mapping = {"base_model_class": "X", "parent_library": "my_code.models"}
    (found,) = check_adapter_folder(adapter(tmp_path / "a", auto_mapping=mapping))
    assert "lets peft import my_code.models" in str(found)
    fine = {"base_model_class": "X", "parent_library": "transformers.models.gemma3.modeling_gemma3"}
    assert list(check_adapter_folder(adapter(tmp_path / "a", auto_mapping=fine))) == []


@pytest.mark.parametrize("base", ["/home/ann/base", "./base", "base", "a/b/c", "C:\\base", ""])
def test_an_adapter_with_a_path_as_base_is_refused(tmp_path: Path, base: str) -> None:
    (found,) = check_adapter_folder(adapter(tmp_path / "a", base_model_name_or_path=base))
    assert "--base ORG/NAME" in str(found)


def test_weights_that_are_no_numbers_or_can_run_code_are_refused(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a")
    save_file({"a": np.array([1, np.nan], np.float32)}, folder / "adapter_model.safetensors")
    (folder / "optimizer.pt").write_bytes(b"x")
    (folder / "broken.safetensors").write_bytes(b"x" * 20)
    found = "\n".join(map(str, check_adapter_folder(folder)))
    assert "adapter_model.safetensors: a: holds NaN or infinity" in found
    assert "optimizer.pt: can run code when it is loaded" in found
    assert "broken.safetensors: cannot be read" in found


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ("no yaml", "has no YAML"),
        ("---\nlicense: [\n---\n", "cannot be read"),
        ("---\ntags: []\n---\n", "names no licence"),
        ("---\nlicense: other\n---\n", "names no licence"),
        ("---\nlicense: mit\n---\n[More Information Needed]", "says 'More Information Needed'"),
        ("---\nlicense: mit\n---\n" + "x" * 1_000_001, "wanted at most 1,000,000"),
    ],
)
def test_a_bad_card_is_refused(card: str, words: str) -> None:
    assert any(words in str(finding) for finding in check_card("README.md", card.encode()))


def test_a_png_with_a_made_up_chunk() -> None:
    data = png()
    body = b"abCd" + b"where I live"
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    assert list(metadata_in(data[:-12] + chunk + data[-12:])) == ["a abCd chunk"]
