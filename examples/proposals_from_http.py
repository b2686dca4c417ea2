"""A language model proposes architectures; here, a stub that answers as one does: in prose.

The server takes the place of any API for chat completions. It makes the mistakes that language
models make: widths that are not on the grid, operations by other names or not there at all,
decisions that do not exist, and once no JSON. Its answers are repaired, or rejected with the
reason, and the search goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from http.server import HTTPServer
import json
from threading import Thread
from typing import Any
from urllib.request import Request
from urllib.request import urlopen

import numpy as np
import optuna
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
import torch

from optuna_nas import create_study
from optuna_nas import Objective
from optuna_nas import spaces
from optuna_nas import Train
from optuna_nas.samplers import ProposalSampler


FIRST = {"stages": 2, "pool": "max", "stage0/blocks": 1, "stage1/blocks": 1}
ANSWERS = [
    f"A small network first:\n```json\n{json.dumps({**FIRST, 'stage0/width': 8})}\n```",
    f"A wider one. {json.dumps({**FIRST, 'stage0/width': 15, 'stage0/op': 'Conv'})} Good luck!",
    "I am sorry, I need more information about your images.",
    f"Then attention: {json.dumps({**FIRST, 'stage0/op': 'self-attention'})}",
    f"Two blocks: {json.dumps({**FIRST, 'stage0/blocks': 2, 'learning_rate': 0.01})}",
    f"Deeper: {json.dumps({'params': {**FIRST, 'stages': 5, 'pool': 'average'}})}",
]


class Model(BaseHTTPRequestHandler):
    """Gives its answers in turn, whatever it is told."""

    turn = 0

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert asked["messages"][-1]["role"] == "user"
        text = ANSWERS[Model.turn % len(ANSWERS)]
        Model.turn += 1
        answer = {"choices": [{"message": {"role": "assistant", "content": text}}]}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        """Says nothing on the terminal."""


@contextmanager
def served() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Model)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/chat/completions"
    finally:
        server.shutdown()
        server.server_close()


def prompt(history: dict[str, Any]) -> str:
    """A model reads only so much: the space, what was wrong, and the ten best trials."""
    done = [trial for trial in history["trials"] if trial["values"]]
    best = sorted(done, key=lambda trial: -trial["values"][0])[:10]
    shown = {**{name: history[name] for name in ("search_space", "feedback")}, "best": best}
    return f"Propose the next network as one JSON object of all decisions.\n{json.dumps(shown)}"


def proposer(url: str) -> Any:
    def propose(history: dict[str, Any]) -> str:
        if history["feedback"]:
            print(f"  told to the model: {'; '.join(history['feedback'])}")
        question = {"model": "stub", "messages": [{"role": "user", "content": prompt(history)}]}
        request = Request(url, json.dumps(question).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=20) as response:
            text: str = json.load(response)["choices"][0]["message"]["content"]
        return text

    return propose


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)
    x, y = load_digits(return_X_y=True)
    x = (x.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    x_train, x_valid, y_train, y_valid = train_test_split(
        x, y, train_size=400, test_size=400, random_state=0, stratify=y
    )
    network = spaces.CNN(input_shape=(1, 8, 8), num_classes=10, widths=(4, 8, 16))
    objective = Objective(network, Train((x_train, y_train), (x_valid, y_valid), epochs=8))
    with served() as url:
        sampler = ProposalSampler(proposer(url), timeout=30, retries=2, seed=0)
        study = create_study(sampler=sampler, direction="maximize", pruner=None, seed=0)
        study.optimize(objective, n_trials=6)
    for trial in study.trials:
        print(f"trial {trial.number}: {trial.value:.3f}, {trial.user_attrs['proposal']}")


if __name__ == "__main__":
    main()
