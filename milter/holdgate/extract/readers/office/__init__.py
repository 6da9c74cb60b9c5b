"""Office documents before Open XML, Outlook's messages and rich text: records in compound files and in plain files."""
