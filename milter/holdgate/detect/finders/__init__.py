"""Kinds of data whose places are not found by a form of digits and letters, each by a finder of its own."""

from holdgate.detect.finders import email, phone
from holdgate.detect.finders.finder import Finder

FINDERS: dict[str, Finder] = {
    "email-address": email.find,
    "phone-number": phone.find,
}
