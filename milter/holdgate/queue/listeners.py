"""Holdgate's listeners in master.cf, as `attach` adds them: for notices, and for messages that wait in the hold queue.

``postfix/`` has the same as files, with the reason for each option.
"""

from collections.abc import Mapping
from pathlib import Path

from holdgate.config import Settings
from holdgate.queue import presence
from holdgate.queue.postfix import Postfix

_NOTICES = {
    "syslog_name": presence.LISTENER_LOG,
    "smtpd_milters": "",
    "smtpd_client_restrictions": "permit_mynetworks,reject",
    "smtpd_relay_restrictions": "permit_mynetworks,reject",
    "mynetworks": "127.0.0.0/8,[::1]/128",
    "smtpd_authorized_xforward_hosts": "",
    "smtpd_tls_security_level": "none",
    "receive_override_options": "no_header_body_checks,no_milters",
    "cleanup_service_name": presence.CLEANUP,
}
# No copies of notices are sent: the link in a request lets its reader decide. Aliases stay active.
_NOTICES_CLEANUP = {
    "syslog_name": presence.LISTENER_LOG,
    "always_bcc": "",
    "sender_bcc_maps": "",
    "recipient_bcc_maps": "",
}

# Its only client is the desk, and all its mail is held: messages that are approved with changes.
_CHANGES = {
    "smtpd_milter_maps": "",
    "smtpd_client_restrictions": "permit_mynetworks,reject",
    "smtpd_relay_restrictions": "permit_mynetworks,reject",
    "smtpd_recipient_restrictions": "check_recipient_access,static:HOLD,permit_mynetworks,reject",
    "mynetworks": "127.0.0.0/8,[::1]/128",
    "smtpd_authorized_xforward_hosts": "",
    "smtpd_reject_unlisted_recipient": "no",
    "smtpd_reject_unlisted_sender": "no",
    "smtpd_discard_ehlo_keywords": "",
    "smtpd_tls_security_level": "none",
    "smtpd_recipient_limit": "100000",
    "message_size_limit": "0",
    "receive_override_options": "no_address_mappings",
    "cleanup_service_name": presence.CHANGE_CLEANUP,
}
_CHANGES_CLEANUP = {
    "syslog_name": presence.CHANGE_LOG,
    "header_checks": presence.holdgate_map("change_header_checks"),
    "mime_header_checks": "",
    "nested_header_checks": "",
    "body_checks": "",
    "message_size_limit": "0",
}

# The only client of such a listener is one of Holdgate's daemons, which names the message's own client by XCLIENT. All
# its mail is held. Another service has accepted the message, and applied its restrictions and limits.
_FOR_ANOTHER_CLIENT = {
    "smtpd_milter_maps": "",
    "smtpd_client_restrictions": "",
    "smtpd_helo_restrictions": "",
    "smtpd_sender_restrictions": "",
    "smtpd_relay_restrictions": "permit_mynetworks,reject",
    "smtpd_recipient_restrictions": "check_client_access,static:HOLD,permit",
    "smtpd_data_restrictions": "",
    "smtpd_end_of_data_restrictions": "",
    "mynetworks": "0.0.0.0/0,[::]/0",
    "smtpd_authorized_xclient_hosts": "127.0.0.0/8,[::1]/128",
    "smtpd_authorized_xforward_hosts": "",
    "smtpd_helo_required": "no",
    "smtpd_discard_ehlo_keywords": "",
    "smtpd_discard_ehlo_keyword_address_maps": "",
    "smtpd_command_filter": "",
    "smtpd_proxy_filter": "",
    "smtpd_tls_security_level": "none",
    "smtpd_client_connection_count_limit": "0",
    "smtpd_client_connection_rate_limit": "0",
    "smtpd_client_message_rate_limit": "0",
    "smtpd_client_recipient_rate_limit": "0",
    "milter_macro_daemon_name": "ORIGINATING",
}
_SPLIT = _FOR_ANOTHER_CLIENT | {
    "smtpd_reject_unlisted_recipient": "no",
    "smtpd_reject_unlisted_sender": "no",
    "smtpd_recipient_limit": "100000",
    "message_size_limit": "0",
    "cleanup_service_name": presence.SPLIT_CLEANUP,
}
# The site's checks were made when the message was received, and the copies of all mail were already sent. Holdgate's
# table also holds the copy because of its header.
_SPLIT_CLEANUP = {
    "syslog_name": presence.SPLIT_LOG,
    "always_bcc": "",
    "sender_bcc_maps": "",
    "recipient_bcc_maps": "",
    "message_size_limit": "0",
    "header_checks": presence.holdgate_map("header_checks"),
    "mime_header_checks": "",
    "nested_header_checks": "",
    "body_checks": "",
}


