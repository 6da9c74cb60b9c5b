#!/usr/bin/env bash
# lxml 6.1.3 (libxml2 2.14.6, Python 3.11): its HTML parser ends the document before the first attribute, text, comment or
# style that is longer than 10,000,000 bytes, such as the data URI of a picture of 7.6 MB in the body of a mail. What stands
# before is returned as a whole document. There is no exception and no warning, for HTMLParser repairs errors by default
# (recover=True); only its error_log has a line. Tools on top of it return a part of the text, such as inscriptis 2.7.6.
# HTMLParser(huge_tree=True) reads all; so does Beautiful Soup 4.15.0 with features="lxml", which feeds lxml in pieces.
#
# Seen:
#   lxml, 7.4 MB: before after
#   lxml, 7.6 MB: before
#   inscriptis, 7.6 MB: before
#   lxml with huge_tree, 7.6 MB: before after
#   Beautiful Soup, 7.6 MB: before after
#   error_log: Resource limit exceeded
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check lxml==6.1.3 inscriptis==2.7.6 beautifulsoup4==4.15.0
"$work/venv/bin/python" - <<'PYTHON' | tee "$work/seen"
import base64

import bs4
import inscriptis
import lxml.html


def mail(megabytes):
    picture = base64.b64encode(bytes(int(megabytes * 1_000_000))).decode()
    return f'<html><body><p>before</p><img src="data:image/png;base64,{picture}"><p> after</p></body></html>'


def shown(text):
    return " ".join(text.split())


long = mail(7.6)
print("lxml, 7.4 MB:", shown(lxml.html.document_fromstring(mail(7.4)).text_content()))
parser = lxml.html.HTMLParser()
print("lxml, 7.6 MB:", shown(lxml.html.document_fromstring(long, parser=parser).text_content()))
print("inscriptis, 7.6 MB:", shown(inscriptis.get_text(long)))
huge = lxml.html.HTMLParser(huge_tree=True)
print("lxml with huge_tree, 7.6 MB:", shown(lxml.html.document_fromstring(long, parser=huge).text_content()))
print("Beautiful Soup, 7.6 MB:", shown(bs4.BeautifulSoup(long, "lxml").get_text()))
print("error_log:", parser.error_log[-1].message.partition(":")[0])
PYTHON
diff "$work/seen" - <<'SEEN'
lxml, 7.4 MB: before after
lxml, 7.6 MB: before
inscriptis, 7.6 MB: before
lxml with huge_tree, 7.6 MB: before after
Beautiful Soup, 7.6 MB: before after
error_log: Resource limit exceeded
SEEN
