"""The treatments of symbols that a tokenizer does not know."""

from typing import Literal

Unknown = Literal["error", "drop", "replace"]
