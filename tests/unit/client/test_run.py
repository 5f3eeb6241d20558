from hypothesis import given
from hypothesis import strategies as st

from client.run import share


@given(users=st.integers(1, 10_000), replicas=st.integers(1, 200))
def test_shares_are_contiguous_complete_and_even(users: int, replicas: int) -> None:
    shares = [share(users, replicas, number) for number in range(replicas)]
    expected_first = 0
    for first, count in shares:
        assert first == expected_first
        expected_first += count
    assert expected_first == users
    counts = [count for _, count in shares]
    assert max(counts) - min(counts) <= 1
