#!/usr/bin/env bash
# kreuzberg 4.10.4, EmailMessage.get_body() of Python 3.11.7, the Ruby gem mail 2.8.1 (Debian 13) as readers, with mailparser 3.14.2 and postal-mime
# 4.0.0 (npm) for comparison: a picture that was dropped into the middle of a plain text, as Apple's Mail does it, makes three parts of multipart/mixed:
# text, picture, text. Every mail program shows both texts, for parts of multipart/mixed are one after the other (RFC 2046, 5.1.3). Three readers return the first
# and no sign of the second: get_body() of the policy that Python recommends is "the body" of the message, kreuzberg's content is meant
# to be all of it, and text_part of Ruby's gem is what its README reads. With the usual test mail, whose text is one part, they
# are complete. A search, a language model or a DLP filter gets the greeting, and not what was written below the picture. A
# footer of a mailing list is such a part too. In Python, walk() and take each text part that is no attachment.
#
# Seen:
#   get_body: before True, after False
#   iter_attachments, content type and file name: image/png p.png, text/plain None
#   kreuzberg: before True, after False
#   Ruby, text_part: before True, after False
#   Ruby, attachments: p.png
#   mailparser: before True, after True
#   postal-mime: before True, after True
set -euo pipefail
# As root, with: apt install mmdebstrap, and Node.js 20
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=ruby-mail trixie "$work/root"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check kreuzberg==4.10.4
(cd "$work" && npm install --silent --no-audit --no-fund mailparser@3.14.2 postal-mime@4.0.0)
cat >"$work/root/mail.eml" <<'MAIL'
From: anna@corp.example
To: ben@partner.example
Subject: picture
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="x"

--x
Content-Type: text/plain; charset=us-ascii

before the picture
--x
Content-Type: image/png; name="p.png"
Content-Disposition: inline; filename="p.png"
Content-Transfer-Encoding: base64

iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAG7buVgAAAABJRU5ErkJggg==
--x
Content-Type: text/plain; charset=us-ascii

after the picture
--x--
MAIL
cat >"$work/read.py" <<'PYTHON'
import email
import sys
from email import policy

import kreuzberg

raw = open(sys.argv[1], "rb").read()
message = email.message_from_bytes(raw, policy=policy.default)


def show(name, text):
    print(f"{name}: before {'before' in text}, after {'after' in text}")


show("get_body", message.get_body(("plain", "html")).get_content())
others = [f"{part.get_content_type()} {part.get_filename()}" for part in message.iter_attachments()]
print("iter_attachments, content type and file name:", ", ".join(others))
show("kreuzberg", kreuzberg.extract_bytes_sync(raw, "message/rfc822").content)
PYTHON
cat >"$work/root/read.rb" <<'RUBY'
require "mail"

message = Mail.read("/mail.eml")
text = message.text_part.decoded
puts "Ruby, text_part: before #{text.include?("before").to_s.capitalize}, after #{text.include?("after").to_s.capitalize}"
puts "Ruby, attachments: #{message.attachments.map(&:filename).join(", ")}"
RUBY
cat >"$work/read.mjs" <<'NODE'
import fs from "node:fs";
import { simpleParser } from "mailparser";
import PostalMime from "postal-mime";

const raw = fs.readFileSync(process.argv[2]);
const show = (name, text) => {
  const found = ["before", "after"].map((word) => `${word} ${text.includes(word) ? "True" : "False"}`);
  console.log(`${name}: ${found.join(", ")}`);
};
show("mailparser", (await simpleParser(raw)).text);
show("postal-mime", (await PostalMime.parse(raw)).text);
NODE
{
  "$work/venv/bin/python" "$work/read.py" "$work/root/mail.eml"
  chroot "$work/root" ruby /read.rb
  node "$work/read.mjs" "$work/root/mail.eml"
} 2>"$work/errors" | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
get_body: before True, after False
iter_attachments, content type and file name: image/png p.png, text/plain None
kreuzberg: before True, after False
Ruby, text_part: before True, after False
Ruby, attachments: p.png
mailparser: before True, after True
postal-mime: before True, after True
SEEN
