"""The milter: callbacks translate, the session thinks, its reply says what Postfix is to do with the message."""
