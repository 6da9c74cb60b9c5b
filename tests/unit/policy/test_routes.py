"""The final destination of a recipient, with the real postconf and postmap on a separate configuration."""

import os
import pwd
from collections.abc import Callable, Iterable
from ipaddress import ip_network
from pathlib import Path

import pytest

from holdgate.policy import routes as module
from holdgate.policy.routes import Route, Routes
from holdgate.policy.site import without_extension
from holdgate.tables import Tables

MAIN = """\
compatibility_level = 3.6
queue_directory = /var/spool/postfix
myhostname = mail.corp.example
mydomain = corp.example
myorigin = corp.example
mydestination = corp.example, local.corp.example
recipient_delimiter = +
mynetworks = 192.0.2.0/24, [2001:db8::]/32
alias_maps =
local_transport = error:nobody here
"""


@pytest.fixture
def at(tmp_path: Path) -> Callable[..., Routes]:
    def make(main: str = "", master: str = "", tables: Tables | None = None) -> Routes:
        (tmp_path / "main.cf").write_text(MAIN + main)
        (tmp_path / "master.cf").write_text(f"smtp inet n - n - - smtpd\n{master}")
        return Routes(tmp_path, tables or Tables(tmp_path))

    return make


def test_an_ordinary_recipient_is_its_own_destination(at: Callable[..., Routes]) -> None:
    assert at().route_of("Bob@Corp.example") == Route(("bob@corp.example",))


OUT = "ext@partner.example"


@pytest.mark.parametrize(
    ("setting", "entries", "recipient", "ends"),
    [
        ("virtual_alias_maps", f"{{team@corp.example = {OUT}}}", "team@corp.example", [OUT]),
        ("virtual_alias_maps", f"{{team@corp.example = {OUT}}}", "TEAM+x@corp.example", ["ext+x@partner.example"]),
        ("virtual_alias_maps", f"{{team+x@corp.example = {OUT}}}", "team@corp.example", []),
        ("virtual_alias_maps", f"{{team = {OUT}}}", "team@local.corp.example", [OUT]),
        ("virtual_alias_maps", f"{{team = {OUT}}}", "team@other.example", []),
        ("virtual_alias_maps", "{@corp.example = @partner.example}", "bob@corp.example", ["bob@partner.example"]),
        ("virtual_alias_maps", f"{{a@corp.example = b}}, {{b@corp.example = {OUT}}}", "a", [OUT]),
        ("canonical_maps", f"{{a@corp.example = {OUT}}}", "a@corp.example", [OUT]),
        ("recipient_canonical_maps", f"{{a@corp.example = {OUT}}}", "a@corp.example", [OUT]),
        ("recipient_bcc_maps", f"{{a@corp.example = {OUT}}}", "a@corp.example", [OUT]),
        ("virtual_alias_maps", "{a@corp.example = b@corp.example}", "a@corp.example", ["b@corp.example"]),
        ("virtual_alias_maps", "{a@corp.example = a@corp.example}", "a@corp.example", []),
        ("virtual_alias_maps", f"{{b@corp.example = {OUT}}}", "a@corp.example", []),
        ("virtual_alias_maps", "{a@corp.example = b%partner.example@corp.example}", "a@corp.example", None),
    ],
)
def test_alias_tables_are_followed(
    at: Callable[..., Routes], setting: str, entries: str, recipient: str, ends: list[str] | None
) -> None:
    way = at(f"{setting} = inline:{{{entries}}}\n").route_of(recipient)
    if ends is None:
        assert "b@partner.example" in way.ends
        assert way.unknown == "an address within an address"
    else:
        assert (list(way.ends[1:]), way.unknown) == (ends, "")


def test_aliases_with_patterns_are_followed(at: Callable[..., Routes]) -> None:
    maps = "virtual_alias_maps = regexp:{{/^sales-(.*)@/ $$1@partner.example}}\n"
    assert at(maps).route_of("sales-bob@corp.example").ends[1:] == ("bob@partner.example",)


