"""Three models of what a client is worth: sBG for subscriptions, BG/NBD with Gamma-Gamma for repeat purchase.

All are maximum likelihood on small tables of counts, so their cost does not grow with clients. A fit that is not to
be trusted says why in `reason` and carries NaN for every number, so that nothing of it can be printed:

    few_clients     fewer clients than min_clients
    few_repeats     too small a share of clients bought again; sBG: nobody, or everybody, has left
    flat            the data do not tell the parameters apart: one standard error is more than FLAT of a logarithm
    border          the likelihood still rises where a parameter is 0 or without bound; Gamma-Gamma: no mean (q <= 1)
    not_converged   the searches from several starts do not meet

sBG on clients who all leave at one rate ends "flat" or at the "border": one churn then says it all. For
one-off purchases no lifetime value is computed at all: a client's profit is the profit of its deals less CAC.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

STARTS = ((0.0,), (1.0,), (-1.0, 1.0))  # logarithms of parameters, repeated in turn to their number
EDGE = math.log(1e4)  # a parameter beyond 1e4 or below 1e-4 (of scaled data) stands at the border
FLAT = 3.0  # standard error of a logarithm: the parameter is known to a factor of twenty at best
MEET = 1e-3  # searches that end within this log-likelihood of the best have met
NODES = 4096  # points of a mean over a beta
MOST_TIED = 0.3  # correlation of how often and how much
Model = TypeVar("Model")


# --- sBG: clients of a contract who renew or leave ---
@dataclass(frozen=True)
class SBG:
    """Shifted beta-geometric: each client leaves with a chance of its own, beta(alpha, beta), at every renewal.

    n clients of all cohorts together, periods = the longest time observed; reason: see the module.
    """

    alpha: float
    beta: float
    log_likelihood: float
    converged: bool
    n: int
    periods: int
    reason: str = ""


def fit_sbg(survivors: Sequence[int] | Sequence[Sequence[int]], min_clients: int = 300) -> SBG:
    """Fit one model to the clients still alive after 0, 1, 2, … renewals.

    survivors : one cohort (its size first, never rising), or several of different observed length: their
    likelihoods are added, clients alive at the end of their own cohort's observation are open.
    ValueError: counts rise or are negative. SOURCE: Fader and Hardie (2007), J. Interactive Marketing 21, 76-90.
    """
    lost, alive = _lifetables(survivors)
    periods = len(lost) - 1
    known = {"n": int(round(lost.sum() + alive.sum())), "periods": periods}
    if known["n"] < max(min_clients, 1):
        return _refused(SBG, "few_clients", known)
    if not lost.sum() or not alive.sum():
        return _refused(SBG, "few_repeats", known)

    def likelihood(alpha: float, beta: float) -> float:
        ends = _sbg_log_survival(alpha, beta, np.arange(periods + 1))
        leaves = ends[:-1] + np.log(alpha) - np.log(alpha + beta + np.arange(periods))
        return float(lost[1:] @ leaves + alive @ ends)

    return _fit(SBG, likelihood, known, (1, 1), 0.0)


def sbg_survival(fit: SBG, t: ArrayLike) -> np.ndarray:
    """The share of new clients still there after t renewals: S(t) = B(alpha, beta + t) / B(alpha, beta)."""
    return np.exp(_sbg_log_survival(fit.alpha, fit.beta, np.asarray(t, float)))


def sbg_value(
    fit: SBG, margin_per_period: float, horizon: int | None, discount_per_period: float = 0.0, cac: float = 0.0
) -> float:  # fmt: skip
    """What a new client brings in margin over its first `horizon` periods, less cac.

    Σ margin·S(t) / (1 + discount)^t over t = 0 … horizon - 1: the first payment comes at once and undiscounted, so
    horizon counts payments. horizon None: without end, allowed only with a discount. Raises ValueError without
    either: the sum then grows without bound for alpha <= 1, and says nothing anybody will live to see otherwise.
    """
    if horizon is None:
        if not discount_per_period > 0:
            ends = "grows without bound" if fit.alpha <= 1 else "counts clients who outlive the company"
            why = f"(alpha {fit.alpha:.3f}; the sum is finite only for alpha above 1)"
            raise ValueError(f"an undiscounted value without end {ends} {why}: state a horizon or a discount")
        from scipy import special

        kept = special.hyp2f1(1, fit.beta, fit.alpha + fit.beta, 1 / (1 + discount_per_period))
    elif horizon < 1:
        raise ValueError("the horizon must be at least one period")
    else:
        times = np.arange(horizon)
        kept = (sbg_survival(fit, times) / (1 + discount_per_period) ** times).sum()
    return float(margin_per_period * kept - cac)


def _sbg_log_survival(alpha: float, beta: float, t: np.ndarray) -> np.ndarray:
    from scipy import special

    return special.betaln(alpha, beta + t) - special.betaln(alpha, beta)


def _lifetables(survivors: Sequence[int] | Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Clients lost at each renewal, and those still alive at the end of observation, over all cohorts."""
    many = survivors if len(survivors) and np.ndim(survivors[0]) else [survivors]
    cohorts = [np.asarray(one, float) for one in many if len(one)]
    lost, alive = np.zeros((2, max(map(len, cohorts), default=1)))
    for one in cohorts:
        if (one < 0).any() or (np.diff(one) > 0).any() or not np.isfinite(one).all():
            raise ValueError("survivors of a cohort must be counts that never rise")
        lost[1 : len(one)] += -np.diff(one)
        alive[len(one) - 1] += one[-1]
    return lost, alive


