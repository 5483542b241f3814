"""The keys of the JSON documents that users read: a change of one of them is seen here."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.json_keys import keys

TEXT = {"text", "prompt", "continuation", "finish_reason", "stop_reason", "total_logprob", "ids"}
REPORT = {"asked", "accepted", "attempts", "blocked", "cut_off", "duplicates", "copies", "invalid", "cut",
          "seconds", "held_out_copies"}  # fmt: skip
FIGURES = {"bits_per_character", "total_logprob", "unknown"}


def test_the_keys_of_sampled_texts(unspool: Run, model: Path) -> None:
    plain = ["sample", str(model), "oil ", "--n", "2", "--json", "--seed", "0"]
    assert keys(json.loads(unspool(plain).stdout)) == {"[]": TEXT}
    asked = unspool([*plain, "--logprobs", "2", "--echo", "--excludes", "z"])
    assert keys(json.loads(asked.stdout)) == {
        "[]": TEXT | {"constrained_logprobs", "prompt_logprobs", "alternatives", "prompt_alternatives"},
        "[].alternatives": {"ids", "logprobs"},
        "[].prompt_alternatives": {"ids", "logprobs"},
    }


def test_the_keys_of_a_report_on_collected_texts(unspool: Run, model: Path, tmp_path: Path) -> None:
    command = ["sample", str(model), "oil ", "--n", "2", "--json", "--seed", "0", "--unique"]
    assert keys(json.loads(unspool(command).stdout)) == {
        "": {"texts", "report"}, "texts[]": TEXT, "report": REPORT,
    }  # fmt: skip
    done = unspool([*command, "--out", str(tmp_path / "texts.txt")])
    assert keys(json.loads(done.stdout)) == {"": {"out", "report"}, "report": REPORT}


def test_the_keys_of_scores(unspool: Run, model: Path) -> None:
    plain = ["score", str(model), "-", "--json"]
    assert keys(json.loads(unspool(plain, input="oil\n").stdout)) == {"[]": {*FIGURES, "text"}}
    symbols = unspool([*plain, "--per-symbol"], input="oil\n")
    assert keys(json.loads(symbols.stdout)) == {
        "[]": {*FIGURES, "text", "symbols", "bits", "spans", "replaced"}
    }
    asked = unspool([*plain, "--against", str(model), "--guess-number", "--samples", "50"], input="oil\n")
    compared = {"against_bits_per_character", "against_total_logprob", "against_unknown"}
    ratios = {"log_likelihood_ratio", "dropped"}
    guesses = {"guess_number", "log2_guess_number", "standard_error", "percentile", "lower_bound"}
    assert keys(json.loads(asked.stdout)) == {"[]": {*FIGURES, "text"} | compared | ratios | guesses}
