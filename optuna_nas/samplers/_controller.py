"""The controller: an LSTM that takes one decision after the other (Zoph & Le 2017, sec. 3.2).

https://arxiv.org/abs/1611.01578

    h <- LSTM(start)
    for t = 1, 2, ... as the space asks:
        a_t ~ P(a_t | a_1..t-1; theta) = softmax(head_t(h) / temperature)
        h <- LSTM(embedding_t(a_t), h)
    R <- the reward of the trained network
    theta <- theta + rate * (sum_t grad log P(a_t | a_1..t-1; theta)) (R - b)

The last line is REINFORCE (Williams 1992), taken by Adam. The best trials can be learned with it
(Abolafia et al. 2018, https://arxiv.org/abs/1801.03526, sec. 3): + mean_k log P(the k-th best).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import chain
import math
from typing import NamedTuple
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn
from torch import Tensor
from torch.nn import functional

from optuna_nas.samplers._draw import generator


State: TypeAlias = tuple[Tensor, tuple[Tensor, Tensor]]
"""What the LSTM put out last, and what it remembers."""

SCALE = 0.08
"""Weights begin uniformly in -SCALE..SCALE (Zoph & Le 2017, sec. 4.1)."""

TINY = torch.finfo(torch.float64).tiny


class Decision(NamedTuple):
    """What is asked: a name, and among how many actions."""

    name: str
    actions: int


class Weights(NamedTuple):
    """What belongs to one decision; each row is an action's."""

    embedding: Tensor
    head: Tensor
    bias: Tensor


