"""A store that changed on its disk gives the same results, or says what is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from made_stores import ENDS, made_sweep, make_store
from resforge.ablation import (
    Outcome,
    Store,
    plan_sweep,
    read_records,
    render,
    retry_trials,
    sweep_status,
)
from resforge.ablation.results.owner import Owner
from resforge.ablation.results.tables import TABLES
from resforge.errors import StoreError

NAME = "results.sqlite"


class Damaged:
    """A folder whose store is replaced by changed copies of one that is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_store(folder)
        self.whole = (folder / NAME).read_bytes()
        self.answers = {command: self.answer(command) for command in COMMANDS}

    def put(self, content: bytes) -> None:
        for file in self.folder.iterdir():
            file.unlink()
        (self.folder / NAME).write_bytes(content)

    def answer(self, command: Callable[[Path], Any], content: bytes | None = None) -> str:
        self.put(self.whole if content is None else content)
        return repr(command(self.folder))

    def judge(self, content: bytes) -> set[str]:
        """Messages of the commands, each of which gives the same answer or a message."""
        told = set()
        for command, answer in self.answers.items():
            try:
                assert self.answer(command, content) == answer
            except StoreError as error:
                told.add(str(error))
        return told


def shown(folder: Path) -> Any:
    records = read_records(folder)
    return records, render(records, "csv"), sweep_status(folder)


def retried(folder: Path) -> Any:
    return retry_trials(folder), shown(folder)


def resumed(folder: Path) -> Any:
    """A run that records the waiting trial."""
    me = Owner.me()
    with Store(folder, create=True) as store:
        store.adopt(plan_sweep(made_sweep()).record, me)
        keys = [trial.key for trial in plan_sweep(made_sweep()).trials]
        before = store.outcomes(keys)
        claim = store.claim(me)
        assert claim is not None
        store.record(claim, ENDS[1])
        store.leave(me)
    records = read_records(folder)
    trials = [(trial.key, trial.seed, trial.outcome) for trial in records.all_trials]
    return before, trials, records.sweep, records.arms, records.runs, sweep_status(folder)


COMMANDS = (shown, retried, resumed)


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Damaged:
    return Damaged(tmp_path_factory.mktemp("store"))


@given(st.data())
def test_a_flipped_bit_changes_no_result_in_silence(damaged: Damaged, data: st.DataObject) -> None:
    # Half of the file is unused: flips there would show nothing.
    used = [place for place, byte in enumerate(damaged.whole) if byte]
    content = bytearray(damaged.whole)
    content[data.draw(st.sampled_from(used))] ^= 1 << data.draw(st.integers(0, 7))
    damaged.judge(bytes(content))


@given(st.data())
def test_a_file_cut_off_or_written_over_changes_no_result_in_silence(
    damaged: Damaged, data: st.DataObject
) -> None:
    place = data.draw(st.integers(1, len(damaged.whole) - 1))
    over = data.draw(st.none() | st.binary(min_size=1, max_size=600))
    content = damaged.whole[:place]
    if over is not None:
        content += over + damaged.whole[place + len(over) :]
    damaged.judge(content)


def test_text_that_is_no_text_any_more_is_named(damaged: Damaged, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(damaged.whole)
    with Store(tmp_path) as store:
        keys = [key for (key,) in store.database.execute("SELECT key FROM trials")]
    for key in map(str.encode, keys):
        start = -1
        while (start := damaged.whole.find(key, start + 1)) >= 0:
            content = damaged.whole[:start] + b"\x80" + damaged.whole[start + 1 :]
            damaged.judge(content)


def test_an_emptied_store_is_not_begun_anew(damaged: Damaged) -> None:
    damaged.put(b"")
    assert resumed(damaged.folder)[0] == {}
    for command in COMMANDS:
        damaged.put(b"")
        (damaged.folder / "results.csv").touch()
        with pytest.raises(StoreError, match="empty, and it held results"):
            command(damaged.folder)


@pytest.mark.parametrize(
    ("table", "column"), [(table, column) for table, names in TABLES.items() for column in names]
)
def test_a_value_changed_through_sql_is_named(
    damaged: Damaged, tmp_path: Path, table: str, column: str
) -> None:
    path = tmp_path / NAME
    path.write_bytes(damaged.whole)
    if table == "drivers":
        with Store(tmp_path) as store:
            store.adopt(plan_sweep(made_sweep()).record, Owner.me())
    change = "'later'" if "TEXT" in TABLES[table][column] else "7"
    if column == "state":
        change = "CASE state WHEN 'waiting' THEN 'finished' ELSE 'waiting' END"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        only = f"WHERE rowid = (SELECT max(rowid) FROM {table})"
        database.execute(f"UPDATE {table} SET {column} = {change} {only}")
        assert database.execute("SELECT changes()").fetchone() == (1,)
    for message in Damaged.judge(damaged, path.read_bytes()) or {""}:
        assert f"its {column} is not as it was written" in message


@pytest.mark.parametrize("table", ["meta", "arms", "trials", "results"])
def test_a_record_that_is_gone_is_noticed(damaged: Damaged, tmp_path: Path, table: str) -> None:
    path = tmp_path / NAME
    path.write_bytes(damaged.whole)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"DELETE FROM {table} WHERE rowid = (SELECT max(rowid) FROM {table})")
    told = damaged.judge(path.read_bytes())
    assert told
    assert all("damaged (" in message for message in told)


