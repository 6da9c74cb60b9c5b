"""Names of findings with their number: "2 US Social Security numbers", "1 passport number (Germany)"."""

from collections.abc import Callable

from holdgate.desk.language.catalogue import Catalogue

Text = Callable[[str, str], tuple[str, str]]


def N_(one: str, many: str) -> tuple[str, str]:
    """Mark the two English forms of a name for the catalogues."""
    return one, many


# Kinds that exist in several countries, by their identifiers' names after the country.
_KINDS = {
    "passport": N_("{count} passport number ({country})", "{count} passport numbers ({country})"),
    "identity": N_("{count} identity card number ({country})", "{count} identity card numbers ({country})"),
    "personal": N_("{count} personal identity number ({country})", "{count} personal identity numbers ({country})"),
    "licence": N_("{count} driving licence number ({country})", "{count} driving licence numbers ({country})"),
    "tax": N_("{count} tax number ({country})", "{count} tax numbers ({country})"),
    "social": N_("{count} social security number ({country})", "{count} social security numbers ({country})"),
    "health": N_("{count} health insurance number ({country})", "{count} health insurance numbers ({country})"),
    "bank": N_("{count} bank account number ({country})", "{count} bank account numbers ({country})"),
    "plate": N_("{count} vehicle number plate ({country})", "{count} vehicle number plates ({country})"),
    "business": N_("{count} company number ({country})", "{count} company numbers ({country})"),
    "voter": N_("{count} voter number ({country})", "{count} voter numbers ({country})"),
}
_KIND_OF = {
    **dict.fromkeys(("passport", "passport-number"), "passport"),
    **dict.fromkeys(("drivers-licence", "drivers-license", "cnh"), "licence"),
    "number-plate": "plate",
    **dict.fromkeys(("bank-account", "ccc", "cbu", "clabe", "bvn"), "bank"),
    **dict.fromkeys(
        ("tax-number", "tax-id", "tin", "tfn", "itin", "atin", "ptin", "nif", "nip", "rfc", "inn", "rntrc", "cuit"),
        "tax",
    ),
    **dict.fromkeys(
        ("cpf", "npwp", "pan", "kra-pin", "ird", "fiscal-code", "vkn", "afm", "utr", "rif", "nit"),
        "tax",
    ),
    **dict.fromkeys(("abn", "acn", "cnpj", "ein", "regon", "gstin"), "business"),
    **dict.fromkeys(
        ("ssn", "svnr", "rvnr", "nuss", "nir", "nino", "sin", "ahv", "amka", "taj", "niss", "nss", "sss", "pps"),
        "social",
    ),
    **dict.fromkeys(
        ("snils", "pis", "uan"),
        "social",
    ),
    **dict.fromkeys(
        (
            "kvnr",
            "medicare",
            "ihi",
            "nhs",
            "mbi",
            "nhi",
            "philhealth",
            "abha",
            "sus",
            "ehic",
            "bc-phn",
            "health-number",
        ),
        "health",
    ),
    **dict.fromkeys(
        ("on-ohip", "phin", "qc-ramq"),
        "health",
    ),
    **dict.fromkeys(("id-card", "cni", "residence-card", "cc", "umid"), "identity"),
    **dict.fromkeys(("voter-id", "titulo", "ine", "electoral-number"), "voter"),
}
_OWN = {
    "us-ssn": N_("{count} US Social Security number", "{count} US Social Security numbers"),
    "payment-card": N_("{count} payment card", "{count} payment cards"),
    "card-expiry": N_("{count} expiry date of a payment card", "{count} expiry dates of payment cards"),
    "card-verification-code": N_("{count} security code of a payment card", "{count} security codes of payment cards"),
    "card-track-data": N_("{count} magnetic stripe of a payment card", "{count} magnetic stripes of payment cards"),
    "iban": N_("{count} IBAN", "{count} IBANs"),
    "swift-bic": N_("{count} bank code (BIC)", "{count} bank codes (BIC)"),
    "us-routing-number": N_("{count} US bank routing number", "{count} US bank routing numbers"),
    "crypto-wallet": N_("{count} cryptocurrency address", "{count} cryptocurrency addresses"),
    "isin": N_("{count} securities number", "{count} securities numbers"),
    "cusip": N_("{count} securities number", "{count} securities numbers"),
    "email-address": N_("{count} mail address", "{count} mail addresses"),
    "phone-number": N_("{count} telephone number", "{count} telephone numbers"),
    "postal-address": N_("{count} postal address", "{count} postal addresses"),
    "person-name": N_("{count} name of a person", "{count} names of people"),
    "organisation": N_("{count} name of an organisation", "{count} names of organisations"),
    "date-of-birth": N_("{count} date of birth", "{count} dates of birth"),
    "ip-address": N_("{count} IP address", "{count} IP addresses"),
    "mac-address": N_("{count} hardware address (MAC)", "{count} hardware addresses (MAC)"),
    "imei": N_("{count} device number of a mobile phone", "{count} device numbers of mobile phones"),
    "imsi": N_("{count} subscriber number of a mobile phone", "{count} subscriber numbers of mobile phones"),
    "gps-coordinates": N_("{count} geographic position", "{count} geographic positions"),
    "vin": N_("{count} vehicle identification number", "{count} vehicle identification numbers"),
    "medical-record-number": N_("{count} patient number", "{count} patient numbers"),
    "medical-term": N_("{count} detail about health", "{count} details about health"),
    "icd-code": N_("{count} code of a diagnosis", "{count} codes of diagnoses"),
    "political-opinion": N_("{count} detail about political opinions", "{count} details about political opinions"),
    "ethnic-origin": N_("{count} detail about ethnic origin", "{count} details about ethnic origin"),
    "genetic-data": N_("{count} detail about genetic data", "{count} details about genetic data"),
    "biometric-data": N_("{count} detail about biometric data", "{count} details about biometric data"),
    "religious-belief": N_("{count} detail about religion", "{count} details about religion"),
    "sexual-orientation": N_("{count} detail about sexual orientation", "{count} details about sexual orientation"),
    "trade-union-membership": N_("{count} detail about a trade union", "{count} details about trade unions"),
    "travel-document-mrz": N_("{count} machine-readable line of an ID", "{count} machine-readable lines of IDs"),
    "classification-mark": N_("{count} confidentiality marking", "{count} confidentiality markings"),
    "eu-vat": N_("{count} VAT number", "{count} VAT numbers"),
    "eu-ehic": N_("{count} European Health Insurance Card", "{count} European Health Insurance Cards"),
    "us-dea": N_("{count} number of a US prescriber", "{count} numbers of US prescribers"),
    "us-npi": N_("{count} number of a US prescriber", "{count} numbers of US prescribers"),
    "secret-password": N_("{count} password", "{count} passwords"),
    "secret-password-hash": N_("{count} hash of a password", "{count} hashes of passwords"),
    "secret-private-key": N_("{count} private key", "{count} private keys"),
    "secret-connection-string": N_("{count} password in an address", "{count} passwords in addresses"),
}
_SECRET = N_("{count} access key", "{count} access keys")
_OTHER = N_("{count} other confidential detail", "{count} other confidential details")

