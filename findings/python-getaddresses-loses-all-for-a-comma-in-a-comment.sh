#!/usr/bin/env bash
# Python 3.11.2 of Debian 12 (python3.11 3.11.2-6+deb12u6); upstream 3.13.0 does the same: getaddresses() is strict by default. It
# compares the number of addresses with that of commas, which it counts outside of quoted strings, but also inside
# of comments. A comma in a comment is valid (RFC 5322, 3.2.2), and programs write a name so: "anna@corp.example (Doe, Anna)",
# as Postfix does with header_from_format=obsolete. One such address empties the result for all fields of
# the call, [('', '')], without an exception: a program that looks for the recipients or the author finds nobody. parseaddr()
# finds the address. The documentation calls what is rejected "malformed". The classes of the newer policies,
# email.policy.default.header_factory(name, value).addresses, find all.
#
# Seen:
#   getaddresses: [('', '')]
#   getaddresses of two fields: [('', '')]
#   the same without the comma: [('Anna Doe', 'anna@corp.example'), ('', 'ben@corp.example')]
#   parseaddr: ('Doe, Anna', 'anna@corp.example')
#   header_factory: anna@corp.example ben@corp.example
set -euo pipefail
[[ $(dpkg-query -W -f '${Version}' python3.11) = 3.11.2-6+deb12u* ]] # apt install python3 (Debian 12)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
/usr/bin/python3 - <<'PYTHON' | tee "$work/seen"
import email.policy
from email.utils import getaddresses, parseaddr

FIELD = "anna@corp.example (Doe, Anna), ben@corp.example"
print("getaddresses:", getaddresses([FIELD]))
print("getaddresses of two fields:", getaddresses(["cem@corp.example", FIELD]))
print("the same without the comma:", getaddresses([FIELD.replace("Doe, Anna", "Anna Doe")]))
print("parseaddr:", parseaddr("anna@corp.example (Doe, Anna)"))
found = email.policy.default.header_factory("To", FIELD).addresses
print("header_factory:", *(address.addr_spec for address in found))
PYTHON
diff "$work/seen" - <<'SEEN'
getaddresses: [('', '')]
getaddresses of two fields: [('', '')]
the same without the comma: [('Anna Doe', 'anna@corp.example'), ('', 'ben@corp.example')]
parseaddr: ('Doe, Anna', 'anna@corp.example')
header_factory: anna@corp.example ben@corp.example
SEEN
