"""The files beside a model that not every one has, and which model they belong to."""

import json

from unspool._json_files import fingerprint
from unspool._text.tokenizers.registry import Tokenizer

NOVELTY, COUNTS = "novelty.safetensors", "counts.safetensors"


def tokenizer_fingerprint(tokenizer: Tokenizer) -> str:
    """Return what tells a tokenizer from others."""
    return fingerprint(json.loads(tokenizer.to_json()))