COUNTRIES = {
    **{"ae": "United Arab Emirates", "al": "Albania", "am": "Armenia", "ar": "Argentina", "at": "Austria"},
    **{"au": "Australia", "az": "Azerbaijan", "bd": "Bangladesh", "be": "Belgium", "bg": "Bulgaria", "bh": "Bahrain"},
    **{"bo": "Bolivia", "br": "Brazil", "by": "Belarus", "ca": "Canada", "ch": "Switzerland", "cl": "Chile"},
    **{"cn": "China", "co": "Colombia", "cr": "Costa Rica", "cu": "Cuba", "cy": "Cyprus", "cz": "Czechia"},
    **{"de": "Germany", "dk": "Denmark", "do": "Dominican Republic", "ec": "Ecuador", "ee": "Estonia", "eg": "Egypt"},
    **{"es": "Spain", "et": "Ethiopia", "fi": "Finland", "fr": "France", "gb": "United Kingdom", "ge": "Georgia"},
    **{"gh": "Ghana", "gr": "Greece", "gt": "Guatemala", "hk": "Hong Kong", "hn": "Honduras", "hr": "Croatia"},
    **{"hu": "Hungary", "id": "Indonesia", "ie": "Ireland", "il": "Israel", "in": "India", "ir": "Iran"},
    **{"is": "Iceland", "it": "Italy", "jp": "Japan", "ke": "Kenya", "kr": "South Korea", "kw": "Kuwait"},
    **{"kz": "Kazakhstan", "lk": "Sri Lanka", "lt": "Lithuania", "lu": "Luxembourg", "lv": "Latvia", "ma": "Morocco"},
    **{"md": "Moldova", "mo": "Macao", "mt": "Malta", "mu": "Mauritius", "mx": "Mexico", "my": "Malaysia"},
    **{"ng": "Nigeria", "ni": "Nicaragua", "nl": "Netherlands", "no": "Norway", "nz": "New Zealand", "pa": "Panama"},
    **{"pe": "Peru", "ph": "Philippines", "pk": "Pakistan", "pl": "Poland", "pt": "Portugal", "py": "Paraguay"},
    **{"qa": "Qatar", "ro": "Romania", "rs": "Serbia", "ru": "Russia", "sa": "Saudi Arabia", "se": "Sweden"},
    **{"sg": "Singapore", "si": "Slovenia", "sk": "Slovakia", "sv": "El Salvador", "th": "Thailand", "tn": "Tunisia"},
    **{"tr": "Türkiye", "tw": "Taiwan", "ua": "Ukraine", "us": "United States", "uy": "Uruguay", "uz": "Uzbekistan"},
    **{"ve": "Venezuela", "vn": "Vietnam", "za": "South Africa"},
}
"""English names of the countries whose identifiers have such names, by the prefixes of these."""


def counted(catalogue: Catalogue, identifier: str, count: int, *, at_least: bool = False) -> str:
    """Return a name for `count` matches of an identifier. One of an administrator's rules is called a detail."""
    number = str(count)
    if at_least:
        number = catalogue.text("at least {count}").format(count=count)
    if own := _OWN.get(identifier):
        return catalogue.count(*own, count).format(count=number)
    country, _, rest = identifier.partition("-")
    if country == "secret":
        return catalogue.count(*_SECRET, count).format(count=number)
    if country not in COUNTRIES or not rest:
        return catalogue.count(*_OTHER, count).format(count=number)
    kind = _KINDS[_KIND_OF.get(rest, "personal")]
    return catalogue.count(*kind, count).format(count=number, country=catalogue.text(COUNTRIES[country]))
