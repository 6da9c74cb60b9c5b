"""Office documents made of XML: Office Open XML, OpenDocument, and their flat and binary variants."""
