"""Finds patterns of addresses and domains that match nothing, or more than intended, and proposes correct ones.

A pattern is an address, `*@domain`, a domain, or a Postfix table (see `conditions.address_matcher`). All these errors
are valid patterns, so nothing fails: a policy never matches, or internal mail counts as external.
"""

import re

from holdgate.tables import is_table

_LABEL = r"[^\s@.,;<>()\"/\\^$|*?\[\]]+"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})*")
_SHELL_DOMAIN = re.compile(r"(\*\.)?[^\s@,;<>()\"/\\^$|]+")
_NUMBERS = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_REGULAR = re.compile(r"^/.*/$|[\\^$|]|^\.\*|\(\?|\[\^|\]\+")
_TABLE_TYPES = (
    "hash",
    "btree",
    "lmdb",
    "cdb",
    "texthash",
    "pcre",
    "regexp",
    "cidr",
    "ldap",
    "mysql",
    "pgsql",
    "sqlite",
)


def domain_mistake(value: str, *, wildcards: bool = True) -> str:
    """Return the error in a domain name, with the correct name; "" if there is none.

    `wildcards` is true if the list accepts patterns and tables. If not, a domain includes its subdomains anyway.
    """
    if reported := _form_mistake(value):
        return reported
    if is_table(value):
        return "" if wildcards else f'"{value}" is a table; write the domains themselves'
    if value in ("*", "*@*"):
        return f'"{value}" matches every domain, so all mail is internal; list your own domains'
    if "@" in value:
        mailbox, _, domain = value.rpartition("@")
        if mailbox == "*" and wildcards and _SHELL_DOMAIN.fullmatch(domain):
            return ""
        meant = "an address" if mailbox not in ("", "*") else "no domain"
        return f'"{value}" is {meant}; did you mean "{domain}"?'
    if not wildcards and value.startswith("*."):
        return f'"{value}" has a wildcard; did you mean "{value[2:]}"? It includes its subdomains'
    return _domain_form(value, wildcards=wildcards)


def address_mistake(value: str) -> str:
    """Return the error in an address pattern, with the correct one; "" if there is none."""
    if reported := _form_mistake(value):
        return reported
    if is_table(value) or value in ("*", "<>"):
        return ""
    if "@" not in value:
        return _domain_form(value, wildcards=True)
    mailbox, _, domain = value.rpartition("@")
    if not mailbox:
        return f'"{value}" matches no address; did you mean "{domain}"?'
    if "@" in mailbox and not mailbox.startswith('"'):
        return f'"{value}" has two "@"; write one address in each entry'
    if domain.startswith("["):
        return ""
    if not domain:
        return f'"{value}" has no domain; write "{mailbox}@corp.example"'
    return _domain_form(domain, wildcards=True, before=f"{mailbox}@")


def user_mistake(value: str) -> str:
    """Return the error in a pattern of SMTP AUTH names, which need no domain; "" if there is none.

    Such a name can have any character, as in "CORP\\anna".
    """
    if value != value.strip() or not value:
        return f'"{value}" begins or ends with a space; write "{value.strip()}"' if value.strip() else "an empty entry"
    if match := re.fullmatch(r".*<([^<>]+)>", value):
        return f'"{value}" has a name next to the address; did you mean "{match[1]}"?'
    if is_table(value):
        return ""
    name, at, domain = value.rpartition("@")
    if at and not name:
        return f'"{value}" matches no user; did you mean "*{value}"?'
    return f'"{value}" has no domain; did you mean "{name}"?' if at and not domain else ""


def header_mistake(name: str) -> str:
    """Return the error in the name of a header field (RFC 5322, 2.2); "" if there is none."""
    if re.fullmatch(r"[!-9;-~]+", name):
        return ""
    meant = re.sub(r"[^!-9;-~]", "", name.partition(":")[0])
    return f'"{name}" is no name of a header field{f"""; did you mean "{meant}"?""" if meant else ""}'


def _form_mistake(value: str) -> str:
    """Return an error that address and domain patterns have in common."""
    if value != value.strip() or not value:
        return f'"{value}" begins or ends with a space; write "{value.strip()}"' if value.strip() else "an empty entry"
    if match := re.fullmatch(r".*<([^<>]+)>", value):
        return f'"{value}" has a name next to the address; did you mean "{match[1]}"?'
    if match := re.match(r"(?:mailto:|smtp:|https?://)([^/]+)", value, re.IGNORECASE):
        return f'"{value}" is a link; did you mean "{match[1]}"?'
    if is_table(value):
        return ""
    if match := re.match(r"\$[{(]?([a-z_]+)", value):
        return (
            f'"{value}" is a parameter of Postfix, which is not expanded here; write the value that '
            f'"postconf {match[1]}" prints'
        )
    if _REGULAR.search(value):
        return (
            f'"{value}" is a regular expression, but patterns here have only * and ?; write it in a file and name '
            'the table: "regexp:/etc/holdgate/NAME"'
        )
    if value.startswith(("/", "./")):
        return f'"{value}" is a file; write its type before it, as in "texthash:{value}"'
    kind = value.partition(" ")[0]
    if kind in _TABLE_TYPES and " " in value:
        return f'"{value}" is no pattern; did you mean "{kind}:{value.partition(" ")[2].strip()}"?'
    if value.startswith("%@"):
        return f'"{value}" has the wildcard of SQL; did you mean "*{value[1:]}"?'
    if value[:1] not in ('"', "[") and re.search(r"[\s,;]", value):
        parts = [part for part in re.split(r"[\s,;]+", value) if part]
        several = ", ".join(f'"{part}"' for part in parts)
        return f'"{value}" contains several entries in one text; write a list: [{several}]'
    return ""


def _domain_form(domain: str, *, wildcards: bool, before: str = "") -> str:
    """Return the error in a domain; `before` is the text before it in the pattern, with the "@"."""
    shown = f'"{before}{domain}"'
    if domain.startswith("[") and domain.endswith("]"):
        return f"{shown} is an address literal, which is never internal" if not wildcards else ""
    if domain.startswith("."):
        meant = f"{before}*{domain}" if wildcards else domain[1:]
        return f'{shown} matches nothing; did you mean "{meant}"?'
    if _NUMBERS.fullmatch(domain):
        return f'{shown} is an IP address, but a domain is needed; write one, as in "{before}corp.example"'
    if match := re.fullmatch(r"([^:]+):\d+", domain):
        return f'{shown} has a port; did you mean "{before}{match[1]}"?'
    if domain.endswith("."):
        return f'{shown} ends with a dot, and addresses do not; did you mean "{before}{domain[:-1]}"?'
    if match := re.fullmatch(r"\*([^.*?@\[][^*?@\[]*\.[^.*?@\[]+)", domain):
        return (
            f"{shown} matches every domain that ends like this, also other people's; did you mean "
            f'"{before}{match[1]}" and "{before}*.{match[1]}"?'
        )
    if ".." in domain:
        return f'{shown} has two dots together; did you mean "{before}{re.sub(r"[.]+", ".", domain)}"?'
    if not (_SHELL_DOMAIN if wildcards else _DOMAIN).fullmatch(domain):
        return f'{shown} is no domain; write it as "corp.example"'
    return ""
