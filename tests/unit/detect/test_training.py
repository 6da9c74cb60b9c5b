"""The training data of the model of names: labelled text, and a model of a few runs of words."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import lexicon, naming, statements
from training import inputs, labelled
from training.labelled import Marked
from training.mail import ORGANISATION, PERSON, PLACE
from training.names import learned, packed, table

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = ROOT / "milter/holdgate/detect"
MADE = ROOT / "training/made.sha256"
# A training on 20 mails, without corpora, that prints the SHA-256 of both files.
SMALL = """
import hashlib
from pathlib import Path
from training import names
for content in names.table(Path.cwd()), names.train(Path.cwd(), mails=20, runs=2, sources=()):
    print(hashlib.sha256(content).hexdigest())
"""

UNER = """# newdoc id = mail-1
# sent_id = mail-1-0001
# text = Hello (Anna Schmidt), Bonn.
1\tHello\tO\t-\t-
2\t(\tO\t-\t-
3-4\tAnnaS\tO\t-\t-
3\tAnna\tB-PER\t-\t-
4\tSchmidt\tI-PER\t-\t-
5\t)\tO\t-\t-
6\t,\tO\t-\t-
7\tBonn\tB-LOC\t-\t-
8\t.\tO\t-\t-

# sent_id = mail-1-0002
# text = Anna?
1\tAnna\tB-PER\t-\t-
2\t?\tO\t-\t-

# sent_id = mail-2-0001
# text = Yes
1\tYes\tO\t-\t-

