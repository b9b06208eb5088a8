"""The table of dialects."""

import pytest

from tidings.dialects import load_decoder
from tidings.dialects.table import DECODERS
from tidings.errors import NotFound


@pytest.mark.parametrize("name", DECODERS)
def test_every_dialect_in_the_table_loads(name: str) -> None:
    decoder = load_decoder(name)
    assert callable(decoder.decode)
    assert callable(decoder.recognises)


def test_an_unknown_dialect_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"'smtp'.*lxd"):
        load_decoder("smtp")
