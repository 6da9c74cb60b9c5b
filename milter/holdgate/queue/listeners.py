"""Optional listeners of master.cf, as in ``postfix/change.cf`` and ``postfix/replace.cf``.

One is for messages that are approved with changes, the other for amended messages of programs.
"""

from pathlib import Path

from holdgate.config import Settings
from holdgate.queue import presence
from holdgate.queue.postfix import Postfix

_OPTIONS = {
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
_CLEANUP = (
    f"{presence.CHANGE_CLEANUP} unix n - n - 0 cleanup -o syslog_name={presence.CHANGE_LOG} "
    f"-o header_checks={presence.holdgate_map('change_header_checks')} -o mime_header_checks= -o nested_header_checks= "
    "-o body_checks= -o message_size_limit=0"
)

_REPLACE_OPTIONS = {
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


def set_replace_listener(draft: Postfix, settings: Settings) -> None:
    """Add the listener that `desk.replacement_relay` names, with the milters of main.cf; an existing one is kept."""
    relay = settings.desk.replacement_relay
    if not isinstance(relay, Path) or presence.replace_listener(draft.services(), settings):
        return
    for service in draft.services():
        if service.settings.get("syslog_name") == presence.REPLACE_LOG:
            draft.remove_service(str(service))
    options = {"syslog_name": presence.REPLACE_LOG, **_REPLACE_OPTIONS}
    line = " ".join((f"{relay.name} unix n - n - - smtpd", *(f"-o {key}={value}" for key, value in options.items())))
    draft.set_service(f"{relay.name}/unix", line)


def set_change_listener(draft: Postfix, settings: Settings, postfix: Postfix) -> None:
    """Add the listener that `desk.change_relay` names, with the milters after Holdgate's, which may sign.

    An existing one is not changed: its milters may have been chosen by hand.
    """
    relay = settings.desk.change_relay
    if not isinstance(relay, Path) or presence.change_listener(draft.services(), settings):
        return
    for service in draft.services():
        if service.settings.get("syslog_name") == presence.CHANGE_LOG:
            draft.remove_service(str(service))
    milters = presence.milters_after_holdgate(draft.setting("smtpd_milters"), settings, postfix)
    options = {"syslog_name": presence.CHANGE_LOG, "smtpd_milters": milters, **_OPTIONS}
    line = " ".join((f"{relay.name} unix n - n - - smtpd", *(f"-o {key}={value}" for key, value in options.items())))
    draft.set_service(f"{relay.name}/unix", line)
    draft.set_service(f"{presence.CHANGE_CLEANUP}/unix", _CLEANUP)
