"""Settings: where they come from, how they are written, and what a wrong one is told."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.config import BY_NAME, CLIENT_VARIABLES, SETTINGS, TABLES, Address, Config, ValueType, load
from tidings.errors import ConfigError

MIB = 1024 * 1024
# One that is none of the defaults, for each way of writing a value.
OTHER_VALUES = {
    ValueType.PATH: "/srv/other",
    ValueType.SOCKET: "/run/other.socket",
    ValueType.ADDRESS: "[::1]:9000",
    ValueType.TEXT: "other",
    ValueType.SIZE: "96MiB",
    ValueType.COUNT: "123456",
    ValueType.DURATION: "77s",
}


def other_value(name: str) -> str:
    """Return a text that gives the setting a value which isn't its default."""
    setting = BY_NAME[name]
    if setting.type is ValueType.SWITCH:
        return "false" if setting.default == "true" else "true"
    if setting.choices:
        return next(choice for choice in setting.choices if choice != setting.default)
    return OTHER_VALUES[setting.type]


def companions(name: str) -> dict[str, str]:
    """Return what must change together with a setting, so that the two still make sense."""
    return {
        "max_event_size": {"max_body_size": "100MiB"},
        "segment_events": {"merge_events": "200000"},
        "merge_events": {"segment_events": "1000"},
    }.get(name, {})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "tidings.toml"


def load_text(file: Path, text: str) -> Config:
    file.write_text(text)
    return load(file, {}, {})


def refusal(file: Path, text: str) -> str:
    """Return what loading the text is refused with."""
    with pytest.raises(ConfigError) as refused:
        load_text(file, text)
    return str(refused.value)


def test_without_anything_set_every_setting_has_its_default() -> None:
    config = load(None, {}, {})
    assert config.data == Path("~/.local/share/tidings").expanduser()
    assert config.listen == Address("127.0.0.1", 8600)
    assert config.socket == config.data / "unix.socket"
    assert config.tls_listen is None
    assert (config.max_event_size, config.max_body_size, config.max_pending_bytes) == (MIB, 64 * MIB, 256 * MIB)
    assert (config.seal_idle, config.retention_interval, config.search_timeout) == (5.0, 3600.0, 10.0)
    assert (config.retain_age, config.retain_size, config.dedupe_window) == (0.0, 0, 1_000_000)
    assert (config.fsync, config.metrics_public) == (True, False)
    assert {config.origin(setting.name) for setting in SETTINGS} == {"default"}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_has_a_help_sentence_and_a_version(setting: object) -> None:
    row = BY_NAME[setting.name]  # type: ignore[attr-defined]
    assert re.fullmatch(r"[A-Z].{10,100}\.", row.help)
    assert re.fullmatch(r"\d+\.\d+\.\d+", row.since)


@pytest.mark.parametrize("name", BY_NAME)
def test_every_default_is_written_as_config_show_writes_it(name: str) -> None:
    config = load(None, {"TIDINGS_DATA": "/srv/tidings"}, {})
    expected = {"data": "/srv/tidings", "socket": "/srv/tidings/unix.socket"}.get(name, BY_NAME[name].default)
    assert config.show(name) == expected


@pytest.mark.parametrize("name", BY_NAME)
def test_every_setting_can_be_set_in_the_file(file: Path, name: str) -> None:
    entries = {name: other_value(name), **companions(name)}
    config = load_text(file, "".join(f"{key} = {json.dumps(value)}\n" for key, value in entries.items()))
    assert (config.show(name), config.origin(name)) == (other_value(name), f"file {file}")


@pytest.mark.parametrize("name", BY_NAME)
def test_every_setting_can_be_set_in_the_environment(name: str) -> None:
    env = {BY_NAME[key].variable: value for key, value in {name: other_value(name), **companions(name)}.items()}
    config = load(None, env, {})
    assert (config.show(name), config.origin(name)) == (other_value(name), f"environment TIDINGS_{name.upper()}")


@pytest.mark.parametrize("name", BY_NAME)
def test_every_setting_can_be_set_by_a_flag(name: str) -> None:
    config = load(None, {}, {name: other_value(name), **companions(name)})
    assert (config.show(name), config.origin(name)) == (other_value(name), f"flag --{name.replace('_', '-')}")


@pytest.mark.parametrize("name", BY_NAME)
def test_what_config_show_says_sets_the_same_value(name: str) -> None:
    config = load(None, {}, {name: other_value(name), **companions(name)})
    again = load(None, {}, {name: config.show(name), **companions(name)})
    assert getattr(again, name) == getattr(config, name)


