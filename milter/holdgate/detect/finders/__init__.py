"""Kinds of data that no form of digits and letters describes, each with its own finder."""

from holdgate.detect.finders import (
    address,
    bic,
    credentials,
    date,
    email,
    mrz,
    network,
    password,
    person,
    phone,
    series,
    track,
)
from holdgate.detect.finders.finder import Finder

FINDERS: dict[str, Finder] = {
    "bic": bic.find,
    "date": date.find,
    "email-address": email.find,
    "ip-address": network.find,
    "machine-readable-zone": mrz.find,
    "organisation": person.find_organisation,
    "password": password.find,
    "person-name": person.find,
    "phone-number": phone.find,
    "postal-address": address.find,
    "series": series.find,
    "street": address.find_street,
    "street-in-town": address.find_street_in_town,
    "track-data": track.find,
    "url-credentials": credentials.find,
}
