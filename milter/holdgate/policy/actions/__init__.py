"""The shipped actions, one module each."""

from holdgate.policy.action import REGISTRY
from holdgate.policy.actions.alert import Alert
from holdgate.policy.actions.allow import Allow
from holdgate.policy.actions.ask_sender import AskSender
from holdgate.policy.actions.block import Block
from holdgate.policy.actions.encrypt import Encrypt
from holdgate.policy.actions.quarantine import Quarantine
from holdgate.policy.actions.tag import Tag
from holdgate.policy.actions.tempfail import Tempfail

__all__ = ["REGISTRY", "Alert", "Allow", "AskSender", "Block", "Encrypt", "Quarantine", "Tag", "Tempfail"]

REGISTRY.add(Allow, Alert, Tag, Encrypt, AskSender, Quarantine, Block, Tempfail)