def set_notice_listener(draft: Postfix, settings: Settings) -> None:
    """Add the listener for notices, with its own cleanup(8), and replace one that an earlier version made."""
    if not presence.wants_listener(settings):
        return
    listener = presence.notice_listener(draft.services(), settings)
    for old in presence.own_listeners(draft.services()):
        if old != listener or "cleanup_service_name" not in old.settings:
            draft.remove_service(str(old))
            listener = None if old == listener else listener
    if listener is None:
        kind = "unix" if isinstance(settings.desk.notice_relay, Path) else "inet"
        _set_smtpd(draft, f"{presence.listener_name(settings)}/{kind}", _NOTICES)
        _set_cleanup(draft, presence.CLEANUP, _NOTICES_CLEANUP)


def set_change_listener(draft: Postfix, settings: Settings, postfix: Postfix) -> None:
    """Add the listener that `desk.change_relay` names, with the milters after Holdgate's, which may sign.

    An existing one is not changed: its milters may have been chosen by hand.
    """
    relay = settings.desk.change_relay
    if not isinstance(relay, Path) or presence.change_listener(draft.services(), settings):
        return
    _remove_logging_as(draft, presence.CHANGE_LOG)
    milters = presence.milters_after_holdgate(draft.setting("smtpd_milters"), settings, postfix)
    options = {"syslog_name": presence.CHANGE_LOG, "smtpd_milters": milters, **_CHANGES}
    _set_smtpd(draft, f"{relay.name}/unix", options)
    _set_cleanup(draft, presence.CHANGE_CLEANUP, _CHANGES_CLEANUP)


def set_replace_listener(draft: Postfix, settings: Settings) -> None:
    """Add the listener that `desk.replacement_relay` names, with the milters of main.cf; an existing one is kept."""
    relay = settings.desk.replacement_relay
    if not isinstance(relay, Path) or presence.replace_listener(draft.services(), settings):
        return
    _remove_logging_as(draft, presence.REPLACE_LOG)
    _set_smtpd(draft, f"{relay.name}/unix", {"syslog_name": presence.REPLACE_LOG, **_FOR_ANOTHER_CLIENT})


def set_split_listener(draft: Postfix, settings: Settings) -> None:
    """Add or renew the listener for copies that wait, with the milters that must see them when they are held."""
    milters = presence.split_milters(draft.services(), settings, draft)
    listener, cleanup = f"{settings.milter.split_relay.name}/unix", f"{presence.SPLIT_CLEANUP}/unix"
    _remove_logging_as(draft, presence.SPLIT_LOG, but=(listener, cleanup))
    present = {str(one): one.settings for one in draft.services()}
    options = {"syslog_name": presence.SPLIT_LOG, "smtpd_milters": milters, **_SPLIT}
    if present.get(listener) != options:
        _set_smtpd(draft, listener, options)
    if present.get(cleanup) != _SPLIT_CLEANUP:
        _set_cleanup(draft, presence.SPLIT_CLEANUP, _SPLIT_CLEANUP)


def _remove_logging_as(draft: Postfix, log: str, but: tuple[str, ...] = ()) -> None:
    """Remove the services with this syslog_name, which a listener of another name had."""
    for service in draft.services():
        if service.settings.get("syslog_name") == log and str(service) not in but:
            draft.remove_service(str(service))


def _set_smtpd(draft: Postfix, service: str, options: Mapping[str, str]) -> None:
    """Set a listener, named as "name/type"."""
    name, _, kind = service.rpartition("/")
    draft.set_service(service, _line(f"{name} {kind} n - n - - smtpd", options))


def _set_cleanup(draft: Postfix, name: str, options: Mapping[str, str]) -> None:
    draft.set_service(f"{name}/unix", _line(f"{name} unix n - n - 0 cleanup", options))


def _line(service: str, options: Mapping[str, str]) -> str:
    """Return a line of master.cf; no option contains a space."""
    return " ".join((service, *(f"-o {name}={value}" for name, value in options.items())))
