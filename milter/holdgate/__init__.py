"""Holdgate: DLP for outgoing mail with a manager's approval, for Postfix.

A message passes the packages in this order: ``gate`` (milter protocol) → ``scan`` (worker processes) →
``extract`` (message to texts) → ``detect`` (texts to matches) → ``policy`` (findings to verdict) →
``quarantine`` (incidents) ← ``desk`` (moderation, notices) and ``queue`` (Postfix's hold queue).
"""

__version__ = "1.3.0"
