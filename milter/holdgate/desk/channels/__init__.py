"""The shipped channels, one module each."""

from holdgate.desk.channel import REGISTRY
from holdgate.desk.channels.mail import Mail

__all__ = ["REGISTRY", "Mail"]

REGISTRY.add(Mail)
