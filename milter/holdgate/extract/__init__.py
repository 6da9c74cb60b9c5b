"""Message or file to text: every part that leaves is read, or said to be unread."""
