"""The description of the API for other programs: JSON Schema and OpenAPI, from the tables and the rows."""