# --- BG/NBD: how often clients without a contract come back ---
@dataclass(frozen=True)
class BGNBD:
    """Purchases come at random at a rate of each client's own, gamma(r, alpha), until it leaves after one of them.

    The chance to leave is beta(a, b); alpha is in the unit of time of the data; n clients, repeaters of them. a <= 1
    is no fault (the published CDNOW fit has a = .793): expectations are over a stated time, and finite.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    converged: bool
    n: int
    repeaters: int = 0
    reason: str = ""


def fit_bgnbd(
    frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, weights: ArrayLike | None = None,
    min_clients: int = 300, repeat_share: float = 0.1,
) -> BGNBD:  # fmt: skip
    """Fit to what is known of each client: repeat purchases x, time of the last one t_x, time observed T.

    frequency : purchases after the first; recency : time from the first purchase to the last (0 without repeat);
    age : time from the first purchase to the end of observation, in the same unit; weights : how many clients share
    these three numbers (1 each by default).
    Raises ValueError where 0 <= t_x <= T does not hold, or a client without repeat has a recency. SOURCE: Fader,
    Hardie and Lee (2005), Marketing Science 24, 275-284.
    """
    from scipy import special

    x, t_x, big_t, count = _history(frequency, recency, age, weights)
    known = {"n": int(round(count.sum())), "repeaters": int(round(count[x > 0].sum()))}
    if known["n"] < max(min_clients, 1):
        return _refused(BGNBD, "few_clients", known)
    if known["repeaters"] < max(repeat_share * known["n"], 1):
        return _refused(BGNBD, "few_repeats", known)
    unit = float(np.average(big_t, weights=count))

    last, seen, again = t_x / unit, big_t / unit, np.maximum(x, 1)
    each, group = np.unique(x, return_inverse=True)  # what hangs on x alone is reckoned once
    many = np.bincount(group, count)

    def likelihood(r: float, alpha: float, a: float, b: float) -> float:
        rate = special.gammaln(r + each) - special.gammaln(r) + r * math.log(alpha)
        stays = special.betaln(a, b + each) - special.betaln(a, b)
        stay = -(r + x) * np.log(alpha + seen)
        left = math.log(a) - np.log(b + again - 1) - (r + x) * np.log(alpha + last)
        return _total(many * (rate + stays)) + _total(count * np.where(x > 0, np.logaddexp(stay, left), stay))

    return _fit(BGNBD, likelihood, known, (1, unit, 1, 1), -_total(count * x) * math.log(unit))


def bgnbd_expected(fit: BGNBD, t: ArrayLike) -> np.ndarray:
    """Repeat purchases of a new client within t of its first purchase, which is not counted."""
    return _purchases(fit.r, fit.alpha, fit.a, fit.b, t)


def bgnbd_conditional(
    fit: BGNBD, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike, t: ArrayLike
) -> np.ndarray:
    """Purchases within t after the end of observation, per client with this history: see `fit_bgnbd`."""
    x, t_x, big_t, _ = _history(frequency, recency, age, None)
    return p_alive(fit, x, t_x, big_t) * _purchases(fit.r + x, fit.alpha + big_t, fit.a, fit.b + x, t)


def p_alive(fit: BGNBD, frequency: ArrayLike, recency: ArrayLike, age: ArrayLike) -> np.ndarray:
    """The chance that a client with this history has not left. Without a repeat it is 1: nobody leaves before one."""
    x, t_x, big_t, _ = _history(frequency, recency, age, None)
    waited = (fit.r + x) * np.log((fit.alpha + big_t) / (fit.alpha + t_x))
    odds = np.exp(np.minimum(math.log(fit.a) - np.log(fit.b + np.maximum(x, 1) - 1) + waited, 700.0))
    return np.where(x > 0, 1 / (1 + odds), 1 + 0 * waited)  # NaN of a refused fit stays NaN


def _purchases(r: ArrayLike, alpha: ArrayLike, a: float, b: ArrayLike, t: ArrayLike) -> np.ndarray:
    """E[X(t)] for rate gamma(r, alpha) and leaving beta(a, b): the published formula after Euler's transformation.

    (a + b - 1)/(a - 1)·[1 - (1-z)^(a-1)·₂F₁(a + b - 1 - r, a - 1; a + b - 1; z)], z = t/(alpha + t): its
    arguments stay small where r and b grow with the purchases of a client. Where it is not finite, or cancels near
    a = 1, the same expectation is averaged over the beta.
    """
    from scipy import special

    r, alpha, b, t = np.broadcast_arrays(*(np.asarray(one, float) for one in (r, alpha, b, t)))
    z, most = t / (alpha + t), r * t / alpha  # nobody buys more than one who never leaves
    with np.errstate(all="ignore"):
        series = (1 - z) ** (a - 1) * special.hyp2f1(a + b - 1 - r, a - 1, a + b - 1, z)
        value = (a + b - 1) / (a - 1) * (1 - series) if a != 1 else np.full_like(z, math.nan)
        good = np.isfinite(value) & (value >= 0) & (value <= most * (1 + 1e-9)) & (abs(a - 1) > 1e-4)
    value = np.array(value)
    for place in map(tuple, np.argwhere(~good & np.isfinite(most))):
        value[place] = _averaged(r[place], alpha[place], a, b[place], t[place])
    return value


def _averaged(r: float, alpha: float, a: float, b: float, t: float) -> float:
    """∫ (1 - (alpha/(alpha + pt))^r) / p over beta(a, b), at the middles of equal shares of it."""
    from scipy import special

    chance = np.maximum(special.betaincinv(a, b, (np.arange(NODES) + 0.5) / NODES), 1e-300)
    return float(np.mean(-np.expm1(-r * np.log1p(chance * t / alpha)) / chance))


def _history(*parts: ArrayLike | None) -> tuple[np.ndarray, ...]:
    """x, t_x, T and weights (1 for None), checked."""
    whole = (np.asarray(1.0 if one is None else one, float) for one in parts)
    x, t_x, big_t, count = np.broadcast_arrays(*whole)
    ordered = (x >= 0) & (t_x >= 0) & (t_x <= big_t) & (count >= 0) & ((x > 0) | (t_x == 0))
    if not ordered.all():
        raise ValueError("a history needs 0 <= recency <= age, and recency 0 without a repeat purchase")
    return x, t_x, big_t, count


# --- Gamma-Gamma: how much a purchase brings ---
@dataclass(frozen=True)
class GammaGamma:
    """The mean value of a client's purchases, the more certain the more of them were seen.

    n clients; correlation of frequency and mean value. remark "correlated": beyond MOST_TIED, which makes the
    premise doubtful that how often and how much have nothing to do with each other.
    """

    p: float
    q: float
    v: float
    log_likelihood: float
    converged: bool
    n: int
    correlation: float = math.nan
    remark: str = ""
    reason: str = ""

    @property
    def mean(self) -> float:
        """The mean value of a purchase over the whole population: p·v / (q - 1)."""
        return self.p * self.v / (self.q - 1)


def fit_gamma_gamma(
    frequency: ArrayLike, mean_value: ArrayLike, weights: ArrayLike | None = None, min_clients: int = 30
) -> GammaGamma:
    """Fit to clients with repeat purchases: their number x > 0 and their mean value m > 0.

    Rows without a repeat or with a mean of 0 or below are left out: the model knows positive values only. weights :
    clients per row. SOURCE: Fader and Hardie (2013), "The gamma-gamma model of monetary value".
    """
    from scipy import special

    rows = np.broadcast_arrays(*np.atleast_1d(frequency, mean_value, 1.0 if weights is None else weights))
    x, m, count = np.asarray(rows, float)[:, np.all([one > 0 for one in rows], axis=0)]
    known = {"n": int(round(count.sum()))}
    if known["n"] < max(min_clients, 1):
        return _refused(GammaGamma, "few_clients", known)
    unit = float(np.average(m, weights=count))
    scaled, spread = m / unit, np.cov(x, m, aweights=count, ddof=0)
    tied = float(spread[0, 1] / math.sqrt(max(spread[0, 0] * spread[1, 1], 1e-300)))
    known |= {"correlation": tied, "remark": "correlated" if abs(tied) > MOST_TIED else ""}

    def likelihood(p: float, q: float, v: float) -> float:
        shape = special.gammaln(p * x + q) - special.gammaln(p * x) - special.gammaln(q)
        spread = q * math.log(v) + (p * x - 1) * np.log(scaled) + p * x * np.log(x)
        return _total(count * (shape + spread - (p * x + q) * np.log(x * scaled + v)))

    fit = _fit(GammaGamma, likelihood, known, (1, 1, unit), -float(count.sum()) * math.log(unit))
    return fit if not fit.converged or fit.q > 1 else _refused(GammaGamma, "border", known)


def expected_value(fit: GammaGamma, frequency: ArrayLike, mean_value: ArrayLike) -> np.ndarray:
    """The value of the next purchase of a client with x repeat purchases of mean m: p(v + xm) / (px + q - 1).

    Without repeat purchases (x = 0, whatever m) it is the mean of the population.
    """
    x, m = np.broadcast_arrays(np.asarray(frequency, float), np.asarray(mean_value, float))
    paid = x * np.where(x > 0, m, 0.0)
    return fit.p * (fit.v + paid) / (fit.p * x + fit.q - 1)


# --- both together ---
def forecast(
    clients: pd.DataFrame, values: pd.DataFrame, horizon: float, min_clients: int = 300, repeat_share: float = 0.1
) -> tuple[float, str]:  # fmt: skip
    """The revenue of the next `horizon` from all these clients by both models: (total, ""), or (NaN, reason).

    clients : histories grouped, columns frequency, recency, age, clients, repeat_value (of all repeat purchases of
    the group: the expected value is linear in it, so the sum is exact); values : frequency, mean_value, clients for
    the fit of Gamma-Gamma; horizon in the unit of recency and age.
    """
    history = clients["frequency"], clients["recency"], clients["age"]
    buys = fit_bgnbd(*history, clients["clients"], min_clients, repeat_share)
    worth = fit_gamma_gamma(values["frequency"], values["mean_value"], values["clients"])
    if not (buys.converged and worth.converged):
        return math.nan, buys.reason or worth.reason
    later = bgnbd_conditional(buys, *history, horizon)
    paid = clients["repeat_value"].where(clients["frequency"] > 0, 0.0)
    value = worth.p * (worth.v * clients["clients"] + paid) / (worth.p * clients["frequency"] + worth.q - 1)
    return float((later * value).sum()), ""


# --- one way to fit ---
def _fit(
    model: type[Model], likelihood: Callable[..., float], known: dict, scale: ArrayLike, constant: float
) -> Model:
    """The best of several searches over logarithms, turned back by scale and constant; or a refusal."""
    found = [_search(likelihood, np.resize(start, len(scale)), known["n"]) for start in STARTS]
    best, place = max(found, key=lambda one: one[0])
    met = sum(best - value < MEET for value, _ in found) > 1
    reason = "border" if (np.abs(place) > EDGE).any() else "flat" if not _sharp(likelihood, place) else ""
    if reason or not met:
        return _refused(model, reason or "not_converged", known)
    return model(*map(float, np.exp(place) * scale), float(best + constant), converged=True, **known)


def _search(likelihood: Callable[..., float], start: np.ndarray, n: int) -> tuple[float, np.ndarray]:
    """One search. Returns (log-likelihood, logarithms); per client, so that a large base is searched as closely."""
    from scipy import optimize

    def cost(logs: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            value = -likelihood(*np.exp(logs)) / n
        return value if math.isfinite(value) else 1e9

    done = optimize.minimize(
        cost, start, method="L-BFGS-B", jac="3-point", bounds=[(-2 * EDGE, 2 * EDGE)] * len(start),
        options={"ftol": 1e-15, "gtol": 1e-8, "maxiter": 1000},
    )  # fmt: skip
    return -float(done.fun) * n, done.x


def _sharp(likelihood: Callable[..., float], place: np.ndarray, step: float = 1e-3) -> bool:
    """Is this a top, curved in every direction, with each logarithm known to FLAT or better?"""
    moves = step * np.eye(len(place))

    def at(shift: np.ndarray) -> float:
        return likelihood(*np.exp(place + shift))

    def bend(one: np.ndarray, two: np.ndarray) -> float:
        return (at(one - two) + at(two - one) - at(one + two) - at(-one - two)) / (4 * step**2)

    values, vectors = np.linalg.eigh([[bend(one, two) for two in moves] for one in moves])
    if not (values[0] > 0 and ((vectors**2 / values).sum(axis=1) <= FLAT**2).all()):
        return False
    way = vectors[:, 0]  # the flattest: on a ridge that leads away without end it does not fall on both sides
    return bool(at(0 * way) - max(at(way), at(-way)) > 1 / (8 * FLAT**2))


def _total(values: np.ndarray) -> float:
    return float(np.sum(values))  # in one thread: a BLAS product differs by machine, and waits for busy cores


def _refused(model: type[Model], reason: str, known: dict) -> Model:
    """A fit without numbers: the parameters stand before log_likelihood among the fields."""
    numbers = [field.name for field in fields(model)].index("log_likelihood") + 1
    return model(*[math.nan] * numbers, converged=False, reason=reason, **known)
