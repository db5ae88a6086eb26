from w2s_cli.errors import few


def test_a_long_list_is_cut() -> None:
    assert few([]) == ""
    assert few(["a", "b", "c"]) == "a, b, c"
    assert few([*"abcde"]) == "a, b, c and 2 more"
