"""Small models for the tests of the page, and what Python writes with them."""

from typing import Any

import unspool
from unspool import Generator

SEED = 7
HOSTILE = "z<script>x<b>&amp; \"'\u202e\u2028"


def trained(texts: Any, **options: Any) -> Generator:
    given = {"hidden_size": 12, "epochs": 30, "learning_rate": 0.03, "seed": 1, "novelty_index": True}
    return unspool.train(texts, progress=False, **(given | options))


def set_to(page: Any, **values: object) -> None:
    for name, value in values.items():
        page.fill(f"#{name}", str(value))


def texts_of(model: Generator, prompt: str = "", **options: Any) -> list[str]:
    given = {"n": 4, "seed": SEED, "temperature": 0.8}
    return [str(one.text) for one in model.generate(prompt, **(given | options))]
