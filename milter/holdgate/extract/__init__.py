"""Message or file to text: every part of outgoing mail is read, or reported as unread."""
