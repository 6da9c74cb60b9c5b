"""The compact models of chardet: each text is detected as by chardet with its own tables."""

import json
import random
import subprocess
import sys
from itertools import product

import chardet
import pytest

from holdgate.extract import charset_models

_TEXTS = {
    "Sehr geehrte Frau Müller, die Größe der Straße ist nicht überall gleich; bitte prüfen Sie das. ": (
        "cp1252", "iso8859-15", "cp850", "mac-roman", "cp500", "hp-roman8",
    ),
    "Przesyłam zażółconą umowę i proszę o jej sprawdzenie do końca tygodnia. ": ("cp1250", "iso8859-2", "cp852"),
    "Уважаемые коллеги, отправляю вам договор и прошу проверить его. ": ("koi8-r", "cp1251", "cp866", "iso8859-5"),
    "Παρακαλώ ελέγξτε τη σύμβαση μέχρι το τέλος της εβδομάδας. ": ("cp1253", "iso8859-7", "cp737"),
    "Lütfen sözleşmeyi hafta sonuna kadar inceleyin, teşekkürler. ": ("cp1254", "iso8859-9"),
    "אנא בדקו את החוזה עד סוף השבוע. ": ("cp1255", "iso8859-8", "cp862"),
    "お世話になっております。資料を添付いたしますので、ご確認をお願いいたします。": ("shift_jis", "euc_jp"),
    "请在本周末之前检查合同。个人信息保护法": ("gb18030", "big5hkscs"),
    "주말까지 계약서를 확인해 주세요. ": ("cp949", "euc_kr"),
}  # fmt: skip


def _samples() -> list[bytes]:
    draw = random.Random(14)
    known = [
        (text * times).encode(encoding, "ignore")[start:]
        for (text, encodings), times, start in product(_TEXTS.items(), (1, 4, 200), (0, 7))
        for encoding in encodings
    ]
    noise = [draw.randbytes(length) for length in (1, 2, 3, 20, 300, 3_000, 30_000)]
    letters = [bytes(draw.choices(range(0xA0, 0x100), k=length)) for length in (1, 2, 5, 60, 2_000)]
    return [b"", b"\xe9", b" \xe9 ", bytes(range(256)), *known, *noise, *letters]


@pytest.mark.skipif(not chardet.models._KERNEL_COMPILED, reason="this chardet is not compiled")
def test_the_models_are_compact() -> None:
    assert charset_models._COMPACT is not None
    assert len(charset_models._COMPACT[0].names) > 300


@pytest.mark.slow
def test_each_text_is_detected_like_by_chardet() -> None:
    samples = _samples()
    program = (
        "import chardet, json, sys; "
        "print(json.dumps([chardet.detect(bytes.fromhex(one))['encoding'] or '' for one in json.load(sys.stdin)]))"
    )
    alone = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([sample.hex() for sample in samples]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [charset_models.detect(sample) for sample in samples] == json.loads(alone.stdout)


def test_no_text_is_kept_in_memory() -> None:
    charset_models.detect("Größe, naïve café".encode("cp1252"))
    assert charset_models._COMPACT is None or charset_models._COMPACT[0]._scored is None


@pytest.mark.parametrize(
    "change",
    [
        "chardet.__version__ = '8.0.0'",
        "chardet.models._build_enc_index = None",
        *(
            pytest.param(f"chardet.models.{name} = None", marks=pytest.mark.slow)
            for name in ("_KERNEL_COMPILED", "dot_packed")
        ),
    ],
)
def test_a_chardet_of_another_version_or_form_detects_with_its_own_tables(change: str) -> None:
    program = (
        "import chardet, chardet.models, chardet.pipeline; "
        f"{change}; "
        "from holdgate.extract import charset_models; "
        "print(charset_models._COMPACT)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["None"]


def test_a_chardet_with_other_results_detects_with_its_own_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    before = vars(chardet.models)["dot_packed"]
    monkeypatch.setattr(charset_models, "_SAMPLES", ((b"Gr\xfc\xdfe", "no such encoding"),))
    assert charset_models._compacted() is None
    assert vars(chardet.models)["dot_packed"] is before
