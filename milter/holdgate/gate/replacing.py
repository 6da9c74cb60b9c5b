"""Recognises an amended message that a program sends in place of a held one, when it reaches the milter.

The desk submits it to a listener that puts all mail into the hold queue (desk/replacing.py). It is inspected like any
other message. If no policy holds it, it keeps the field by which the queue agent recognises it, which releases it after
the replaced message is withdrawn. If a policy holds it, its incident has no queue id until then, and no request is
sent.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from holdgate import headers
from holdgate.machines.traffic import MachineMail, UnansweredError
from holdgate.quarantine.incident import Incident
from holdgate.quarantine.replacements import Replacement
from holdgate.quarantine.store import Store

FIELD = headers.REPLACES.lower()


def named(store: Store, fields: Mapping[str, Sequence[bytes]]) -> Replacement | None:
    """Return which held message a message replaces; None for any other message, and if the field proves nothing.

    `fields` are the values of its header by lower-case name. Raises the store's errors.
    """
    values = fields.get(FIELD, ())
    if len(values) != 1:
        return None
    mark = headers.decode(values[0])
    found = store.replacements.marked(mark)
    return found if found is not None and found.mark == mark else None


def require_same_account(store: Store, replacement: Replacement, mail: MachineMail | None) -> None:
    """Raise UnansweredError if a message is not from the account that sent the held one.

    Otherwise its mail would be counted as another account's, or as a person's.
    """
    if mail is None or store.machine_tokens.message(mail.account, replacement.incident_id) is None:
        raise UnansweredError("a replacement does not come as mail of its account; is XCLIENT possible there?")


def held(store: Store, replacement: Replacement, incident: Incident) -> Incident:
    """Return the incident to record for an amended message that a policy holds."""
    store.replacements.held(replacement, incident.id)
    digest = hashlib.sha256(f"replacement {replacement.mark}".encode()).hexdigest()
    return replace(incident, queue_id="", message_digest=digest)