def test_the_environment_wins_over_the_file_and_a_flag_over_both(file: Path) -> None:
    file.write_text('listen = "h:1"\nlog_level = "debug"\nsearch_threads = 3\n')
    config = load(file, {"TIDINGS_LISTEN": "h:2", "TIDINGS_LOG_LEVEL": "error"}, {"listen": "h:3"})
    assert (config.listen, config.log_level, config.search_threads) == (Address("h", 3), "error", 3)


def test_a_flag_that_was_not_given_and_an_empty_variable_change_nothing() -> None:
    config = load(None, {"TIDINGS_LISTEN": ""}, {"listen": None})
    assert (config.show("listen"), config.origin("listen")) == ("127.0.0.1:8600", "default")


def test_values_that_are_typed_already_are_taken_as_they_are(tmp_path: Path) -> None:
    flags = {"data": tmp_path, "listen": Address("::1", 0), "fsync": False, "search_timeout": 2.5, "max_streams": 7}
    config = load(None, {}, flags)
    assert {name: getattr(config, name) for name in flags} == flags


def test_a_relative_path_in_the_file_is_below_the_directory_of_the_file(file: Path) -> None:
    assert load_text(file, 'data = "events"').data == file.parent / "events"


def test_a_relative_path_elsewhere_stays_relative() -> None:
    assert load(None, {"TIDINGS_DATA": "events"}, {}).socket == Path("events/unix.socket")


@pytest.mark.parametrize("name", ["listen", "tls_listen", "socket"])
def test_off_opens_no_listener(name: str) -> None:
    assert getattr(load(None, {}, {name: "off"}), name) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:8600", Address("0.0.0.0", 8600)),
        ("localhost:0", Address("localhost", 0)),
        ("[::]:65535", Address("::", 65535)),
        ("[fe80::1%eth0]:1", Address("fe80::1%eth0", 1)),
    ],
)
def test_an_address_is_read_and_written_alike(text: str, address: Address) -> None:
    config = load(None, {}, {"listen": text})
    assert (config.listen, config.show("listen")) == (address, text)


@pytest.mark.parametrize("written", ["true", '"yes"', '"On"', '"1"'])
def test_a_switch_is_turned_on_by_several_words(file: Path, written: str) -> None:
    assert load_text(file, f"metrics_public = {written}").metrics_public is True


@pytest.mark.parametrize("written", ["2097152", '"2MiB"', '"2 mib"', '"2097152 B"', '"2_097_152"'])
def test_a_size_is_bytes_or_has_a_unit(file: Path, written: str) -> None:
    if "_" in written:
        assert "max_event_size" in refusal(file, f"max_event_size = {written}")
    else:
        assert load_text(file, f"max_event_size = {written}").max_event_size == 2 * MIB


@pytest.mark.parametrize(
    ("written", "seconds"), [("90", 90.0), ("1.5", 1.5), ('"90s"', 90.0), ('"2h"', 7200.0), ('"30d"', 2_592_000.0)]
)
def test_a_duration_is_seconds_or_has_a_unit(file: Path, written: str, seconds: float) -> None:
    assert load_text(file, f"retain_age = {written}").retain_age == seconds


def test_a_count_may_have_underscores_everywhere(file: Path) -> None:
    assert load_text(file, "dedupe_window = 2_000_000").dedupe_window == 2_000_000
    assert load(None, {"TIDINGS_DEDUPE_WINDOW": "2_000_000"}, {}).dedupe_window == 2_000_000


@pytest.mark.parametrize(
    "entry",
    [
        'data = ""',
        "data = 1",
        'data = "a\\u0000b"',
        'data = "~no-such-user/x"',
        "listen = 8600",
        'listen = ":8600"',
        'listen = "localhost"',
        'listen = "localhost:65536"',
        'listen = "::1:8600"',
        'listen = "a b:1"',
        "socket = false",
        "socket_group = 5",
        'socket_group = "a\\nb"',
        'max_event_size = "1M"',
        "max_event_size = 1.5",
        "max_event_size = -1",
        "max_event_size = 1023",
        "max_event_size = true",
        'max_event_size = "1.0001kB"',
        f"retain_size = {2**63}",
        "max_streams = 0",
        'max_streams = "12 MiB"',
        'max_streams = "1__0"',
        f"max_streams = {'9' * 400}",
        "search_timeout = 0",
        "search_timeout = nan",
        "search_timeout = inf",
        f"search_timeout = -{'9' * 400}",
        "search_timeout = 2026-11-20",
        'search_timeout = "1y"',
        'search_timeout = "-1h"',
        "fsync = 1",
        'fsync = "maybe"',
        'log_level = "loud"',
        "log_format = []",
    ],
)
def test_a_bad_value_is_refused_with_setting_value_place_and_what_is_expected(file: Path, entry: str) -> None:
    name = entry.partition(" ")[0]
    message = refusal(file, entry)
    assert message.startswith("bad value ")
    assert message.endswith(f" for {name} (file {file}): expected {BY_NAME[name].expected}")
    assert len(message) < 300 + len(str(file))


