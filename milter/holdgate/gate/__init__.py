"""The milter: callbacks translate the protocol, the session decides, its reply tells Postfix what to do."""
