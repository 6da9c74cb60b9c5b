"""Every place of a PDF where text can stand is read and named, by whatever writer it was made."""

import pytest

from holdgate.extract.readers import pdf
from support.planted_pdf import DOCUMENT_PLACES, EMBEDDED_PLACES, PAGE_PLACES, planted_pdf, token
from support.sink import KeepingSink, read_all


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "packed"])
def planted(request: pytest.FixtureRequest) -> KeepingSink:
    return read_all(pdf.read, planted_pdf(packed=request.param))


@pytest.mark.parametrize(("place", "name"), (PAGE_PLACES | DOCUMENT_PLACES).items())
def test_a_planted_token_is_found_at_its_place(planted: KeepingSink, place: str, name: str) -> None:
    assert name in planted.places_of(token(place))


@pytest.mark.parametrize("place", EMBEDDED_PLACES)
def test_a_planted_token_is_found_in_an_embedded_document(planted: KeepingSink, place: str) -> None:
    assert any(token(place).encode() in document.data for document in planted.documents)


def test_the_planted_document_is_complete(planted: KeepingSink) -> None:
    assert planted.limits == []