def test_two_records_that_change_places_are_named(damaged: Damaged, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(damaged.whole)
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        rows = database.execute("SELECT rowid, outcome, seal FROM results").fetchmany(2)
        for (rowid, *_), (_, *other) in zip(rows, reversed(rows), strict=True):
            database.execute(
                "UPDATE results SET outcome = ?, seal = ? WHERE rowid = ?", (*other, rowid)
            )
    assert all("the result of trial" in text for text in damaged.judge(path.read_bytes()) or {""})


def test_the_arm_and_the_seed_of_a_damaged_result_are_named(
    damaged: Damaged, tmp_path: Path
) -> None:
    path = tmp_path / NAME
    path.write_bytes(damaged.whole.replace(b"0.25, 0.75", b"0.15, 0.75"))
    with pytest.raises(StoreError, match=r"trial \w+ \(shortcut=\w+, seed 0\): its outcome is not"):
        read_records(tmp_path)


def test_a_record_that_changes_during_a_run_is_not_written_over(
    damaged: Damaged, tmp_path: Path
) -> None:
    path = tmp_path / NAME
    path.write_bytes(damaged.whole)
    me = Owner.me()
    with Store(tmp_path) as store:
        store.adopt(plan_sweep(made_sweep()).record, me)
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("UPDATE trials SET seed = 7")
            database.execute("UPDATE results SET outcome = replace(outcome, '0.25', '0.15')")
        with pytest.raises(StoreError, match="a record of trials is not as it was written"):
            store.claim(me)
        with pytest.raises(StoreError, match="its outcome is not as it was written"):
            store.outcomes(trial.key for trial in plan_sweep(made_sweep()).trials)


def test_everything_that_is_written_is_sealed(damaged: Damaged, tmp_path: Path) -> None:
    path = tmp_path / NAME
    path.write_bytes(damaged.whole)
    owners = [Owner.me() for _ in range(2)]
    with Store(tmp_path) as store:
        for owner in owners:
            store.adopt(plan_sweep(made_sweep(seeds=3)).record, owner)
        store.note_run(owners[0], {})
        for crashed in (True, False):
            claim = store.claim(owners[0])
            assert claim is not None
            store.renew(owners[0])
            store.release(claim, crashed)
            Store(tmp_path).close()
        lapsed = store.claim(owners[1], lease=-1.0)
        assert lapsed is not None
        store.reclaim()
        Store(tmp_path).close()
        late = store.claim(owners[1])
        assert late is not None
        assert store.record(late, Outcome("crashed", error="\udc80 in a path"))
        Store(tmp_path).close()
        assert store.outcomes([late.key])[late.key].error == "\\udc80 in a path"


def test_a_store_beside_a_foreign_table_or_trigger_is_refused(
    damaged: Damaged, tmp_path: Path
) -> None:
    path = tmp_path / NAME
    for statement in (
        "CREATE TABLE theirs (x)",
        "CREATE TRIGGER theirs AFTER INSERT ON results BEGIN DELETE FROM runs; END",
        "DROP INDEX trials_by_rank",
    ):
        path.write_bytes(damaged.whole)
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute(statement)
        with pytest.raises(StoreError, match="its tables are not those of a store"):
            Store(tmp_path)
