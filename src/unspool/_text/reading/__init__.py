"""From files to records: formats, columns, bytes and their encodings, sentences."""
