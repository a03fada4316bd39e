"""Who is told at a study's end: what is accepted; the rest is one line without secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from spineseg.config.yaml_files import load_study
from spineseg.errors import ConfigError

SMALL = "name: small\ndata: {sources: [{kind: local, path: films}]}\non_end: "


def written(tmp_path: Path, on_end: str) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL + on_end)
    return path


def test_a_command_and_a_webhook_are_accepted_and_the_address_is_never_shown(
    tmp_path: Path,
) -> None:
    address = "https://me:secret@hooks.example/path?token=hidden"
    study = load_study(written(tmp_path, f'{{command: [notify, "a b"], webhook: "{address}"}}'))
    assert study.on_end and study.on_end.command == ("notify", "a b")
    assert study.on_end.webhook and study.on_end.webhook.get_secret_value() == address
    for shown in (repr(study), study.model_dump_json()):
        assert "secret" not in shown and "hidden" not in shown


@pytest.mark.parametrize(
    ("on_end", "words"),
    [
        ("{}", ["neither a command nor a webhook"]),
        ("notify", ["on_end"]),
        ("{command: notify-send done}", ["on_end.command", "must be a list", "no shell"]),
        ("{command: []}", ["on_end.command", "name a program"]),
        ('{command: [" "]}', ["on_end.command", "name a program"]),
        ("{command: [sleep, 1]}", ["on_end.command", "list of texts"]),
        ('{command: ["a\\0b"]}', ["on_end.command", "null character"]),
        ("{webhook: [a]}", ["on_end.webhook", "string"]),
        ('{webhook: ""}', ["on_end", "https://HOST/PATH"]),
        ("{webhook: ftp://me:secret@host/hidden}", ["on_end", "https://HOST/PATH"]),
        ("{webhook: file:///etc/secret}", ["on_end", "https://HOST/PATH"]),
        ("{webhook: https://}", ["on_end", "https://HOST/PATH"]),
        ('{webhook: "https://host/a secret"}', ["on_end", "without spaces"]),
        ("{webhook: https://host:99999/secret}", ["on_end", "https://HOST/PATH"]),
        ("{webhok: https://host/}", ["unknown key", "did you mean 'webhook'"]),
    ],
)
def test_what_cannot_be_told_is_refused_in_one_line(
    tmp_path: Path, on_end: str, words: list[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_study(written(tmp_path, on_end))
    said = str(caught.value)
    assert "\n" not in said and "secret" not in said and "hidden" not in said
    assert all(word in said for word in words), said
