from hypothesis import given
from hypothesis import strategies as st

from holdgate.extract.extractor import extract_file
from holdgate.extract.readers.texts.printed import pcl, troff

# As groff 1.22.4 writes it with -Tlj4 and with -Tps -Z.
PCL = (
    "\x1bE\x1b&u1200D\x1b&l26A\x1b(s1p0s0b4101T\x1b(s10V\x1b*p1331x2710YSoc\x1b*p+2Xial\x1b*p+49Xnumber"
    "\x1b*p+49X219-09-9999\x1b*p1331x2970YCr\x1b*p-3Xedit\x1b*p+49Xcar\x1b*p-3Xd\x1b*p+49X4111\x1b*p+49X1111\x1bE"
)
TROFF = """x T ps
x res 72000 1 1
x init
p1
x font 5 TR
f5
s10000
V162600
H97000
tSocial
wh2500
tn
h10tumber
wh2500
t219-09-9999
n12000 0
V174600
Cat
h2500
CEu
w33I33Bc4
n12000 0
x stop
"""


def test_words_of_a_printer_file_are_joined() -> None:
    assert pcl(PCL) == "Social number 219-09-9999\nCredit card 4111 1111"
    assert "Social number 219-09-9999" in extract_file("print.prn", PCL.encode()).parts[0].text


def test_labels_of_a_plot_in_pcl_keep_their_dashes() -> None:
    # As GNU plotutils 2.6 writes it with -T pcl.
    plot = b"\x1b%0B\nBP;IN;SP1;PA-274,4936;LBSocial security number 219\xf609\xf69999\x03;PA3365,4796;PG0;\n\x1b%0A\n"
    assert "219-09-9999" in extract_file("a.pcl", plot).parts[0].text


def test_words_of_troff_output_are_joined() -> None:
    assert "Social number 219-09-9999" in troff(TROFF)
    assert "Social number 219-09-9999" in extract_file("a.ditroff", TROFF.encode()).parts[0].text


def test_other_texts_are_not_recognised_as_printer_output() -> None:
    assert pcl("\x1b[1mbold\x1b[0m") == pcl("plain *p+49X") == ""
    assert troff("x T ps and so on") == troff("t219") == ""


@given(st.text(alphabet="\x1b*p&(s+-0123456789XYxyE ", max_size=200), st.text(max_size=200))
def test_any_text_is_read_without_an_exception(one: str, other: str) -> None:
    pcl("\x1b*p" + one)
    troff("x T ps\nx res 1 1 1\n" + other)
