"""Client bases with a known answer: published survivors, and clients drawn from the models themselves."""

from __future__ import annotations

import numpy as np

# Fader and Hardie (2007), segment High End: alive of 1000 after 0 … 12 years; years 8 to 12 judge the forecast.
HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394)


def subscribers(n: int, alpha: float, beta: float, periods: int, seed: int) -> list[int]:
    """Alive after 0 … periods renewals; each client leaves with a chance of its own, beta(alpha, beta)."""
    draws = np.random.default_rng(seed)
    life = draws.geometric(draws.beta(alpha, beta, n))
    return [int((life > t).sum()) for t in range(periods + 1)]


def buyers(n: int, r: float, alpha: float, a: float, b: float, age: float, later: float, seed: int):
    """Clients drawn from BG/NBD, first seen in the first half of `age`.

    Returns frequency, recency, age, and purchases within `later` after the end, one element per client.
    """
    draws = np.random.default_rng(seed)
    rate, chance = draws.gamma(r, 1 / alpha, n), draws.beta(a, b, n) if a else np.zeros(n)
    seen = draws.uniform(age / 2, age, n)
    frequency, recency, after = np.zeros(n), np.zeros(n), np.zeros(n)
    clients, clock = np.arange(n), np.zeros(n)
    while len(clients):
        clock = clock + draws.exponential(1 / rate[clients])
        there = clock < seen[clients] + later
        clients, clock = clients[there], clock[there]
        past = clock < seen[clients]
        frequency[clients[past]] += 1
        recency[clients[past]] = clock[past]
        after[clients[~past]] += 1
        stays = draws.random(len(clients)) >= chance[clients]
        clients, clock = clients[stays], clock[stays]
    return frequency, recency, seen, after


def baskets(n: int, p: float, q: float, v: float, seed: int):
    """Number of purchases (1 or more) and their mean value per client, drawn from Gamma-Gamma."""
    draws = np.random.default_rng(seed)
    frequency = 1 + draws.poisson(1.0, n)
    nu = draws.gamma(q, 1 / v, n)
    return frequency, draws.gamma(p * frequency, 1 / (nu * frequency))
