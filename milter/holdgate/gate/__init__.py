"""The milter: callbacks translate the protocol, the session decides, and its reply is the response to Postfix."""