"""


def names_of(marked: Marked) -> list[tuple[str, str]]:
    return [(marked.text[start:end], kind) for start, end, kind in marked.names]


def test_sentences_of_a_document_are_joined_to_one_text() -> None:
    one, two = labelled.documents(UNER.split("\n"))
    assert one.text == "Hello (Anna Schmidt), Bonn.\nAnna?"
    assert names_of(one) == [("Anna Schmidt", PERSON), ("Bonn", PLACE), ("Anna", PERSON)]
    assert two == Marked("Yes", [])


def test_tokens_are_joined_with_usual_spacing() -> None:
    lines = [
        "-DOCSTART- X O O",
        "",
        *["(|x|O", "Anna|x|B-person", ")|x|O", "said|x|O", ":|x|O", '"|x|O', "No|x|O", '"|x|O', ".|x|O"],
        "",
    ]
    (marked,) = labelled.sentences(line.replace("|", " ") for line in lines)
    assert marked.text == '(Anna) said: "No".'
    assert names_of(marked) == [("Anna", PERSON)]


def test_adjacent_names_are_separate() -> None:
    lines = ["Anna B-PER", "Schmidt I-PER", "Bob B-PER", "Alpha I-ORG", "Bau I-ORG", "Xbox B-product", "UN B-group"]
    (marked,) = labelled.sentences(lines)
    assert names_of(marked) == [
        ("Anna Schmidt", PERSON),
        ("Bob", PERSON),
        ("Alpha Bau", ORGANISATION),
        ("UN", ORGANISATION),
    ]


def test_of_nested_names_the_outer_ones_are_read_and_parts_of_words_are_none() -> None:
    lines = [
        "#\thttp://www.example/\t[2010-01-01]", "1\tDie\tO\tO", "2\tBank\tB-ORG\tO", "3\tBonn\tI-ORG\tB-LOC",
        "4\tmag\tO\tO", "5\tAnna\tB-PER\tO", "6\tARD-Leute\tB-ORGpart\tO", "7\tdeutsche\tB-LOCderiv\tO", "", "#\tb",
        "1\tFaust\tB-OTH\tB-PER", "2\tUlm\tB-LOC\tO", "",
    ]  # fmt: skip
    one, two = labelled.nested(lines)
    assert one.text == "Die Bank Bonn mag Anna ARD-Leute deutsche"
    assert names_of(one) == [("Bank Bonn", ORGANISATION), ("Anna", PERSON)]
    assert names_of(two) == [("Ulm", PLACE)]


def test_pages_are_read_in_pieces() -> None:
    sentence = ["Herr O", "Schmidt B-PER", "kam O", ". O"]
    pieces = list(labelled.pages(["# file", *sentence * 40]))
    assert [len(piece.names) for piece in pieces] == [15, 15]
    assert {name for piece in pieces for name in names_of(piece)} == {("Schmidt", PERSON)}


@given(st.lists(st.text(alphabet="ab().,\"' \t#-BIO"), max_size=20))
def test_any_lines_can_be_parsed(lines: list[str]) -> None:
    for marked in [*labelled.sentences(lines), *labelled.pages(lines), *labelled.nested(lines)]:
        assert all(0 <= start <= end <= len(marked.text) for start, end, _ in marked.names)


def test_a_missing_or_different_corpus_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDGATE_CORPORA", str(tmp_path))
    content = b"Anna B-PER\n"
    source = labelled.Source("a.txt", "sentences", 2, hashlib.sha256(content).hexdigest())
    with pytest.raises(labelled.Missing, match="does not exist"):
        list(labelled.texts((source,)))
    (tmp_path / "names").mkdir()
    (tmp_path / "names" / "a.txt").write_bytes(b"other")
    with pytest.raises(labelled.Missing, match="SHA-256"):
        list(labelled.texts((source,)))
    (tmp_path / "names" / "a.txt").write_bytes(content)
    assert list(labelled.texts((source,))) == [(Marked("Anna", [(0, 4, PERSON)]), 2)]


@pytest.mark.slow
def test_a_trained_model_finds_its_examples() -> None:
    person, place = [[1, 2]], [[2, 3]]
    data = [(person, [naming.PERSON]), (place, [naming.PLACE]), ([[4], [5]], [naming.OTHER, naming.ORGANISATION])] * 4
    content = packed(*learned(data, random.Random(1)))
    assert content == packed(*learned(data, random.Random(1)))
    model = naming.Model(content)
    assert model.labels([naming.Word(0, 1, person[0], "")]) == [naming.PERSON]
    assert model.labels([naming.Word(0, 1, place[0], "")]) == [naming.PLACE]


@pytest.mark.slow
def test_the_shipped_table_comes_from_the_lists_of_this_checkout() -> None:
    assert table(ROOT) == (SHIPPED / lexicon.FILE).read_bytes(), "run script/train"


def test_the_shipped_files_equal_the_recorded_training_output() -> None:
    made = dict(line.split("  ")[::-1] for line in MADE.read_text(encoding="utf-8").splitlines())
    shipped = {name: hashlib.sha256((SHIPPED / name).read_bytes()).hexdigest() for name in (lexicon.FILE, naming.FILE)}
    assert made == shipped, "script/train makes both files, and nothing else changes them"


def test_the_shipped_weights_were_trained_with_the_lists_of_this_checkout() -> None:
    """Otherwise they were trained with other words than those that detection uses: run script/train again."""
    made = inputs.recorded(ROOT)
    now = {**inputs.of_lists(ROOT), inputs.LEARNING: made.get(inputs.LEARNING, "")}
    assert inputs.stale(made, now) == ""


@pytest.mark.slow
def test_the_shipped_weights_were_trained_with_the_code_of_this_checkout() -> None:
    assert (
        inputs.stale(inputs.recorded(ROOT), {**inputs.recorded(ROOT), inputs.LEARNING: inputs.of_learning(ROOT)}) == ""
    )


def test_inputs_changed_since_the_training_are_named() -> None:
    made = {"training/towns.txt": "1", "training/offices.txt": "2"}
    assert inputs.stale(made, dict(made)) == ""
    report = inputs.stale(made, {"training/towns.txt": "1", "training/offices.txt": "3", "training/new.txt": "4"})
    assert report == (
        "names.weights was made before these changed: training/new.txt, training/offices.txt. Run script/train."
    )
    assert "training/towns.txt" in inputs.stale(made, {"training/offices.txt": "2"})


@pytest.mark.slow
def test_a_changed_title_changes_the_recorded_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    before = inputs.of_lists(ROOT)
    monkeypatch.setattr(statements, "TITLES", statements.TITLES | {"archduchess"})
    after = inputs.of_lists(ROOT)
    assert [what for what in before if before[what] != after[what]] == ["people and titles of statements.toml"]


@pytest.mark.slow
@pytest.mark.skipif(not naming.__file__.endswith(".py"), reason="compiled code has copies of its constants")
def test_a_changed_feature_changes_the_recorded_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = inputs.of_learning(ROOT)
    monkeypatch.setattr(naming, "_SHORT_LINE", 2)
    assert inputs.of_learning(ROOT) != before


@pytest.mark.slow
def test_two_trainings_with_different_hash_seeds_are_equal() -> None:
    path = os.pathsep.join((str(ROOT), str(ROOT / "milter")))
    first, second = (
        subprocess.run(
            [sys.executable, "-c", SMALL],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    )
    assert first == second
    assert len(first.split()) == 2
