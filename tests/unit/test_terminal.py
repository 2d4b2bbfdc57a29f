"""What stands on the terminal: names as they are, whatever is in them."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from jobs import doctor, tail
from jobs.account import readable_output
from jobs.live_view import Figures, LiveView
from jobs.local.preflight import Check
from models.progress import console_for, counted

ALERT: dict[str, Any] = {
    "alert_id": "a1", "status": "firing", "severity": "warning", "rule": "slow_reply", "conversation_id": "order[/5]", "queue": "[vip] 售后",
    "shop": None, "agent_id": "[bot] 小蜜", "event_time": "2026-03-02T02:01:00.000Z", "summary": "Conversation order[/5]: …",
    "threshold": {"value": 60_000, "unit": "ms"}, "observed": {"value": 60_000, "unit": "ms"},
}  # fmt: skip


def test_the_live_picture_shows_names_as_they_are() -> None:
    page = io.StringIO()
    console = Console(file=page, force_terminal=True, width=120, height=40, markup=False)
    with LiveView(console, "Asia/Shanghai", 1.0) as view:
        view.alert(ALERT)
        view.show(Figures(1_772_416_900_000, "RUNNING", 3, 1, 0, 0, 1, 1, 0, 0, 0, False), [])
        console.print(view._picture())
    for name in ("order[/5]", "[vip] 售后", "[bot] 小蜜"):
        assert name in page.getvalue()


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    page = io.StringIO()
    with LiveView(Console(file=page, force_terminal=True, width=120, markup=False), "Asia/Shanghai", 1.0) as view:
        view.alert(ALERT)
    assert "order[/5]" in page.getvalue()


def test_paths_are_no_markup_in_lines_and_beside_bars(capsys: pytest.CaptureFixture[str]) -> None:
    console = console_for()
    console.print("a[/b].jsonl: [x] order:100:7")
    with counted(console) as progress:
        progress.add_task("replaying a [x].jsonl", total=1)
    assert "a[/b].jsonl: [x] order:100:7" in capsys.readouterr().err


def test_a_check_that_fails_otherwise_is_a_line_and_remedies_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/home/" + "long-folder/" * 12 + "rules.yaml:31: [a-z] is needed"

    def broken() -> Check:
        raise TypeError("unexpected argument foo")

    monkeypatch.setattr(doctor, "preflight", lambda: [Check("place", False, "no", path)])
    for name in ("check_jars", "check_hash_key"):
        monkeypatch.setattr(doctor, name, broken)
    for name in ("check_rules", "check_kafka", "check_redis_server", "check_flink_cluster", "check_model"):
        monkeypatch.setattr(doctor, name, lambda settings: Check("fine", True, "as it should be", ""))
    page = io.StringIO()
    assert doctor.examine(None, Console(file=page, width=80, markup=False)) == 1  # type: ignore[arg-type]
    shown = "".join(page.getvalue().split())
    assert path.replace(" ", "") in shown and "TypeError" in shown and "asitshouldbe" in shown


def test_what_somebody_else_puts_on_the_stream_is_left_out() -> None:
    assert tail._alert({b"x": b"1"}) is None
    assert tail._alert({b"alert": b"[]"}) is None
    assert tail._alert({b"alert": b"{"}) is None
    for odd in (b'"event_time":17', b'"event_time":"gestern"', b'"event_time":"2026-03-02T02:01:00Z","summary":null'):
        assert tail._alert({b"alert": b'{"alert_id":"a","status":"firing","severity":"odd","summary":"s",' + odd + b"}"}) is None
    found = tail._alert({b"alert": b'{"alert_id":"a","event_time":"2026-03-02T02:01:00Z","status":"firing","severity":"odd","summary":"s"}'})
    assert found is not None and "odd" in tail.sentence(found).plain


def test_what_somebody_else_writes_to_an_output_topic_is_not_counted() -> None:
    assert readable_output("late", b'{"topic":"t","partition":0,"offset":3}') == {"topic": "t", "partition": 0, "offset": 3}
    for value in (None, b"", b"{", b"[]", b'{"topic":"t"}'):
        assert readable_output("late", value) is None
