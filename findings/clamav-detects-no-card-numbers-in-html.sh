#!/usr/bin/env bash
# ClamAV 1.4.6 (Debian 12): `--detect-structured` (clamd: StructuredDataDetection) finds card numbers in text, in mail in
# base64, in Word, Excel and PDF files and in archives, but not in HTML. What is recognised as HTML, a page or the usual body
# of a mail, is "OK" with any number of them: in a paragraph, or in the cells of a table. The same lines without the tag
# <html> are plain text, and found. UTF-16 text is not searched either. The count is per file: two numbers in one file and two in the
# next of the same archive never reach a limit of three. clamd.conf(5) says only "scan within messages or files".
#
# Seen:
#   text.txt FOUND
#   mail-with-text.eml FOUND
#   fragment-of-html.html FOUND
#   page.html OK
#   table.html OK
#   mail-with-html.eml OK
#   utf16.txt OK
#   two-and-two.tar OK
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# Debian's snapshot may have moved on: then apt says that it has no such version.
apt-get -q -o APT::Sandbox::User=root download clamav=1.4.6+dfsg-0+deb12u1 libclamav12=1.4.6+dfsg-0+deb12u1 libmspack0=0.11-1 >/dev/null
for package in *.deb; do dpkg -x "$package" root; done
mkdir known files
echo "00000000000000000000000000000000:1:None" >known/none.hdb # a database is required, this one matches nothing
cd files
numbers="4111111111111111 5500005555555559 4012888888881881 5105105105105100"
head="From: anna@corp.example\nSubject: cards\nMIME-Version: 1.0\nContent-Type: "
echo "cards $numbers" >text.txt
{ printf "%btext/plain\nContent-Transfer-Encoding: base64\n\n" "$head" && base64 text.txt; } >mail-with-text.eml
echo "<p>cards $numbers</p>" >fragment-of-html.html
echo "<html><body><p>cards $numbers</p></body></html>" >page.html
{ echo "<html><body><table>" && printf "<tr><td> %s </td></tr>\n" $numbers && echo "</table></body></html>"; } >table.html
{ printf "%btext/html\n\n" "$head" && cat page.html; } >mail-with-html.eml
iconv -t UTF-16 text.txt >utf16.txt
printf "%s\n" 4111111111111111 5500005555555559 >one
printf "%s\n" 4012888888881881 5105105105105100 >two
tar cf two-and-two.tar one two
for file in text.txt mail-with-text.eml fragment-of-html.html page.html table.html mail-with-html.eml utf16.txt two-and-two.tar; do
  LD_LIBRARY_PATH=$(echo "$work"/root/usr/lib/*-linux-gnu) "$work/root/usr/bin/clamscan" --database="$work/known" \
    --detect-structured=yes --structured-cc-count=3 --no-summary "$file" >"$work/result" 2>"$work/errors" || [[ $? = 1 ]]
  echo "$file $(grep -oE 'FOUND|OK' "$work/result")"
done | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
text.txt FOUND
mail-with-text.eml FOUND
fragment-of-html.html FOUND
page.html OK
table.html OK
mail-with-html.eml OK
utf16.txt OK
two-and-two.tar OK
SEEN
