import pytest

from holdgate.extract.extractor import extract_file
from holdgate.extract.part import Status

GERBER = "%FSLAX35Y35*%\n%MOMM*%\nG04 SSN 219-09-9999*\nX1284816Y1270000D02*\nM02*\n"
GCODE = "G21\n" + "".join(f"G1 X{place}.5 Y2 F100\n" for place in range(30))
HPGL = "IN;SP1;PU0,0;" + "PD10,10,20,20;PU;" * 30
# As GNU plotutils 2.6 writes HP-GL/2 and ReGIS.
HPGL2 = "BP;IN;PS10668;IP0,0,8128,8128;SC0,10000,0,10000;WU1;SP1;" + "PA1042,8658;PM0;PD;PA1055,8696,1055,8619;PU;" * 30
REGIS = "\x1b[2J\x1bP1pS(C0)\nS(E)\n" + "P[194,64]\nV[][,-2][,+4][,-2][-2,-1]\n" * 30
PSTRICKS = "\\begin{pspicture}(8,6)\n" + "\\moveto(2,5)\n\\lineto(3,4)\n\\closepath\n" * 40


@pytest.mark.parametrize("text", [GERBER, GCODE, HPGL, HPGL2, PSTRICKS])
def test_a_pen_drawing_is_reported_as_not_read_but_its_text_is_read(text: str) -> None:
    extraction = extract_file("a.txt", text.encode())
    assert (extraction.status, extraction.reason) == (Status.LIMITED, "a.txt: drawing not read")
    assert extraction.parts[0].text == text


def test_a_terminal_drawing_is_reported_as_not_read() -> None:
    extraction = extract_file("a.txt", REGIS.encode())
    assert (extraction.status, extraction.reason) == (Status.LIMITED, "a.txt: drawing not read")


@pytest.mark.parametrize(
    "text",
    [
        HPGL + "LBSSN 219-09-9999\x03;",
        "G1 is a gene. X1 and Y2 are others.\n" * 30,
        "\\begin{pspicture}(8,6)\\rput(1,1){words}\\end{pspicture}\n",
        "IN;TO;OF words\n",
    ],
    ids=["HP-GL with labels", "prose", "TeX with words", "words"],
)
def test_texts_similar_to_plots_are_texts(text: str) -> None:
    extraction = extract_file("a.txt", text.encode())
    assert (extraction.status, extraction.parts[0].reader) == (Status.COMPLETE, "text")
