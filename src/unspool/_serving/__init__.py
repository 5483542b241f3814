"""Serve models over HTTP: an API in OpenAI's shape, and a page to write with models, watch and train them."""
