"""`holdgate policy`: tests policies before they are used, on a message or on recorded incidents."""

import argparse
import json
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from holdgate.cli.output import print_result, progress, wants_json
from holdgate.cli.relations import hasher_for_milter
from holdgate.config import Settings
from holdgate.configfile import ConfigError, load_settings
from holdgate.desk.language.catalogue import SOURCE, Catalogue
from holdgate.desk.language.unusual import sentences
from holdgate.envelope import Envelope
from holdgate.findings import Inspection
from holdgate.gate import edits, reading
from holdgate.gate.recipients import Recipients, condition_fields
from holdgate.gate.service import machine_traffic
from holdgate.gate.spool import Spool
from holdgate.machines.traffic import UnansweredError
from holdgate.policy.model import UNINSPECTED, PolicyFile, policies_of
from holdgate.policy.routes import Routes
from holdgate.policy.verdict import PolicySet, Verdict
from holdgate.quarantine.recorded import envelope_of, inspection_of, was_inspected
from holdgate.quarantine.store import open_store
from holdgate.risks import Risks
from holdgate.scan.pool import Pool, PoolSettings
from holdgate.tables import TableError, Tables
from holdgate.translated import text_in


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the subcommands."""
    policy = commands.add_parser("policy", help="test policies before they are active")
    steps = policy.add_subparsers(dest="step", required=True, metavar="STEP")
    test = steps.add_parser("test", help="show which policy decides on a message, without sending it")
    test.add_argument("--from", dest="sender", required=True, help="envelope sender")
    test.add_argument(
        "--to", dest="recipients", required=True, action="append", help="envelope recipient; can be given several times"
    )
    test.add_argument(
        "--message", type=Path, metavar="FILE", help="the message; without it, an empty message is assumed"
    )
    test.add_argument("--client", default="", help="address of the SMTP client")
    test.add_argument("--user", default="", help="name of the user that authenticated (SMTP AUTH)")
    test.add_argument("--policies", type=Path, metavar="FILE", help="policies file to test, instead of the active one")
    test.set_defaults(run=_test)
    replay = steps.add_parser("replay", help="apply policies to recorded incidents, and show which results differ")
    replay.add_argument("--policies", type=Path, metavar="FILE", help="policies file to test (default: the active one)")
    replay.set_defaults(run=_replay)


def _load(arguments: argparse.Namespace) -> tuple[Settings, PolicyFile, PolicySet]:
    settings = load_settings(arguments.config)
    policies = policies_of(settings.policy, arguments.policies)
    tables = Tables(settings.queue.postfix_config)
    return settings, policies, PolicySet(policies, tables, Routes.of(settings, tables))


def _test(arguments: argparse.Namespace) -> int:
    settings, policies, policy_set = _load(arguments)
    envelope = Envelope(
        sender=arguments.sender.removeprefix("<").removesuffix(">"),
        recipients=arguments.recipients,
        client_address=arguments.client,
        auth_user=arguments.user,
    )
    inspection = Inspection()
    if arguments.message is not None:
        try:
            content = arguments.message.read_bytes()
        except OSError as error:
            raise ConfigError(
                [f"--message: {arguments.message}: cannot be read: {error.strerror}; correct the path"]
            ) from error
        inspection = _inspect(envelope, content, settings, policies)
    now = datetime.now(UTC)
    envelope.risks = risks = _risks(envelope, inspection, settings, policy_set, now)
    verdict = _decide(policy_set, envelope, inspection, now)
    if wants_json(arguments):
        found = {
            "status": inspection.status,
            "reason": inspection.reason,
            "profiles": inspection.profiles,
            "findings": [asdict(finding) for finding in inspection.findings],
        }
        unusual = {"recipient_risks": [asdict(risk) for risk in risks.found]}
        print(json.dumps(asdict(verdict) | {"inspection": found} | unusual, default=str))
    else:
        _print_verdict(verdict, policies, inspection)
        for sentence in sentences(Catalogue(SOURCE), [asdict(risk) for risk in risks.found]):
            print(f"unusual:    {sentence}")
        if risks.unknown:
            print("unusual:    not known, because the store did not answer in time")
    return 0


def _risks(
    envelope: Envelope, inspection: Inspection, settings: Settings, policy_set: PolicySet, now: datetime
) -> Risks:
    """Return what is unusual about the recipients, as the milter does."""
    if not (policy_set.file.risks() or policy_set.file.machines()):
        return Risks()
    if settings.relations.mode != "off" or settings.machines.mode != "off":
        hasher_for_milter(settings)
    with closing(open_store(settings.store.url)) as store:
        recipients = Recipients.of(settings.relations, policy_set, store)
        machines = machine_traffic(settings, policy_set.file, Tables(settings.queue.postfix_config), store)
        try:
            risks = recipients.risks(envelope, inspection, now)
            mail = None if machines is None else machines.of(envelope)
            found = () if mail is None else mail.evaluate(envelope, inspection, counts=False)
            return replace(risks, found=(*found, *risks.found))
        except (TableError, UnansweredError) as error:
            raise ConfigError([str(error)]) from error
        finally:
            recipients.close()
            if machines is not None:
                machines.close()


def _decide(policy_set: PolicySet, envelope: Envelope, inspection: Inspection, now: datetime) -> Verdict:
    try:
        return policy_set.decide(envelope, inspection, now)
    except TableError as error:
        raise ConfigError([str(error)]) from error


def _inspect(envelope: Envelope, content: bytes, settings: Settings, policies: PolicyFile) -> Inspection:
    """Describe and inspect a message as the milter does, without seals and trusted scanners."""
    fields, inspected = reading.read(content, {name.lower() for name in edits.holdgate_fields(settings.policy)})
    asked = {name.lower() for policy in policies.policy for name in policy.header}
    reading.describe(envelope, fields, asked | condition_fields(policies))
    envelope.size = len(inspected)
    spool = Spool(Path(), len(inspected))
    with Pool(PoolSettings.of(settings, policies.profiles())) as pool, closing(spool):
        spool.write(inspected)
        return pool.inspect(
            spool.message(), subject=envelope.subject, header_from=envelope.header_from, links=True, values=True
        )


def _print_verdict(verdict: Verdict, policies: PolicyFile, inspection: Inspection) -> None:
    print(f"action:     {verdict.action}")
    print(f"policy:     {verdict.policy or 'none'}")
    descriptions = (policy.description for policy in policies.policy if policy.name == verdict.policy)
    if described := text_in(next(descriptions, {}), SOURCE):
        print(f"            {described}")
    for recipient, name in verdict.recipients.items():
        print(f"recipient:  {recipient}: {name or 'no policy'}")
    for name in verdict.observed:
        print(f"observed:   {name} would have decided")
    weaker = {name for name in verdict.recipients.values() if name}
    if verdict.policy == UNINSPECTED:
        than = f", and is stricter than {', '.join(sorted(weaker))}" if weaker else ""
        print(f'why:        not fully inspected: "uninspected" decides if no policy has the condition inspection{than}')
    outcome = f"{inspection.status}; {inspection.reason}" if inspection.reason else inspection.status
    print(f"inspection: {outcome}")
    for name, severity in inspection.profiles.items():
        print(f"profile:    {name}: {severity}")
    for finding in inspection.findings:
        print(f"found:      {finding.count}× {finding.identifier} ({finding.confidence}): {', '.join(finding.masked)}")
    for name, value in verdict.headers:
        print(f"header:     {name}: {value}")
    for name, value in verdict.action.details():
        print(f"{name + ':':11} {value}")


def _replay(arguments: argparse.Namespace) -> int:
    settings, policies, policy_set = _load(arguments)
    same, unsure = 0, 0
    differ: list[dict[str, str]] = []
    incidents = open_store(settings.store.url).incidents()
    for incident in progress(incidents, "incidents", len(incidents)):
        if not was_inspected(incident):
            continue
        missing = [p for policy in policies.policy for p in policy.profile if p not in incident.profiles]
        verdict = _decide(policy_set, envelope_of(incident), inspection_of(incident), incident.created_at)
        if (verdict.action.name, verdict.policy) == (incident.action, incident.policy):
            same += 1
            continue
        unsure += bool(missing)
        was, now = (incident.action, incident.policy), (str(verdict.action), verdict.policy)
        differ.append({"incident": incident.id, "action": was[0], "policy": was[1]})
        differ[-1] |= {"new_action": now[0], "new_policy": now[1]}
        if not wants_json(arguments):
            print(f"{incident.id}  {was[0]} by {was[1] or 'none'} → {now[0]} by {now[1] or 'none'}")
    print_result(arguments, f"{same} the same, {len(differ)} different", same=same, different=differ, unsure=unsure)
    if unsure and not wants_json(arguments):
        print(
            "Some results can differ, because header fields, and profiles that no policy used then, are not recorded."
        )
    return 0
