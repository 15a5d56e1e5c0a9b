from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postgres.reading import arrow

if TYPE_CHECKING:
    from stoker.postgres.connections.connection import ConnectionInfo


@pytest.mark.parametrize(("precision", "scale"), [(5, 2), (18, 0), (18, 9), (18, 17), (9, 9), (38, 20)])
@settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_numbers_come_out_as_they_went_in(
    precision: int, scale: int, data: st.DataObject, info: ConnectionInfo
) -> None:
    """Whatever is beside them in a piece: zeros, nulls, numbers of other sizes."""
    numbers = st.integers(-(10**precision) + 1, 10**precision - 1) | st.sampled_from([0, 1, -1, 10**precision - 1])
    given = data.draw(st.lists(st.none() | numbers.map(lambda n: Decimal(f"{n}e-{scale}")), min_size=1, max_size=100))
    values = ", ".join("(NULL)" if value is None else f"('{value}')" for value in given)
    query = f"SELECT v::numeric({precision},{scale}) AS v FROM (VALUES {values}) AS t (v)"
    assert arrow(info, query)["v"].to_pylist() == given
