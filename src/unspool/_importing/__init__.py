"""How a model comes in: a file for each form, and a row in `IMPORTERS`. Nothing that is read is executed."""
