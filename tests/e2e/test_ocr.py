"""Text in images, read by a separate pool for mail for which a policy requires OCR."""

import io
import re
from collections.abc import Iterator
from email.message import EmailMessage

import httpx2
import pytest
from PIL import Image, ImageDraw, ImageFont

from holdgate.quarantine.incident import Incident
from holdgate.quarantine.states import State
from testbed import sample_mail
from testbed.ports import PATIENCE
from testbed.site import Site
from tests.e2e.conftest import running_site
from tests.e2e.desk import closed, link_in, mail_about, parsed

BOSS = "boss@corp.example"
POLICIES = """
[[policy]]
name = "pictures"
recipient = "*@partner.example"
profile = { dlp-pii = "low" }
action = "quarantine"
ocr = true
moderation = { changes = ["redact"] }

[[policy]]
name = "friends"
recipient = "*@friend.example"
inspection = ["limited"]
action = "allow"
"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running_site(
        policies=POLICIES,
        extra='\n[ocr]\nmode = "policies"\nlanguages = ["eng"]\n[moderation]\nmoderators = ["boss@corp.example"]\n',
    ) as running:
        yield running


def scan_of_a_letter() -> EmailMessage:
    picture = Image.new("L", (1240, 700), 255)
    font = ImageFont.load_default(size=44)
    ImageDraw.Draw(picture).text((80, 120), f"Credit card: {sample_mail.CARD}\n\nExpires 12/29", font=font, fill=0)
    stream = io.BytesIO()
    picture.save(stream, "PNG", dpi=(150, 150))
    message = sample_mail.letter("Scan", "The form is attached.\n")
    message.add_attachment(stream.getvalue(), maintype="image", subtype="png", filename="scan.png")
    return message


def incident(site: Site, recipient: str) -> Incident:
    def find() -> list[Incident]:
        return [one for one in site.store.incidents() if recipient in one.recipients]

    return site.wait_for(find, f"an incident for {recipient}")[0]


def test_a_number_in_an_image_is_found_if_a_policy_requires_ocr(site: Site) -> None:
    site.submit(scan_of_a_letter().as_bytes(), sample_mail.SENDER, sample_mail.RECIPIENT)
    found = incident(site, sample_mail.RECIPIENT)
    assert found.policy == "pictures"
    assert {finding["identifier"] for finding in found.findings} == {"payment-card", "card-expiry"}
    assert found.status == "complete"
    assert "holdgate_ocr_seconds_count 1.0" in site.metrics("milter")


def test_without_ocr_an_image_is_not_read_and_the_mail_is_not_clean(site: Site) -> None:
    site.submit(scan_of_a_letter().as_bytes(), sample_mail.SENDER, "somebody@other.example")
    held = incident(site, "somebody@other.example")
    assert (held.policy, held.status, held.findings) == ("uninspected", "limited", [])
    assert "image not read" in held.reason
    site.submit(scan_of_a_letter().as_bytes(), sample_mail.SENDER, "x@friend.example")
    site.wait_for(lambda: site.next_hop.to("x@friend.example"), "delivery where a policy allows it")


def test_a_moderator_reads_the_masked_text_of_an_image_on_request(site: Site) -> None:
    recipient = "shown@partner.example"
    message = scan_of_a_letter()
    message.replace_header("Message-ID", "<shown@corp.example>")
    site.submit(message.as_bytes(), sample_mail.SENDER, recipient)
    held = incident(site, recipient)
    with httpx2.Client(follow_redirects=True, timeout=PATIENCE) as client:
        client.get(link_in(mail_about(site, BOSS, held)))
        address = f"{site.settings.desk.public_url}/incidents/{held.id}/text"
        quick = client.get(address).text
        (query,) = re.findall(rf'href="/incidents/{held.id}/text(\?[^"]*)"', quick)
        slow = client.get(address + query).text
    words = "Expires"  # only the image has it
    assert [words in one for one in (quick, slow)] == [False, True]
    assert sample_mail.CARD not in slow
    assert "<mark" in slow
    assert "image not read" not in slow


def dark(picture: bytes) -> float:
    """Return the share of dark pixels in the line of the card number."""
    line = Image.open(io.BytesIO(picture)).convert("L").crop((80, 110, 1160, 180))
    return line.point(lambda shade: shade < 128).convert("L").histogram()[1] / (line.width * line.height)


def test_a_number_in_an_image_is_blacked_out_if_a_moderator_approves_the_message_redacted(site: Site) -> None:
    recipient = "redacted@partner.example"
    message = scan_of_a_letter()
    message.replace_header("Message-ID", "<redacted@corp.example>")
    site.submit(message.as_bytes(), sample_mail.SENDER, recipient)
    held = incident(site, recipient)
    site.wait_for(lambda: [one for one in site.store.incidents([State.HELD]) if one.id == held.id], "it to be held")
    done = site.command("release", held.id, "--redacted")
    assert done.returncode == 0, done.stderr + site.log("desk")
    closed(site, held, State.RELEASED)
    (delivery,) = site.wait_for(lambda: site.next_hop.to(recipient), "delivery")
    (sent,) = parsed(delivery).iter_attachments()
    (original,) = message.iter_attachments()
    assert dark(sent.get_content()) > 3 * dark(original.get_content())
