"""A sentence that states a special category of article 9 GDPR of a person, in eight languages."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdgate.detect import Confidence, Detector
from holdgate.detect.identifiers import Shape
from holdgate.detect.statements import Names, Verbs, is_said_of_person

KINDS = {
    "religious-belief",
    "trade-union-membership",
    "sexual-orientation",
    "medical-term",
    "political-opinion",
    "ethnic-origin",
    "genetic-data",
    "biometric-data",
}
NAMES = Names(frozenset({"anna", "chad", "mary"}), frozenset({"school"}))


def stated(detector: Detector, text: str) -> set[str]:
    matches = detector.find(text)
    return {one.identifier for one in matches if one.identifier in KINDS and one.confidence == Confidence.HIGH}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Anna Schmidt is Muslim.", "religious-belief"),
        ("Our tenant, Mr. Novak, is a practising Catholic and works here.", "religious-belief"),
        ("Anna Schmidt, who is Jewish, asked for the day", "religious-belief"),
        ("Anna Schmidt, our new colleague, is Hindu.", "religious-belief"),
        ("He's an atheist", "religious-belief"),
        ("The applicant is a\nMuslim woman", "religious-belief"),
        ("Herr Müller ist katholisch.", "religious-belief"),
        ("Wir hörten, dass Frau von Weber evangelisch ist.", "religious-belief"),
        ("Seit 2019 ist sie konfessionslos", "religious-belief"),
        ("Mme Dupont est catholique", "religious-belief"),
        ("Ella es judía.", "religious-belief"),
        ("Il signor Rossi è musulmano", "religious-belief"),
        ("Ele é evangélico", "religious-belief"),
        ("Mevrouw de Vries is joods", "religious-belief"),
        ("Pani Nowak jest katoliczką", "religious-belief"),
        ("She was diagnosed with breast cancer", "medical-term"),
        ("My daughter has asthma", "medical-term"),
        ("Anna Schmidt is pregnant", "medical-term"),
        ("The applicant is registered as disabled.", "medical-term"),
        ("Frau Weber ist an Brustkrebs erkrankt", "medical-term"),
        ("weil er schwerbehindert ist", "medical-term"),
        ("Elle souffre d'asthme", "medical-term"),
        ("Ella tiene diabetes", "medical-term"),
        ("Lei è incinta", "medical-term"),
        ("Ela está grávida", "medical-term"),
        ("Zij is zwanger", "medical-term"),
        ("Ona jest w ciąży", "medical-term"),
        ("Bob Smith is a shop steward", "trade-union-membership"),
        ("Herr Müller ist Gewerkschaftsmitglied", "trade-union-membership"),
        ("He came out as gay last year", "sexual-orientation"),
        ("Anna Schmidt ist lesbisch", "sexual-orientation"),
        # Before a noun for a person.
        ("She is a Catholic teacher.", "religious-belief"),
        ("Sie ist eine katholische Lehrerin.", "religious-belief"),
        ("Elle est une enseignante catholique.", "religious-belief"),
        ("Ella es una profesora católica.", "religious-belief"),
        ("Zij is een katholieke lerares.", "religious-belief"),
        ("She is a diabetic patient.", "medical-term"),
        # Questions.
        ("Is she Catholic?", "religious-belief"),
        ("Is Anna Schmidt Muslim?", "religious-belief"),
        ("Ist Frau Weber schwanger?", "medical-term"),
        ("Est-elle enceinte ?", "medical-term"),
        ("¿Es ella católica?", "religious-belief"),
        ("Is zij zwanger?", "medical-term"),
        ("Czy ona jest katoliczką?", "religious-belief"),
        # Plurals.
        ("They are Jewish.", "religious-belief"),
        ("My parents are Muslims.", "religious-belief"),
        ("Anna and Peter are Muslim.", "religious-belief"),
        ("Meine Eltern sind Muslime.", "religious-belief"),
        ("Ses parents sont musulmans.", "religious-belief"),
        ("Mis padres son musulmanes.", "religious-belief"),
        ("I suoi genitori sono ebrei.", "religious-belief"),
        ("Os meus pais são católicos.", "religious-belief"),
        ("Mijn ouders zijn moslims.", "religious-belief"),
        ("Moi rodzice są katolikami.", "religious-belief"),
        # Without a subject.
        ("Es católica.", "religious-belief"),
        ("La señora Ruiz empezó ayer. Es católica.", "religious-belief"),
        ("Maria Rossi arriva domani. È musulmana.", "religious-belief"),
        ("A Dra. Costa chega hoje. É católica.", "religious-belief"),
        ("Pani Nowak jest nowa. Jest w ciąży.", "medical-term"),
        # Votes and parties.
        ("Anna Schmidt voted for the Conservatives in 2019.", "political-opinion"),
        ("He has always voted Labour.", "political-opinion"),
        ("My husband joined the Green Party last year.", "political-opinion"),
        ("Mr. Novak supports the Labour Party.", "political-opinion"),
        ("She is a member of the Conservative Party.", "political-opinion"),
        ("Herr Müller hat die SPD gewählt.", "political-opinion"),
        ("Wir hörten, dass Frau Weber die Grünen wählt.", "political-opinion"),
        ("Er ist in der CDU.", "political-opinion"),
        ("Elle a voté pour le Parti socialiste.", "political-opinion"),
        ("Mon mari est de gauche.", "political-opinion"),
        ("El señor Ruiz votó al Partido Popular.", "political-opinion"),
        ("Es comunista.", "political-opinion"),
        ("La signora Rossi vota Fratelli d'Italia.", "political-opinion"),
        ("O senhor Costa votou no Bloco de Esquerda.", "political-opinion"),
        ("Mijn man stemt op de VVD.", "political-opinion"),
        ("Heeft zij op GroenLinks gestemd?", "political-opinion"),
        ("Pan Nowak zagłosował na Platformę Obywatelską.", "political-opinion"),
        ("Anna Schmidt is of Turkish descent.", "ethnic-origin"),
        ("The applicant is an African American woman.", "ethnic-origin"),
        ("Frau Weber hat einen Migrationshintergrund.", "ethnic-origin"),
        ("She carries a BRCA1 mutation.", "genetic-data"),
        ("weil er Träger einer BRCA2-Mutation ist", "genetic-data"),
    ],
)
def test_a_statement_about_a_person_is_found(detector: Detector, text: str, kind: str) -> None:
    assert kind in stated(detector, text)
    of_europe = detector.with_profile("dlp-gdpr")
    hits = of_europe.evaluate(of_europe.find(text)).hits
    assert "special-category-statement" in [hit.rule for hit in hits]


@pytest.mark.parametrize(
    "text",
    [
        "Catholic University is open",
        "She works at the Catholic University",
        "She is Catholic University's dean",
        "The office is closed on the Muslim holiday",
        "Christian Schmidt is here",
        "Hello, I am Christian, your new contact",
        "My name is Christian.",
        "Her approach is orthodox.",
        "The approach of Anna Schmidt is orthodox.",
        "Anna Schmidt's school is Catholic.",
        "Mary School is Catholic.",
        "Chad is Muslim.",
        "Is there a Protestant church?",
        "Die Schule ist katholisch.",
        "Der Ansatz, den Herr Müller hat, ist orthodox.",
        "L'université est catholique",
        "La escuela es católica",
        "De school is katholiek",
        "Szkoła jest katolicka",
        "Bob is at the gay bar",
        "The gay bar is open",
        "Germany is a member of the Union.",
        "She studies in the European Union",
        # An account or a program, in most office mail.
        "The account is disabled.",
        "The client is disabled.",
        "Anna Schmidt has been disabled.",
        "I am Parkinson, your new contact",
        "A pregnant pause",
        "He read a book on depression",
        "Anna. Is Catholic",
        "They are Catholic schools.",
        "It is a Catholic teacher college.",
        "We are Christian Aid.",
        "Where is she? Catholic Street",
        "Is the school Catholic?",
        "Ist die Schule katholisch?",
        "L'école est fermée. Est-ce une église catholique ?",
        "La escuela es vieja. Es católica.",
        "Es una catedral católica.",
        "La chiesa è del 1600. È cattolica.",
        "A igreja é antiga. É católica.",
        "Szkoła jest stara. Jest katolicka.",
        '"Are you pregnant?" is a question that nobody may ask.',
        "In 1570 Catholics and Protestants fought.",
        "Recipe: add Jewish rye bread.",
        "Anna Schmidt lives in Jewish Street.",
        "Muslim Aid Ltd is a company.",
        "The history of Jews in Poland",
        "The patient information leaflet: asthma",
        "Anna Schmidt, please order the green party decorations.",
        "Anna Schmidt voted for the green chairs.",
        "We voted for green. It looks better.",
        "She voted for Labour cost cuts.",
        "The Labour cost is 20 EUR an hour.",
        "Our estimate is a conservative one.",
        "She supports the Conservative Party conference hotel.",
        "The committee voted for the Conservatives.",
        "She left the Green Party decorations at home.",
        "She lives in the Democratic Republic of Congo.",
        "Did the board vote Labour?",
        "Frau Weber ist in der CDU-Zentrale.",
        "Wenn Sie die linke Spalte wählen, kommen Sie zum Lager.",
        "Vota Partido Popular.",
        "Le bouton est de gauche.",
        "Polish the table, Anna.",
        "They are white.",
        "The client is Asian Paints.",
        "We are Indigenous Clothing Ltd.",
        "The genetic algorithm has a mutation.",
        "The mouse carries a BRCA1 mutation.",
    ],
)
def test_a_statement_about_no_person_is_not_found(detector: Detector, text: str) -> None:
    assert stated(detector, text) == set()


@given(st.text(st.sampled_from("anA ,.'\n-İß’hesiwd"), max_size=60), st.integers(0, 60), st.integers(0, 20))
def test_any_text_can_be_searched(text: str, start: int, length: int) -> None:
    start = min(start, len(text))
    assert is_said_of_person(text, start, min(start + length, len(text)), NAMES) in (True, False)


def test_the_text_far_before_the_word_does_not_count() -> None:
    text = "Anna is " + " " * 200 + "Muslim"
    assert not is_said_of_person(text, len(text) - 6, len(text), NAMES)
    assert is_said_of_person("Anna is Muslim", 8, 14, NAMES)


def test_said_of_person_requires_a_dictionary() -> None:
    given = {"name": "x", "without_evidence": "high", "with_evidence": "high", "said_of_person": True}
    assert Shape.model_validate(given | {"dictionary": "religions"}).said_of_person
    with pytest.raises(ValueError, match="said_of_person goes with a dictionary"):
        Shape.model_validate(given | {"search": "x"})


def test_other_verbs_require_said_of_person() -> None:
    given = {
        "name": "x",
        "without_evidence": "none",
        "with_evidence": "high",
        "said_verbs": "voting",
        "dictionary": "x",
    }
    assert Shape.model_validate(given | {"said_of_person": True}).said_verbs == "voting"
    with pytest.raises(ValueError, match="said_verbs goes with said_of_person"):
        Shape.model_validate(given)


@pytest.mark.parametrize(
    ("text", "verbs"),
    [
        ("Anna is Labour", {"being"}),
        ("Anna voted Labour", {"voting", "supporting"}),
        ("Anna joined Labour", {"supporting"}),
        ("Anna painted Labour", set()),
        ("The green Labour", set()),
    ],
)
def test_each_word_counts_with_its_own_verbs(text: str, verbs: set[Verbs]) -> None:
    start = text.index("Labour")
    found = {kind for kind in get_args(Verbs) if is_said_of_person(text, start, len(text), NAMES, kind)}
    assert found == verbs
