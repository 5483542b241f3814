"""Which model a file beside it belongs to."""

import json

from unspool._json_files import fingerprint
from unspool._text.tokenizers.registry import Tokenizer


def tokenizer_fingerprint(tokenizer: Tokenizer) -> str:
    """Return what tells a tokenizer from others."""
    return fingerprint(json.loads(tokenizer.to_json()))
