"""When the sender of a held message is asked, and when moderators are asked instead: keys of an action's policy."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, Field

from holdgate.findings import Severity
from holdgate.notation import Duration


class SenderRules(BaseModel):
    """The keys of an action that asks the sender."""

    ask_reason: Literal["never", "send", "always"] = Field(
        "never", description="When senders must give a reason: `never`, if they `send` the message, or `always`."
    )
    ask_owners: str = Field(
        "",
        description="Postfix table from the address of an application to that of its owner, who is asked in its "
        'place, as in "texthash:/etc/holdgate/owners". The SMTP AUTH name is looked up, then the envelope sender. '
        "Without a result, the owner in `machines.accounts` is asked.",
    )
    ask_severity: Severity = Field(
        Severity.MEDIUM,
        description="The highest severity of a profile with which a sender decides: low, medium, high or critical. "
        "A message that was not fully inspected is always beyond it.",
    )
    ask_recipients: int = Field(
        20, ge=1, le=100, description="Maximum number of recipients of a message on which its sender decides."
    )
    ask_overrides: int = Field(
        5,
        ge=1,
        le=1000,
        description="If the sender has sent this number of messages in spite of the question within "
        "`ask_overrides_within`, moderators decide on the next ones.",
    )
    ask_overrides_within: Duration = Field(
        timedelta(days=7), description="The time in which the sender's overrides are counted."
    )
    ask_per_day: int = Field(
        10,
        ge=1,
        le=1000,
        description="Maximum number of questions to one person within 24 hours. Then moderators are asked instead.",
    )
    ask_beyond: Literal["moderators", "both"] = Field(
        "moderators",
        description="Who is asked if `ask_severity`, `ask_recipients` or `ask_overrides` is exceeded: the "
        "`moderators`, or `both`. With `both`, the sender can stop the message, and only a moderator can approve it.",
    )
