"""The display of a training below a notebook's cell, in a real kernel, and what its interrupt does."""

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("ipykernel", reason="pip install '.[test]'")

SECONDS = 120
HOSTILE = ["</script><b>bold", "\u202elived", "a\x07b", "$x$ and $y$"]
BEGIN = f"""
import unspool, warnings
texts = {["anna", "hanna", "otto", "lotte", *HOSTILE]!r} * 30
"""


class Ran(NamedTuple):
    """What a cell put out: the messages of its output, and the result of its last expression."""

    messages: list[tuple[str, dict[str, Any]]]
    status: str

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the contents of the messages of one kind."""
        return [content for name, content in self.messages if name == kind]

    @property
    def value(self) -> str:
        """Return the value of the last expression as text."""
        return str(self.of("execute_result")[0]["data"]["text/plain"])


class Kernel:
    """A kernel that runs cells, and is interrupted once a cell has put out so many messages."""

    def __init__(self, manager: Any, client: Any) -> None:
        self._manager, self._client = manager, client

    def run(self, code: str, *, interrupt_after: int | None = None) -> Ran:
        """Run a cell to its end."""
        request = self._client.execute(code)
        messages: list[tuple[str, dict[str, Any]]] = []
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            message = self._client.get_iopub_msg(timeout=SECONDS)
            if message["parent_header"].get("msg_id") != request:
                continue
            messages.append((message["msg_type"], message["content"]))
            if message["content"].get("execution_state") == "idle":
                break
            shown = sum(name == "update_display_data" for name, _ in messages)
            if interrupt_after is not None and shown >= interrupt_after:
                self._manager.interrupt_kernel()
                interrupt_after = None
        reply = self._client.get_shell_msg(timeout=SECONDS)
        return Ran(messages, reply["content"]["status"])


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    """Return a kernel that has imported unspool."""
    from jupyter_client.manager import start_new_kernel

    folder = tmp_path_factory.mktemp("kernel")
    places = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    env = {**os.environ, **{place: str(folder / place) for place in places}}
    manager, client = start_new_kernel(startup_timeout=SECONDS, env=env, cwd=str(folder))
    kernel = Kernel(manager, client)
    try:
        assert kernel.run(BEGIN).status == "ok"
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_one_output_shows_the_training_and_stays(kernel: Kernel) -> None:
    ran = kernel.run("model = unspool.train(texts, epochs=3, hidden_size=16)\nmodel.history[-1]['kind']")
    (first,), updates = ran.of("display_data"), ran.of("update_display_data")
    assert "reading the corpus" in first["data"]["text/html"]
    assert {json.dumps(each["transient"]) for each in updates} == {json.dumps(first["transient"])}
    html, plain = (updates[-1]["data"][kind] for kind in ("text/html", "text/plain"))
    for words in ("epoch 3/3", "100%", "loss", "bits per character", "all epochs are done", "temperature"):
        assert words in html, words
    assert re.search(r"network  lstm 16, \d+ symbols", plain)
    assert plain.splitlines()[-1].startswith("Finished after 0:")
    assert "script" not in re.sub(r"&lt;/script&gt;", "", html)
    assert ran.of("stream") == []  # nothing on standard error
    assert ran.value == "'finish'"


def test_time_left_and_speed_are_shown_while_it_runs(kernel: Kernel) -> None:
    trained = "model = unspool.train(texts * 50, epochs=1000, hidden_size=64)"
    ran = kernel.run(f"{trained}\nlen(model.generate('an', n=2, seed=0))", interrupt_after=4)
    updates = [update["data"]["text/html"] for update in ran.of("update_display_data")]
    running = next(update for update in updates if "characters per second" in update)
    assert re.search(r"epoch \d+/1000.*\d:\d\d left", running, flags=re.DOTALL)
    # interrupted: the model is there, and the display says so
    assert (ran.status, ran.value) == ("ok", "2")
    assert "the best model so far is kept" in ran.of("update_display_data")[-1]["data"]["text/plain"]


def test_an_interrupt_of_a_silent_training_is_a_warning(kernel: Kernel) -> None:
    code = """
import os, signal
def stop(record):
    if record.kind == "step" and record.step == 3:
        os.kill(os.getpid(), signal.SIGINT)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model = unspool.train(texts, epochs=1000, hidden_size=16, on_record=stop)
[str(each.message) for each in caught], [line["step"] for line in model.history if line["kind"] == "step"]
"""
    ran = kernel.run(code)
    assert ran.value == "(['stopped at step 3: the best model so far is returned'], [1, 2, 3])"


def test_progress_false_is_silent(kernel: Kernel) -> None:
    ran = kernel.run("unspool.train(texts, epochs=1, hidden_size=16, progress=False);")
    assert [name for name, _ in ran.messages] == ["status", "execute_input", "status"]


def test_a_run_in_a_folder_is_resumed_after_an_interrupt(kernel: Kernel) -> None:
    started = "model = unspool.train(texts * 50, out='run', epochs=1000, hidden_size=64)"
    ran = kernel.run(started, interrupt_after=4)
    assert ran.of("error")[0]["ename"] == "KeyboardInterrupt"
    again = kernel.run("unspool.train(texts * 50, out='run', resume=True, epochs=1000)", interrupt_after=3)
    assert again.of("error")[0]["ename"] == "KeyboardInterrupt"
    plain = again.of("update_display_data")[-1]["data"]["text/plain"]
    assert "continuing after step" in plain


@pytest.mark.parametrize(
    ("expression", "kinds"),
    [
        ("model", {"text/html"}),
        ("model.history", {"image/svg+xml"}),
        ("model.generate(n=3, seed=0)", {"text/html"}),
        ("model.next_symbols('an')", {"text/html"}),
        ("model.evaluate(texts)", {"text/html"}),
        ("unspool.Records.of(texts)", {"text/html"}),
    ],
)
def test_a_result_is_shown_as_what_it_is(kernel: Kernel, expression: str, kinds: set[str]) -> None:
    (result,) = kernel.run(expression).of("execute_result")
    assert set(result["data"]) == {"text/plain", *kinds}


def test_the_runtime_leaves_nothing_in_the_working_folder() -> None:
    assert list(Path().iterdir()) == []