class Controller:
    """A policy over decisions that it need not know beforehand.

    Each decision has an embedding and a head, made when it is first met. All weights begin as
    functions of the seed and their name, so it does not matter in which order they are made.

    Args:
        seed:
            At least 0.
        hidden_size:
            Of the LSTM and the embeddings.
        learning_rate:
            Adam's.
        entropy_weight:
            How much the entropy of the decisions counts beside the advantage.
        temperature:
            What the heads' outputs are divided by.
        epsilon:
            The share of the policy that is uniform.
    """

    def __init__(
        self,
        seed: int,
        *,
        hidden_size: int,
        learning_rate: float,
        entropy_weight: float,
        temperature: float,
        epsilon: float,
    ) -> None:
        self._seed = seed
        self._entropy_weight = entropy_weight
        self._temperature = temperature
        self._epsilon = epsilon
        with torch.inference_mode(False):
            # By way of the meta device, where nothing is drawn from torch's global generator.
            lstm = nn.LSTM(hidden_size, hidden_size, device="meta", dtype=torch.float64)
            self._lstm = lstm.to_empty(device="cpu")
            self._start = torch.zeros(1, hidden_size, device="cpu", dtype=torch.float64)
        for name, weights in self._lstm.named_parameters():
            weights.data = self._initial(tuple(weights.shape), f"lstm {name}")
        self._weights: dict[Decision, Weights] = {}
        self._adam = torch.optim.Adam(self._lstm.parameters(), lr=learning_rate, fused=True)

    def copy(self) -> Controller:
        """Returns one that knows the same, and learns on its own."""
        with torch.inference_mode(False):
            return deepcopy(self)

    def start(self) -> State:
        """Returns the state before any decision."""
        with torch.inference_mode(False), torch.no_grad():
            state: State = self._lstm(self._start)
        return state

    def advance(self, state: State, decision: Decision, action: int) -> State:
        """Returns the state after a decision."""
        embedding = self._weights_of(decision).embedding
        with torch.inference_mode(False), torch.no_grad():
            after: State = self._lstm(embedding[action : action + 1], state[1])
        return after

    def probabilities(self, state: State, decision: Decision) -> NDArray[np.float64]:
        """Returns how probable each action is, after the decisions that led to the state."""
        with torch.inference_mode(False), torch.no_grad():
            _, head, bias = self._weights_of(decision)
            policy = self._policy(head @ state[0][0] + bias, 1 / decision.actions)
            numbers: NDArray[np.float64] = policy.numpy()
        return numbers

    def learn(
        self,
        answers: Sequence[tuple[Decision, int]],
        advantage: float,
        best: Sequence[Sequence[tuple[Decision, int]]] = (),
    ) -> None:
        """Takes a step that makes the answers more probable, or less, and the best more.

        Args:
            answers:
                Decisions in the order asked, at least one, and the action taken at each.
            advantage:
                By how much the reward was above the baseline: R - b.
            best:
                The answers of the best trials so far, which count together as one of advantage 1.
        """
        with torch.inference_mode(False), torch.enable_grad():
            episodes = [answers, *best]
            policies = self._policies(episodes)
            log_policies = policies.clamp_min(TINY).log()
            actions = [action for episode in episodes for _, action in episode]
            taken = log_policies[range(len(actions)), actions]
            shares = [advantage, *[1 / len(best)] * len(best)] if best else [advantage]
            counts = torch.tensor([len(episode) for episode in episodes], device="cpu")
            weights = torch.tensor(shares, device="cpu", dtype=torch.float64)
            new = slice(len(answers))
            entropy = -(policies[new] * log_policies[new]).sum()
            objective = weights.repeat_interleave(counts) @ taken + self._entropy_weight * entropy
            self._adam.zero_grad()
            (-objective).backward()  # type: ignore[no-untyped-call]
            self._adam.step()

    def _policies(self, episodes: Sequence[Sequence[tuple[Decision, int]]]) -> Tensor:
        """A row for each decision of each episode, with zeros up to the most actions one has.

        All at once, since an operation on all takes little longer than one on a single decision.
        """
        begins: dict[Decision, int] = {}
        rows = 1  # of the tables of all actions, in which the start is the first
        for decision, _ in chain(*episodes):
            if decision not in begins:
                begins[decision], rows = rows, rows + decision.actions
        made = [self._weights_of(decision) for decision in begins]
        embeddings = torch.cat([self._start, *(weights.embedding for weights in made)])
        heads = torch.cat([self._start, *(weights.head for weights in made)])
        biases = torch.cat([self._start[0, :1], *(weights.bias for weights in made)])

        inputs = np.zeros((max(map(len, episodes)), len(episodes)), dtype=np.int64)
        for i, episode in enumerate(episodes):
            inputs[1 : len(episode), i] = [begins[asked] + a for asked, a in episode[:-1]]
        hidden, _ = self._lstm(functional.embedding(torch.from_numpy(inputs), embeddings))
        hidden = torch.cat([hidden[: len(episode), i] for i, episode in enumerate(episodes)])

        first = np.array([begins[decision] for decision, _ in chain(*episodes)])[:, None]
        actions = np.array([decision.actions for decision, _ in chain(*episodes)])[:, None]
        real = np.arange(actions.max()) < actions
        columns = torch.from_numpy(np.where(real, first + np.arange(actions.max()), 0))
        logits = torch.addmm(biases, hidden, heads.T).gather(1, columns)
        logits = logits.masked_fill(torch.from_numpy(~real), -math.inf)
        return self._policy(logits, torch.from_numpy(real / actions))

    def _policy(self, logits: Tensor, uniform: Tensor | float) -> Tensor:
        policy = torch.softmax(logits / self._temperature, dim=-1)
        return (1 - self._epsilon) * policy + self._epsilon * uniform

    def _weights_of(self, decision: Decision) -> Weights:
        """The decision's embedding and head; made, and given to Adam, when first met."""
        if decision not in self._weights:
            shape = decision.actions, self._start.shape[1]
            name = f"{decision.actions} {decision.name}"
            made = Weights(
                self._initial(shape, f"embedding {name}").requires_grad_(),
                self._initial(shape, f"head {name}").requires_grad_(),
                self._initial(shape[:1], f"bias {name}").requires_grad_(),
            )
            self._weights[decision] = made
            # One group for all is faster than the group each of `add_param_group`.
            self._adam.param_groups[0]["params"] += made
        return self._weights[decision]

    def _initial(self, shape: tuple[int, ...], name: str) -> Tensor:
        numbers = generator(self._seed, "controller", name).uniform(-SCALE, SCALE, shape)
        with torch.inference_mode(False):
            return torch.tensor(numbers, device="cpu", dtype=torch.float64)