def test_a_list_is_followed_to_all_its_members(at: Callable[..., Routes]) -> None:
    entries = (
        "{all@corp.example = a@corp.example, b@corp.example}, {b@corp.example = b@corp.example, x@partner.example}"
    )
    way = at(f"virtual_alias_maps = inline:{{{entries}}}\n").route_of("all@corp.example")
    assert set(way.ends[1:]) == {"a@corp.example", "b@corp.example", "x@partner.example"}


def test_an_alias_loop_ends(at: Callable[..., Routes]) -> None:
    table = "inline:{{a@corp.example = b@corp.example}, {b@corp.example = a@corp.example}}"
    assert at(f"virtual_alias_maps = {table}\n").route_of("a@corp.example").unknown == ""


def test_an_alias_that_grows_endlessly_has_an_unknown_destination(at: Callable[..., Routes]) -> None:
    way = at("virtual_alias_maps = regexp:{{/^(.*)@corp.example$$/ x$$1@corp.example}}\n").route_of("a@corp.example")
    assert way.unknown == "an alias without an end"


def test_a_list_over_the_limit_has_an_unknown_destination(
    at: Callable[..., Routes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 2)
    table = "inline:{{all@corp.example = a@corp.example, b@corp.example, c@corp.example}}"
    assert at(f"virtual_alias_maps = {table}\n").route_of("all@corp.example").unknown == "more than 2 addresses"


def test_a_table_that_cannot_be_queried_makes_the_destination_unknown(at: Callable[..., Routes]) -> None:
    way = at("virtual_alias_maps = hash:/nonexistent/table\n").route_of("a@corp.example")
    assert way == Route(("a@corp.example",), "hash:/nonexistent/table cannot be asked")


def test_tables_of_a_single_service_are_followed(at: Callable[..., Routes]) -> None:
    own = "cleanup unix n - n - 0 cleanup -o { virtual_alias_maps = inline:{a@corp.example=x@partner.example} }\n"
    assert at(master=own).route_of("a@corp.example").ends[1:] == ("x@partner.example",)


def test_a_change_of_main_cf_takes_effect_at_once(at: Callable[..., Routes], tmp_path: Path) -> None:
    routes = at()
    assert routes.route_of("a@corp.example").ends == ("a@corp.example",)
    with (tmp_path / "main.cf").open("a") as main:
        main.write("virtual_alias_maps = inline:{a@corp.example=x@partner.example}\n")
    assert routes.route_of("a@corp.example").ends[1:] == ("x@partner.example",)


def test_the_destination_is_unknown_without_postfix_settings(tmp_path: Path) -> None:
    way = Routes(tmp_path / "nowhere", Tables(tmp_path)).route_of("a@corp.example")
    assert way == Route(("a@corp.example",), "Postfix's settings cannot be read")


@pytest.mark.slow(seconds=1)
def test_all_recipients_may_be_copied_without_postfix_settings(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """So no message is split: the copy for another person would be sent at once."""
    routes = Routes(tmp_path / "nowhere", Tables(tmp_path))
    assert routes.are_copied(["a@corp.example"])
    assert routes.copies_by_recipient()
    assert routes.copies("a@corp.example") == Route((), "")
    assert "stage=routes" in caplog.text


# -- local(8) ---------------------------------------------------------------------------------------------------------

LOCAL = "local_transport = local:$myhostname\nforward_path =\n"


@pytest.mark.parametrize(
    ("alias", "ends", "unknown"),
    [
        ("ext@partner.example", ["ext@partner.example"], ""),
        ("nobody-a, ext@partner.example", ["ext@partner.example", "nobody-a@corp.example"], ""),
        ('"|/usr/bin/filter"', [], "a command"),
        ("/var/mail/archive", [], ""),
        (":include:{include}", ["ext@partner.example"], ""),
        (":include:/nonexistent/list", [], "/nonexistent/list cannot be read"),
        ("\\team, ext@partner.example", ["ext@partner.example"], ""),
    ],
)
def test_local_aliases_are_followed(
    at: Callable[..., Routes], tmp_path: Path, alias: str, ends: list[str], unknown: str
) -> None:
    (tmp_path / "list").write_text("# who\next@partner.example\n")
    (tmp_path / "aliases").write_text(f"team {alias.format(include=tmp_path / 'list')}\n")
    way = at(f"{LOCAL}alias_maps = texthash:{tmp_path}/aliases\n").route_of("team+x@corp.example")
    assert (sorted(way.ends[1:]), way.unknown) == (sorted(ends), unknown)


def test_local_aliases_apply_only_to_local_delivery(at: Callable[..., Routes], tmp_path: Path) -> None:
    (tmp_path / "aliases").write_text("team ext@partner.example\n")
    aliases = f"alias_maps = texthash:{tmp_path}/aliases\n"
    assert at(aliases).route_of("team@corp.example").ends == ("team@corp.example",)
    assert at(LOCAL + aliases).route_of("team@other.example").ends == ("team@other.example",)
    local = "transport_maps = inline:{other.example=local:}\n"
    assert at(LOCAL + aliases + local).route_of("team@other.example").ends[1:] == ("ext@partner.example",)


def test_a_forward_file_is_followed(at: Callable[..., Routes], tmp_path: Path) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    main = f"{LOCAL}forward_path = {tmp_path}/$user.forward$recipient_delimiter$extension, {tmp_path}/$user.forward\n"
    assert at(main).route_of(f"{user}@corp.example") == Route((f"{user}@corp.example",))
    (tmp_path / f"{user}.forward").write_text(f"\\{user}, ext@partner.example\n")
    assert "ext@partner.example" in at(main).route_of(f"{user}+list@corp.example").ends
    (tmp_path / f"{user}.forward").write_text('"|/usr/bin/vacation"\n')
    assert at(main).route_of(f"{user}@corp.example").unknown == "a command"
    assert at(main).route_of("no-such-user@corp.example").unknown == ""


def test_the_forward_file_of_an_extension_is_read_first(at: Callable[..., Routes], tmp_path: Path) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    path = f"forward_path = {tmp_path}/$user.forward${{recipient_delimiter}}${{extension}}, {tmp_path}/$user.forward\n"
    routes = at(f"{LOCAL}recipient_delimiter = +\n{path}")
    (tmp_path / f"{user}.forward").write_text("usual@partner.example\n")
    (tmp_path / f"{user}.forward+news").write_text("news@partner.example\n")
    for extension, end in (("", "usual"), ("+news", "news"), ("+other", "usual")):
        ends = routes.route_of(f"{user}{extension}@corp.example").ends
        assert f"{end}@partner.example" in ends, extension
        assert len([one for one in ends if "partner" in one]) == 1


@pytest.mark.parametrize(
    ("setting", "extension", "end"),
    [
        ("", "a~b", "filtered"),  # a character that forward_expansion_filter does not allow becomes "_"
        ("", "a_b", "filtered"),
        ("forward_expansion_filter = abcdefghijklmnopqrstuvwxyz/+.0123456789-_~", "a~b", "plain"),
        ("forward_expansion_filter = abcdefghijklmnopqrstuvwxyz/+.0123456789-", "a_b", "filtered"),
        ("", "a/b", "usual"),  # local(8) ignores an extension with a slash
        ("", "", "usual"),  # the first path has no value for $extension, so it is skipped
    ],
)
def test_the_forward_file_that_local_opens_is_read(
    at: Callable[..., Routes], tmp_path: Path, setting: str, extension: str, end: str
) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    (tmp_path / "forward").mkdir()
    files = {"": "usual", "+": "empty", "+a_b": "filtered", "+a~b": "plain"}
    for suffix, name in files.items():
        (tmp_path / f"forward/{user}{suffix}").write_text(f"{name}@partner.example\n")
    (tmp_path / f"forward/{user}+a").mkdir()
    (tmp_path / f"forward/{user}+a/b").write_text("slash@partner.example\n")
    path = f"forward_path = {tmp_path}/forward/$user${{recipient_delimiter}}$extension, {tmp_path}/forward/$user\n"
    address = f"{user}+{extension}" if extension else user
    ends = at(f"{LOCAL}{path}{setting}\n").route_of(f"{address}@corp.example").ends
    assert [one for one in ends if "partner" in one] == [f"{end}@partner.example"]


def test_every_forward_path_and_filter_of_a_service_is_used(at: Callable[..., Routes], tmp_path: Path) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    (tmp_path / f"{user}.other").write_text("other@partner.example\n")
    (tmp_path / f"{user}.x_y").write_text("filtered@partner.example\n")
    paths = f"  -o forward_path={tmp_path}/$user.$extension,{tmp_path}/$user.other\n"
    # Parameters of the system in master.cf are kept as written: their names are those of local(8).
    routes = at(f"{LOCAL}forward_path =\n", f"local unix - n n - - local\n{paths}")
    assert "other@partner.example" in routes.route_of(f"{user}@corp.example").ends
    assert "filtered@partner.example" not in routes.route_of(f"{user}+x.y@corp.example").ends
    routes = at(
        f"{LOCAL}forward_path =\n", f"local unix - n n - - local\n{paths}  -o forward_expansion_filter=xy{user}\n"
    )
    assert "filtered@partner.example" in routes.route_of(f"{user}+x.y@corp.example").ends
    nothing = at(f"{LOCAL}forward_path = {tmp_path}/$user.$extension\nforward_expansion_filter =\n")
    (tmp_path / f"{'_' * len(user)}.___").write_text("none@partner.example\n")
    assert "none@partner.example" in nothing.route_of(f"{user}+x.y@corp.example").ends


@pytest.mark.parametrize("setting", ["forward_path = /x/${user", "forward_path = /x/${{$user} == {a}?b}", ""])
def test_a_template_that_cannot_be_parsed_makes_the_destination_unknown(
    at: Callable[..., Routes], setting: str
) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    name = setting.partition(" ")[0]
    assert at(f"{LOCAL}{setting}\n").route_of(f"{user}@corp.example").unknown.partition(" ")[0] == name
    relay = at(f"{LOCAL}luser_relay = ${{user\n").route_of("no-such-user@corp.example")
    assert relay.unknown == "luser_relay ${user is not understood"


def test_a_forward_file_that_cannot_be_read_makes_the_destination_unknown(
    at: Callable[..., Routes], tmp_path: Path
) -> None:
    user = pwd.getpwuid(os.getuid()).pw_name
    (tmp_path / f"{user}.forward").mkdir()  # has the same effect as a file without read permission, for root too
    way = at(f"{LOCAL}forward_path = {tmp_path}/$user.forward\n").route_of(f"{user}@corp.example")
    assert way.unknown.endswith("may be there and cannot be read")


def test_luser_relay_gets_mail_for_unknown_users(at: Callable[..., Routes]) -> None:
    routes = at(f"{LOCAL}luser_relay = $user@partner.example\n")
    assert routes.route_of("no-such-user+x@corp.example").ends[1:] == ("no-such-user@partner.example",)


# -- copies and clients -----------------------------------------------------------------------------------------------


@pytest.mark.slow(seconds=1)
def test_recipients_of_blind_copies_are_returned(at: Callable[..., Routes]) -> None:
    assert at().copies("anna@corp.example") == Route(())
    assert at("always_bcc = archive@partner.example\n").copies("").ends == ("archive@partner.example",)
    by_sender = at("sender_bcc_maps = inline:{anna@corp.example=archive@partner.example}\n")
    assert by_sender.copies("Anna@corp.example").ends == ("archive@partner.example",)
    assert by_sender.copies("bob@corp.example").ends == ()
    assert at("sender_bcc_maps = hash:/nonexistent/table\n").copies("a@corp.example").unknown


@pytest.mark.parametrize(
    ("client", "user", "is_inside"),
    [
        ("192.0.2.7", "", True),
        ("198.51.100.7", "", False),
        ("198.51.100.7", "anna", True),
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("IPv6:2001:db8::7", "", True),
        ("2001:db9::7", "", False),
        ("", "", True),
        ("unix", "", True),
    ],
)
def test_a_client_is_internal_by_its_network_or_login(
    at: Callable[..., Routes], client: str, user: str, is_inside: bool
) -> None:
    assert at().is_inside(client, user) == is_inside


def test_clients_are_internal_if_mynetworks_cannot_be_read(at: Callable[..., Routes], tmp_path: Path) -> None:
    assert at("mynetworks = cidr:/etc/postfix/networks\n").is_inside("198.51.100.7", "")
    at()
    inbound = Routes(tmp_path, Tables(tmp_path), [ip_network("192.0.2.8/32")])
    assert not inbound.is_inside("192.0.2.8", "")
    assert inbound.is_inside("192.0.2.9", "")


# -- number of lookups ------------------------------------------------------------------------------------------------


def test_the_same_recipient_needs_no_second_lookup(at: Callable[..., Routes], tmp_path: Path) -> None:
    class Counting(Tables):
        questions = 0

        def _ask_many(self, table: str, keys: Iterable[str]) -> dict[str, str]:
            self.questions += 1
            return super()._ask_many(table, keys)

    (tmp_path / "aliases").write_text("all@corp.example a@corp.example, b@corp.example, c@corp.example\n")
    tables = Counting(tmp_path)
    routes = at(f"virtual_alias_maps = texthash:{tmp_path}/aliases\n", tables=tables)
    first = routes.route_of("all@corp.example")
    assert tables.questions == 2  # one for the list, one for all its members
    for _ in range(3):
        assert routes.route_of("all@corp.example") == first
    assert tables.questions == 2
    (tmp_path / "aliases").write_text("all@corp.example x@partner.example\n")
    assert routes.route_of("all@corp.example").ends[1:] == ("x@partner.example",)


@pytest.mark.parametrize(
    ("main", "recipient", "end"),
    [
        ("virtual_alias_maps = inline:{team@corp.example=%s}", '"team"@corp.example', OUT),
        ("virtual_alias_maps = inline:{team@corp.example=%s}", "te\\am@corp.example", OUT),
        ("virtual_alias_maps = regexp:{{/^te am@/ %s}}", '"te am"@corp.example', OUT),
        ("virtual_alias_maps = inline:{{team@corp.example=a@corp.example},{a+x@corp.example=%s}}", "team+x", OUT),
        ("canonical_maps = inline:{{team@corp.example=a@corp.example},{a+x@corp.example=%s}}", "team+x", OUT),
        ("luser_relay = %s\nlocal_transport = local", '"no-such-user"@corp.example', OUT),
    ],
)
def test_quotes_and_extensions_are_read_as_postfix_does(
    at: Callable[..., Routes], main: str, recipient: str, end: str
) -> None:
    assert end in at(main % OUT + "\n").route_of(recipient).ends


def test_an_extension_stays_if_the_site_propagates_it(at: Callable[..., Routes]) -> None:
    routes = at(f"virtual_alias_maps = inline:{{team@corp.example={OUT}}}\npropagate_unmatched_extensions =\n")
    assert routes.route_of("team+x@corp.example").ends[1:] == (OUT,)


@pytest.mark.parametrize("key", ["team@x.lists.example", "x.lists.example", ".lists.example", "*"])
def test_a_transport_to_local_delivery_is_found_by_every_key(at: Callable[..., Routes], key: str) -> None:
    tables = f"alias_maps = inline:{{team={OUT}}}\ntransport_maps = inline:{{{key}=local:}}\n"
    assert OUT in at(tables).route_of("team+q@x.lists.example").ends


def test_copies_and_relays_of_services_in_master_cf_are_followed(at: Callable[..., Routes]) -> None:
    routes = at(
        "local_transport = local\n",
        f"cleanup unix n - n - 0 cleanup -o always_bcc={OUT}\nlocal unix - n n - - local -o luser_relay={OUT}\n",
    )
    assert routes.copies("anna@corp.example").ends == (OUT,)
    assert OUT in routes.route_of("no-such-user@corp.example").ends


def test_copies_are_looked_up_for_the_rewritten_sender(at: Callable[..., Routes]) -> None:
    routes = at(
        "sender_canonical_maps = inline:{anna@corp.example=a@corp.example}\n"
        f"sender_bcc_maps = inline:{{a@corp.example={OUT}}}\n"
    )
    assert routes.copies("anna@corp.example").ends == (OUT,)
    assert routes.copies("bob@corp.example").ends == ()


@pytest.mark.parametrize(
    ("main", "recipient", "ends"),
    [
        ("masquerade_domains = partner.example\n", "a@x.partner.example", []),
        ("{} = partner.example\n", "a@corp.partner.example", ["a@partner.example"]),
        ("{} = !corp.partner.example partner.example\n", "a@b.corp.partner.example", []),
        ("{} = !!corp.partner.example\n", "a@b.corp.partner.example", ["a@corp.partner.example"]),
        ("{} = partner.example\n", "a@partner.example", []),
        ("{} = artner.example\n", "a@partner.example", []),
        ("{} = partner.example\nmasquerade_exceptions = root\n", "root@corp.partner.example", []),
        (
            "{} = partner.example\nvirtual_alias_maps = inline:{{{{a@partner.example = b@corp.example}}}}\n",
            "a@x.partner.example",
            ["b@corp.example"],
        ),
    ],
)
def test_masquerading_is_followed_if_it_applies_to_recipients(
    at: Callable[..., Routes], main: str, recipient: str, ends: list[str]
) -> None:
    main = main.format("masquerade_classes = envelope_sender, envelope_recipient\nmasquerade_domains")
    assert list(at(main).route_of(recipient).ends[1:]) == ends


def test_generic_maps_of_the_smtp_client_are_followed(at: Callable[..., Routes]) -> None:
    for setting in ("smtp_generic_maps", "lmtp_generic_maps"):
        main = f"{setting} = inline:{{{{boss@corp.example = {OUT}}}, {{@in.example = @partner.example}}}}\n"
        assert at(main).route_of("boss@corp.example").ends == ("boss@corp.example", OUT)
        assert at(main).route_of("boss+x@corp.example").ends == ("boss+x@corp.example", OUT)
        assert at(main).route_of("a@in.example").ends == ("a@in.example", "a@partner.example")
        assert at(main).route_of("other@corp.example").ends == ("other@corp.example",)
    service = f"relay unix - - n - - smtp\n  -o {{smtp_generic_maps=inline:{{{{boss@corp.example = {OUT}}}}}}}\n"
    assert OUT in at(master=service).route_of("boss@corp.example").ends


def test_aliases_apply_to_virtual_mailboxes_that_local_delivers(at: Callable[..., Routes], tmp_path: Path) -> None:
    aliases = tmp_path / "aliases"
    aliases.write_text(f"team {OUT}\n")
    main = f"alias_maps = texthash:{aliases}\nvirtual_mailbox_domains = virtual.example\n"
    assert OUT not in at(main).route_of("team@virtual.example").ends
    assert OUT in at(f"{main}virtual_transport = local\n").route_of("team@virtual.example").ends


PIPE = "list unix - n n - - pipe\n  flags=R user=nobody argv=/bin/true\n"


def test_a_transport_to_a_command_makes_the_destination_unknown(at: Callable[..., Routes]) -> None:
    main = "transport_maps = inline:{{lists.example = list:}, {corp.example = smtp:[192.0.2.1]}}\n"
    assert at(main, PIPE).route_of("all@lists.example").unknown == "the transport list is a command"
    assert at(main, PIPE).route_of("bob@corp.example").unknown == ""
    # The command that delivers to the mailboxes of the site is none of these.
    assert at(f"{main}virtual_transport = list\n", PIPE).route_of("all@lists.example").unknown == ""


@pytest.mark.parametrize(
    ("main", "recipients", "are_copied"),
    [
        ("", ["a@corp.example"], False),
        ("recipient_bcc_maps = inline:{a@corp.example=z@corp.example}\n", ["a@corp.example"], True),
        ("recipient_bcc_maps = inline:{a@corp.example=z@corp.example}\n", ["b@corp.example", "A@corp.example"], True),
        ("recipient_bcc_maps = inline:{a@corp.example=z@corp.example}\n", ["b@corp.example", OUT], False),
        ("recipient_bcc_maps = inline:{@partner.example=z@corp.example}\n", ["b@partner.example"], True),
        ("recipient_bcc_maps = inline:{@partner.example=z@corp.example}\n", ["b@sub.partner.example"], False),
        (
            "recipient_bcc_maps = inline:{a@corp.example=z@corp.example}\n"
            "canonical_maps = inline:{b@corp.example=a@corp.example}\n",
            ["b@corp.example"],
            True,
        ),
        (
            "recipient_bcc_maps = inline:{a@corp.example=z@corp.example}\n"
            "virtual_alias_maps = inline:{b@corp.example=a@corp.example}\n",
            ["b@corp.example"],
            True,
        ),
    ],
)
def test_copies_of_mail_for_held_recipients_are_found(
    at: Callable[..., Routes], main: str, recipients: list[str], are_copied: bool
) -> None:
    assert at(main).are_copied(recipients) is are_copied


def test_copies_that_depend_on_the_recipient_are_found(at: Callable[..., Routes], tmp_path: Path) -> None:
    assert not at().copies_by_recipient()
    assert at("recipient_bcc_maps = inline:{a@corp.example=b@partner.example}\n").copies_by_recipient()
    unread = at()
    (tmp_path / "main.cf").unlink()
    assert unread.copies_by_recipient(), "what cannot be known is taken for so"
    assert unread.are_copied([])


@pytest.mark.parametrize(("setting", "domain"), [("yes", "host.corp.example"), ("no", "host")])
def test_a_short_domain_is_completed_only_if_postfix_does_so(
    at: Callable[..., Routes], setting: str, domain: str
) -> None:
    assert at(f"append_dot_mydomain = {setting}\n").route_of("bob@host").ends[0] == f"bob@{domain}"


@pytest.mark.parametrize(
    ("local", "delimiter", "plain"),
    [
        ("bob+x", "+", "bob"),
        ("b+x", "+", "b"),
        ("bob+x-y", "+-", "bob"),
        ("bob-y+x", "+-", "bob"),
        ("bob", "+", "bob"),
        ("bob+x", "", "bob+x"),
        ("+x", "+", "+x"),
        ("+a+x", "+", "+a"),
    ],
)
def test_an_extension_begins_at_the_first_delimiter_after_the_first_character(
    local: str, delimiter: str, plain: str
) -> None:
    assert without_extension(local, delimiter) == plain


# -- limits and lists -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("aliases", "unknown"), [(18, ""), (19, "an alias without an end")])
def test_an_alias_is_followed_up_to_the_limit_of_steps(
    at: Callable[..., Routes], tmp_path: Path, aliases: int, unknown: str
) -> None:
    lines = (f"a{number}@corp.example a{number + 1}@corp.example\n" for number in range(aliases))
    (tmp_path / "aliases").write_text("".join(lines))
    way = at(f"virtual_alias_maps = texthash:{tmp_path}/aliases\n").route_of("a0@corp.example")
    assert way.unknown == unknown
    assert f"a{aliases}@corp.example" in way.ends


def test_a_recipient_may_have_at_most_5000_addresses() -> None:
    state = module._RouteState()
    state.add(f"a{number}@corp.example" for number in range(5000))
    state.add(["a1@corp.example"])
    assert (len(state.next), state.unknown) == (5000, "")
    state.add(["one-more@corp.example"])
    assert (state.next, state.unknown) == ([], "more than 5000 addresses")
    state.report_doubt("another")
    assert state.unknown == "more than 5000 addresses", "the first reason stays"


@pytest.mark.parametrize(
    ("entry", "domain", "is_local"),
    [
        ("texthash:{table}", "lists.example", True),
        ("texthash:{table}", "other.example", False),
        ("{table}", "other.example", True),  # which domains the file names is not read
        ("lists.example", "lists.example", True),
        ("lists.example", "x.lists.example", False),
        ("hash:/nonexistent/table", "lists.example", False),
    ],
)
@pytest.mark.parametrize("domains", ["mydestination", "virtual_mailbox_domains"])
def test_mydestination_entries_decide_which_domains_are_local(
    at: Callable[..., Routes], tmp_path: Path, domains: str, entry: str, domain: str, is_local: bool
) -> None:
    table = tmp_path / "domains"
    table.write_text("lists.example yes\n")
    transport = "local_transport" if domains == "mydestination" else "virtual_transport"
    main = f"alias_maps = inline:{{team={OUT}}}\n{domains} = {entry.format(table=table)}\n{transport} = local\n"
    assert (OUT in at(main).route_of(f"team@{domain}").ends) is is_local


@pytest.mark.parametrize(
    ("lines", "ends", "unknown"),
    [
        (f"# {OUT}\n\n  \n{OUT}\n", [OUT], ""),
        (f"#{OUT}\n", [], ""),
        ("", [], ""),
        (":include:/another\n", [], "includes another list"),
        ("@partner.example\n", ["@partner.example"], ""),
    ],
)
def test_an_include_list_is_read_line_by_line(
    at: Callable[..., Routes], tmp_path: Path, lines: str, ends: list[str], unknown: str
) -> None:
    (tmp_path / "list").write_text(lines)
    (tmp_path / "aliases").write_text(f"team :include:{tmp_path}/list\n")
    way = at(f"{LOCAL}alias_maps = texthash:{tmp_path}/aliases\n").route_of("team@corp.example")
    assert list(way.ends[1:]) == ends
    assert way.unknown == (f"{tmp_path}/list {unknown}" if unknown else "")


def test_the_destination_of_a_bounce_ignores_aliases(at: Callable[..., Routes]) -> None:
    routes = at(f"virtual_alias_maps = inline:{{a@corp.example={OUT}}}\n")
    assert routes.within("A@Corp.example") == Route(("a@corp.example",))
    inner = routes.within("b%partner.example@corp.example")
    assert "b@partner.example" in inner.ends
    assert inner.unknown == "an address within an address"


@pytest.mark.parametrize("setting", ["recipient_canonical_maps", "canonical_maps", "virtual_alias_maps"])
def test_masquerading_applies_after_canonical_tables_and_before_aliases(
    at: Callable[..., Routes], setting: str
) -> None:
    main = "masquerade_classes = envelope_recipient\nmasquerade_domains = partner.example\n"
    way = at(f"{main}{setting} = inline:{{{{a@x.partner.example = b@corp.example}}}}\n").route_of("a@x.partner.example")
    assert way.ends[1:] == (("b@corp.example",) if "canonical" in setting else ("a@partner.example",))
