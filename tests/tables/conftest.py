"""A table with every type of column, whose capital follows from its country."""

import random
from datetime import date, timedelta

import pytest

CAPITALS = {"FR": "Paris", "DE": "Berlin", "IT": "Rome"}


@pytest.fixture(scope="session")
def people() -> list[dict[str, str]]:
    """Make 300 rows."""
    draw = random.Random(5)
    rows = []
    for number in range(300):
        country = draw.choice(list(CAPITALS))
        rows.append(
            {
                "id": str(100 + number),
                "name": draw.choice("ABC") + draw.choice(("nna", "eva")) + str(draw.randint(10, 99999)),
                "country": country,
                "capital": CAPITALS[country] if number % 10 else "",
                "age": str(draw.randint(18, 70)) if number % 7 else "NA",
                "height": f"{draw.randint(150, 199) / 100:.2f}",
                "born": f"{date(1960, 1, 1) + timedelta(draw.randint(0, 9000)):%d.%m.%Y}",
                "member": draw.choice(("yes", "no")),
                "planet": "Earth",
            }
        )
    return rows
