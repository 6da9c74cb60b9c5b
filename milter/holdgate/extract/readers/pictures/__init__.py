"""Images and drawings: their metadata, and the text in them by OCR."""
