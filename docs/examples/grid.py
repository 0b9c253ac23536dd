"""A learning curve against the known optimum: an agent learns the way through a small grid.

The world has `reset` and `step`; the agent has `act` and `learn`. It explores with a chance that
falls, and learns by the table that flows have, each step as it comes. Run it, and it prints how
many steps it takes; with the name of a file it also draws the curve there: docs/grid.svg is one.
"""

import random
import sys
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from docs.examples.loop import ALPHA, GAMMA
from shared.choosing import Context, Experience
from shared.learning.choices.q_learning import ActionValues

MAP = """\
S.#....
..#.##.
.......
.##.#..
....#.G"""
MOVES = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}
ARMS = [*MOVES]
#: Steps after which an episode is over anyway, episodes, and agents whose curves are averaged.
MOST, EPISODES, AGENTS = 100, 150, 20


class Seen(NamedTuple):
    """Where the agent stands, what the last step was worth, and whether it has arrived."""

    at: tuple[int, int]
    reward: float = 0.0
    over: bool = False


class Grid:
    """A walk from S to G around the walls. A step costs 0.04, and to arrive is worth 1."""

    def __init__(self) -> None:
        self.rows = MAP.split("\n")
        self.start, self.goal = self._find("S"), self._find("G")

    def reset(self) -> Seen:
        """Begin anew and show where it begins."""
        self.at = self.start
        return Seen(self.at)

    def step(self, move: str) -> Seen:
        """Walk, unless a wall is there, and show what came of it."""
        self.at = self.beside(self.at, move)
        is_there = self.at == self.goal
        return Seen(self.at, 1.0 if is_there else -0.04, is_there)

    def beside(self, at: tuple[int, int], move: str) -> tuple[int, int]:
        down, right = MOVES[move]
        row, column = at[0] + down, at[1] + right
        is_free = 0 <= row < len(self.rows) and 0 <= column < len(self.rows[0])
        return (row, column) if is_free and self.rows[row][column] != "#" else at

    def optimum(self) -> int:
        """Return the fewest steps from S to G: the known truth, which the agent is not told."""
        far, todo = {self.start: 0}, deque([self.start])
        while todo:
            here = todo.popleft()
            for there in {self.beside(here, move) for move in MOVES} - far.keys():
                far[there] = far[here] + 1
                todo.append(there)
        return far[self.goal]

    def _find(self, sign: str) -> tuple[int, int]:
        return next((at, row.index(sign)) for at, row in enumerate(self.rows) if sign in row)


def features(seen: Seen) -> Context:
    """All that the agent tells apart: the square on which it stands."""
    return {"row": seen.at[0], "column": seen.at[1]}


class Walker:
    """Chooses by what it has learnt, and by chance in a share that falls from one episode to the
    next."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._table = ActionValues()
        self.explores = 1.0

    def act(self, seen: Seen) -> str:
        """Choose the next move."""
        if self._chance.random() < self.explores:
            return self._chance.choice(ARMS)
        chances = self._table(features(seen), ARMS)
        return ARMS[chances.index(max(chances))]

    def learn(self, before: Seen, move: str, after: Seen) -> None:
        """Learn from one step."""
        left = () if after.over else ARMS
        one = Experience(features(before), move, after.reward, features(after), left)
        self._table.learn(one, ALPHA, GAMMA)


def walk(world: Grid, agent: Walker) -> int:
    """One episode of the loop; return its steps."""
    seen, steps = world.reset(), 0
    while not seen.over and steps < MOST:
        move = agent.act(seen)
        after = world.step(move)
        agent.learn(seen, move, after)
        seen, steps = after, steps + 1
    agent.explores *= 0.95
    return steps


def curve() -> list[float]:
    """Return the steps of each episode, as the mean of several agents with seeds of their own."""
    runs = []
    for seed in range(AGENTS):
        world, agent = Grid(), Walker(random.Random(seed))
        runs.append([walk(world, agent) for _ in range(EPISODES)])
    return [sum(run[at] for run in runs) / AGENTS for at in range(EPISODES)]


def drawn(steps: Sequence[float], optimum: int) -> str:
    """Draw the curve and the optimum as SVG."""
    wide, high, edge = 640, 280, 40
    right, down = (wide - 2 * edge) / (len(steps) - 1), (high - 2 * edge) / max(steps)

    def at(number: float, value: float) -> str:
        return f"{edge + number * right:.1f},{high - edge - value * down:.1f}"

    points = " ".join(at(number, value) for number, value in enumerate(steps))
    best = f"{at(0, optimum)} {at(len(steps) - 1, optimum)}"
    low = high - edge - optimum * down - 8
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" font-family="sans-serif">
<rect width="{wide}" height="{high}" fill="white"/>
<polyline points="{best}" fill="none" stroke="#2a9d3a" stroke-dasharray="6 4"/>
<polyline points="{points}" fill="none" stroke="#1f5fbf" stroke-width="2"/>
<g font-size="12">
<text x="{edge}" y="{edge - 16}">steps to the goal, mean of {AGENTS} agents</text>
<text x="{edge - 8}" y="{edge + 4}" text-anchor="end">{max(steps):.0f}</text>
<text x="{wide - edge}" y="{low:.1f}" text-anchor="end" fill="#2a9d3a">optimum: {optimum}</text>
<text x="{wide - edge}" y="{high - 14}" text-anchor="end">{len(steps)} episodes</text>
</g>
</svg>
"""


if __name__ == "__main__":
    steps, best = curve(), Grid().optimum()
    for first in range(0, EPISODES, 15):
        mean = sum(steps[first : first + 15]) / 15
        print(f"{first + 1:3}–{first + 15:3} {mean:5.1f} {'█' * round(mean)}")
    print(f"optimum {best:5.1f} {'█' * best}")
    for name in sys.argv[1:]:
        with open(name, "w", encoding="utf-8") as file:
            file.write(drawn(steps, best))
