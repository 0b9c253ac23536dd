"""The statistics, against published or exactly computed values."""

from fractions import Fraction
from math import comb

import pytest

from infra.bench.comparison import difference, mcnemar, wilson


@pytest.mark.parametrize(
    ("successes", "total", "low", "high"),
    [
        # Newcombe 1998, table I, method 3: https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<857
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_wilsons(
    successes: int, total: int, low: float, high: float
) -> None:
    assert wilson(successes, total) == pytest.approx((low, high), abs=5e-5)


def test_no_cases_say_nothing_and_all_right_reach_one() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(20, 20).high == 1.0
    assert wilson(0, 20).low == 0.0


def test_mcnemar_is_the_exact_two_sided_binomial_test() -> None:
    for b, c in [(0, 0), (1, 0), (5, 5), (2, 9), (121, 59), (3, 40)]:
        terms = sum(comb(b + c, k) for k in range(min(b, c) + 1))
        exact = min(Fraction(1), Fraction(2 * terms, 2 ** (b + c)))
        assert mcnemar(b, c) == pytest.approx(float(exact))


def test_mcnemar_holds_for_a_hundred_thousand_rows() -> None:
    # The normal approximation with continuity correction: z = 499 / sqrt(100000).
    assert mcnemar(50_250, 49_750) == pytest.approx(0.1146, abs=5e-4)


def test_the_difference_has_its_sign_and_an_interval_around_it() -> None:
    share, (low, high) = difference(30, 10, 200)
    assert share == pytest.approx(0.1)
    # 20/202, and 1.96 times the root of (41 - 400/202) / 202**2.
    assert (low, high) == pytest.approx((0.0384, 0.1596), abs=5e-5)
    assert difference(10, 30, 200)[0] == pytest.approx(-0.1)
    assert difference(0, 0, 0)[1] == pytest.approx((-0.98, 0.98), abs=1e-3)