def test_a_bad_value_in_the_environment_names_the_variable() -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, {"TIDINGS_MAX_REQUESTS": "many"}, {})
    expected = (
        "bad value 'many' for max_requests (environment TIDINGS_MAX_REQUESTS): expected a whole number, at least 1"
    )
    assert str(refused.value) == expected


@pytest.mark.parametrize(
    ("entry", "hint"),
    [
        ('lissten = "h:1"', "did you mean 'listen'?"),
        ('max-event-size = "1MiB"', "did you mean 'max_event_size'?"),
        ("[[colect]]\n", "did you mean 'collect'?"),
        ("[rules]\n", "did you mean 'rule'?"),
        ("[server]\n", "`tidings config show` lists all settings"),
        ("zzz = 1", "`tidings config show` lists all settings"),
    ],
)
def test_an_unknown_key_is_refused_with_a_suggestion(file: Path, entry: str, hint: str) -> None:
    message = refusal(file, entry)
    assert message.startswith("unknown ")
    assert message.endswith(f" in file {file}; {hint}")


def test_an_unknown_variable_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match="'TIDINGS_LISTN' in the environment; did you mean 'TIDINGS_LISTEN'"):
        load(None, {"TIDINGS_LISTN": "h:1"}, {})


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown setting 'demo' in flags"):
        load(None, {}, {"demo": True})


@pytest.mark.parametrize(
    "variable", [*CLIENT_VARIABLES, "TIDINGS_PORT", "TIDINGS_PORT_8600_TCP_ADDR", "TIDINGS_SERVICE_HOST", "PATH"]
)
def test_variables_of_the_command_line_and_of_kubernetes_set_nothing(variable: str) -> None:
    assert load(None, {variable: "tcp://10.0.0.1:8600"}, {}) == load(None, {}, {})


def test_collectors_and_rules_are_handed_on_unread(file: Path) -> None:
    config = load_text(file, '[[collect]]\nkind = "lxd"\n[[collect]]\nkind = "oci"\n[collect.extra]\ndeep = [1]\n')
    assert config.tables == {"collect": [{"kind": "lxd"}, {"kind": "oci", "extra": {"deep": [1]}}], "rule": []}


@pytest.mark.parametrize("entry", ["[collect]\n", "collect = 1", "rule = [1]", 'collect = "lxd"'])
def test_collectors_that_are_no_list_of_tables_are_refused(file: Path, entry: str) -> None:
    assert "expected tables, each headed [[" in refusal(file, entry)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"listen = \n", "line 1, column 10"),
        (b"listen = 'a'\nlisten = 'b'\n", "Cannot overwrite a value"),
        (b"listen = '\xff'\n", "utf-8"),
        (b"a = " + b"[" * 50_000, "nested too deeply"),
        (b"a = " + b"9" * 5_000, "digits"),
        (b"a = 1\x00", "line 1"),
    ],
)
def test_a_file_that_is_not_toml_is_refused_with_place_and_reason(file: Path, content: bytes, reason: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        load(file, {}, {})
    assert str(refused.value).startswith(f"{file} is not valid TOML: ")
    assert reason in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml", {}, {})
    with pytest.raises(ConfigError, match="Is a directory"):
        load(tmp_path, {}, {})


def test_limits_that_exclude_each_other_are_refused_with_where_both_came_from() -> None:
    with pytest.raises(ConfigError) as refused:
        load(None, {}, {"max_body_size": "512KiB"})
    expected = (
        "max_event_size is 1MiB (default), but max_body_size is 512KiB (flag --max-body-size): "
        "max_event_size must not be the larger one"
    )
    assert str(refused.value) == expected


def test_no_setting_is_called_like_a_list_of_tables_or_a_variable_of_the_command_line() -> None:
    assert not set(BY_NAME) & set(TABLES)
    assert not {setting.variable for setting in SETTINGS} & set(CLIENT_VARIABLES)


@given(name=st.sampled_from(sorted(BY_NAME)), text=st.text(max_size=30))
def test_any_text_is_a_value_or_a_configuration_error(name: str, text: str) -> None:
    try:
        config = load(None, {}, {name: text})
    except ConfigError:
        return
    assert load(None, {}, {name: config.show(name)}).show(name) == config.show(name)
