"""The store: claimed by one at a time, recorded once, kept whatever the disk does."""

from __future__ import annotations

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from old_stores import make_old
from resforge.ablation import (
    Outcome,
    Store,
    Sweep,
    SweepPlan,
    plan_sweep,
    read_records,
    retry_trials,
    sweep_status,
)
from resforge.ablation.results.outcome import pack_bits, unpack_bits
from resforge.ablation.results.owner import Owner
from resforge.ablation.results.store import Claim
from resforge.ablation.results.tables import STORE_FORMAT
from resforge.errors import StoreError
from resforge.files import write_whole

steps_done = st.integers(0, 2**63 - 1)
losses, errors = st.floats(-1e300, 1e300), st.floats(0, 1) | st.just(-0.0)


def make_plan(seeds: int = 3, **tree: object) -> SweepPlan:
    return plan_sweep(
        Sweep(**{"sweep": 1, "base": "digits_resnet8", "arms": {"a": {}}, "seeds": seeds, **tree})
    )


def done(error: float = 0.25) -> Outcome:
    return Outcome("done", ((1, 1.0),), ((1, error, 1.0),), steps=1)


@pytest.fixture
def me() -> Owner:
    return Owner.me()


@pytest.fixture
def store(tmp_path: Path, me: Owner) -> Iterator[Store]:
    with Store(tmp_path, create=True) as store:
        store.adopt(make_plan().record, me)
        yield store


def claimed(store: Store, owner: Owner, lease: float = 60.0) -> Claim:
    claim = store.claim(owner, lease)
    assert claim is not None
    return claim


def test_each_trial_is_claimed_by_one(store: Store, me: Owner) -> None:
    other = Owner.me()
    keys = [claimed(store, owner).key for owner in (me, other, me)]
    assert len(set(keys)) == 3
    assert store.claim(other) is None


def test_a_late_writer_is_refused(store: Store, me: Owner) -> None:
    late = claimed(store, me, lease=-1.0)
    later = claimed(store, Owner.me())
    assert later.key == late.key
    assert later.attempt == late.attempt + 1
    assert not store.record(late, done(0.5))
    assert not store.release(late)
    assert store.record(later, done(0.25))
    assert not store.record(later, done(0.75))
    (trial,) = read_records(store.path.parent).all_trials
    assert trial.outcome.test_error == 0.25


def test_a_claim_frees_no_lapsed_trial_of_its_own_driver(store: Store, me: Owner) -> None:
    """It may be about to record it: workers get their next trial first."""
    lapsed = claimed(store, me, lease=-1.0)
    assert claimed(store, me).key != lapsed.key
    assert store.record(lapsed, done())


def test_a_renewed_lease_holds(store: Store, me: Owner) -> None:
    claim = claimed(store, me, lease=-1.0)
    store.renew(me)
    assert {claimed(store, me).key for _ in range(2)}.isdisjoint({claim.key})
    assert store.record(claim, done())


def test_what_a_gone_process_held_is_free_at_once(store: Store, me: Owner) -> None:
    child = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], stdout=-1)
    gone = dataclasses.replace(me, pid=int(child.stdout))
    reused = dataclasses.replace(me, start="1")  # our number, once another process's
    elsewhere = dataclasses.replace(gone, host="another machine")
    assert [owner.is_gone for owner in (me, gone, reused, elsewhere)] == [False, True, True, False]
    held = [claimed(store, owner).key for owner in (elsewhere, gone)]
    assert claimed(store, me).key == held[1]


def test_a_lapsed_lease_frees_its_own_trial_alone(store: Store, me: Owner) -> None:
    held, lapsed = claimed(store, me), claimed(store, me, lease=-1.0)
    store.reclaim()
    assert store.counts() == {"waiting": 2, "running": 1, "finished": 0}
    assert store.record(held, done())
    assert not store.record(lapsed, done())


@pytest.mark.parametrize("gone", ["its process ended", "its lease ran out"])
def test_a_gone_driver_keeps_nobody_out(store: Store, me: Owner, gone: str) -> None:
    store.leave(me)
    ended = dataclasses.replace(Owner.me(), start="1")
    if gone == "its process ended":
        store.adopt(make_plan().record, ended)
    else:
        store.adopt(
            make_plan().record, dataclasses.replace(ended, host="another machine"), lease=-1.0
        )
    store.adopt(make_plan(recipe={"steps": 60}).record, me)
    assert store.counts()["waiting"] == 3


@pytest.mark.parametrize("version", [4, STORE_FORMAT])
def test_a_store_whose_index_is_another_is_damaged(
    store: Store, tmp_path: Path, version: int
) -> None:
    store.close()
    if version < STORE_FORMAT:
        make_old(tmp_path, version)
    with closing(sqlite3.connect(store.path, isolation_level=None)) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX trials_by_rank ON trials (rank, seed)'"
            " WHERE name = 'trials_by_rank'"
        )
    with pytest.raises(StoreError, match=r"damaged \(.*(index|tables)"):
        Store(tmp_path)


def test_crashes_are_counted(store: Store, me: Owner) -> None:
    claim = claimed(store, me)
    store.release(claim, crashed=True)
    assert claimed(store, me) == Claim(claim.key, attempt=2, crashes=1)


steps = st.lists(
    st.tuples(
        st.sampled_from(["claim", "lapsing claim", "record", "release", "renew", "leave"]),
        st.integers(0, 2),
    ),
    max_size=40,
)


@given(steps)
def test_whatever_happens_each_trial_is_recorded_at_most_once(
    happenings: list[tuple[str, int]],
) -> None:
    """Three drivers, any order of events: the fence lets exactly one attempt through."""
    plan = make_plan()
    owners = [Owner.me() for _ in range(3)]
    claims: list[list[Claim]] = [[], [], []]
    newest: dict[str, int] = {}
    recorded: dict[str, int] = {}
    with TemporaryDirectory() as folder, Store(folder, create=True) as store:
        # What is tested is the order of events, not the disk.
        store.database.execute("PRAGMA synchronous = OFF")
        for owner in owners:
            store.adopt(plan.record, owner)
        for what, who in happenings:
            owner, held = owners[who], claims[who]
            if "claim" in what:
                claim = store.claim(owner, -1.0 if "lapsing" in what else 60.0)
                if claim is not None:
                    assert claim.key not in recorded
                    assert claim.attempt > newest.get(claim.key, 0)
                    newest[claim.key] = claim.attempt
                    held.append(claim)
            elif what == "record" and held:
                claim = held.pop()
                if store.record(claim, done(claim.attempt / 100)):
                    assert claim.key not in recorded
                    assert claim.attempt == newest[claim.key]
                    recorded[claim.key] = claim.attempt
            elif what == "release" and held:
                store.release(held.pop())
            elif what == "renew":
                store.renew(owner)
            elif what == "leave":
                store.leave(owner)
        found = {t.key: t.outcome.test_error for t in read_records(folder).all_trials}
        assert found == {key: attempt / 100 for key, attempt in recorded.items()}
        assert store.counts()["finished"] == len(recorded)


@given(
    st.lists(st.tuples(steps_done, losses), max_size=4).map(tuple),
    st.lists(st.tuples(steps_done, errors, losses), min_size=1, max_size=4).map(tuple),
    st.none() | st.text(),
)
def test_outcomes_survive_bit_for_bit(
    train: tuple[tuple[int, float], ...],
    test: tuple[tuple[int, float, float], ...],
    error: str | None,
) -> None:
    outcome = Outcome(
        *("done", train, test, 3, 0.1, error, {"torch": "2"}, pack_bits([True, False])),
        gradients=((("conv1.weight", 0.1), ("fc.weight", None)),) * 2,
        timings={"test": 0.1},
        notes=("a note",),
    )
    again = Outcome.from_json(outcome.to_json())
    assert repr(again) == repr(outcome)  # repr tells 0.0 from -0.0


def test_an_edited_plan_keeps_what_is_recorded(store: Store, me: Owner) -> None:
    claim = claimed(store, me)
    store.record(claim, done())
    store.leave(me)
    store.adopt(make_plan(5).record, me)
    assert store.counts() == {"waiting": 4, "running": 0, "finished": 1}
    assert store.outside_plan() == 0
    store.leave(me)
    store.adopt(make_plan(recipe={"steps": 7}).record, me)
    assert store.counts() == {"waiting": 3, "running": 0, "finished": 0}
    assert store.outside_plan() == 1
    store.leave(me)
    store.adopt(make_plan(3).record, me)
    assert store.statuses() == {claim.key: "done"}


def test_another_plan_at_the_same_time_is_refused_with_the_difference(
    store: Store, me: Owner
) -> None:
    other = Owner.me()
    store.adopt(make_plan().record, other)
    with pytest.raises(StoreError, match=r"recipe\.steps: 60 instead of 120"):
        store.adopt(make_plan(recipe={"steps": 60}).record, Owner.me())
    assert store.counts()["waiting"] == 3
    store.leave(me)
    store.leave(other)
    store.adopt(make_plan(recipe={"steps": 60}).record, Owner.me())


def test_a_newer_store_is_left_untouched(store: Store, tmp_path: Path) -> None:
    store.database.execute(f"PRAGMA user_version = {STORE_FORMAT + 1}")
    store.close()
    before = store.path.read_bytes()
    with pytest.raises(StoreError, match="newer resforge"):
        Store(tmp_path, create=True)
    assert store.path.read_bytes() == before
    assert os.listdir(tmp_path) == [store.path.name]


def old_outcome(version: int) -> str:
    """The outcome of ``done`` as an earlier version wrote it."""
    old = json.loads(done().to_json())
    later = {2: ("correct", "gradients", "timings", "notes"), 3: ("validation_curve", "selected")}
    for name in (name for since, names in later.items() if since > version for name in names):
        del old[name]
    return json.dumps(old)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_an_earlier_store_is_read_and_left_untouched(
    store: Store, me: Owner, tmp_path: Path, version: int
) -> None:
    store.record(claimed(store, me), done())
    store.database.execute("UPDATE results SET outcome = ?", (old_outcome(version),))
    store.leave(me)
    store.close()
    make_old(tmp_path, version)
    before = store.path.read_bytes()
    records = read_records(tmp_path)
    assert [trial.outcome for trial in records.all_trials] == [done()]
    assert records.all_trials[0].outcome.test_error == done().test_curve[-1][1]
    assert (records.total, records.runs, records.num_classes) == (3, (), 10)
    assert sweep_status(tmp_path).finished == 1
    assert store.path.read_bytes() == before


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_store_with_the_identities_of_0_1_0_takes_no_plan_and_loses_nothing(
    store: Store, me: Owner, tmp_path: Path, version: int
) -> None:
    store.record(claimed(store, me), done())
    store.record(claimed(store, me), Outcome("failed", error="Oops"))
    store.leave(me)
    store.close()
    make_old(tmp_path, version)
    before = store.path.read_bytes()
    with Store(tmp_path, create=True) as old:
        for change in (
            lambda: old.adopt(make_plan(5).record, me),
            lambda: old.retry(["failed"], ["a"]),
        ):
            with pytest.raises(StoreError, match=r"0\.1\.0, whose identities .* new folder"):
                change()
        assert old.drivers() == 0
    assert store.path.read_bytes() == before
    records = read_records(tmp_path)
    assert [trial.outcome.status for trial in records.all_trials] == ["done", "failed"]
    assert records.total == 3


def test_a_store_without_digests_gets_them_when_it_is_written_to(
    store: Store, me: Owner, tmp_path: Path
) -> None:
    store.record(claimed(store, me), done())
    store.record(claimed(store, me), Outcome("failed", error="Oops"))
    store.note_run(me, {"torch": "2"})
    store.leave(me)
    store.close()
    before = read_records(tmp_path)
    make_old(tmp_path, 4)
    assert len(retry_trials(tmp_path)) == 1
    after = read_records(tmp_path)
    assert (after.arms, after.runs, after.sweep) == (before.arms, before.runs, before.sweep)
    assert [trial.outcome for trial in after.all_trials] == [done()]
    with Store(tmp_path) as sealed:
        assert sealed.database.execute("PRAGMA user_version").fetchone() == (STORE_FORMAT,)
        assert {*sealed.database.execute("SELECT length(seal) FROM results")} == {(80,)}
        sealed.adopt(make_plan(5).record, me)
        assert sealed.counts() == {"waiting": 4, "running": 0, "finished": 1}


@given(st.lists(st.booleans(), max_size=40))
def test_bits_are_packed_as_numpy_does(bits: list[bool]) -> None:
    assert bytes.fromhex(pack_bits(bits)) == np.packbits(np.array(bits, dtype=bool)).tobytes()
    assert unpack_bits(pack_bits(bits), len(bits)) == bits


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"x" * 900])
def test_what_is_no_store_is_left_untouched(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "results.sqlite"
    path.write_bytes(content)
    with pytest.raises(StoreError):
        Store(tmp_path, create=True)
    assert path.read_bytes() == content


def test_another_programs_database_is_left_untouched(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a results store"):
        Store(tmp_path, create=True)
    assert path.read_bytes() == before


def test_no_store_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="run the sweep first"):
        read_records(tmp_path)
    assert list(tmp_path.iterdir()) == []


FILLS_THE_DISK = """
import resource, sys
from pathlib import Path
from resforge.ablation import Outcome, Store
from resforge.ablation.results.outcome import pack_bits, unpack_bits
from resforge.ablation.results.owner import Owner
from resforge.errors import StoreError
me = Owner.me()
with Store(sys.argv[1]) as store:
    size = store.path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 8192, size + 8192))
    claim = store.claim(me)
    try:
        store.record(claim, Outcome("failed", error="x" * 100_000))
    except StoreError as error:
        print(error)
"""


def test_a_full_disk_keeps_what_was_recorded(store: Store, me: Owner, tmp_path: Path) -> None:
    kept = claimed(store, me)
    store.record(kept, done())
    told = subprocess.run(
        [sys.executable, "-c", FILLS_THE_DISK, str(tmp_path)], capture_output=True, text=True
    )
    assert "free space" in told.stdout, told
    assert "then run the same command" in told.stdout
    assert store.database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    (trial,) = read_records(tmp_path).all_trials
    assert trial.key == kept.key
    store.record(claimed(store, me), done())
    assert store.counts()["finished"] == 2


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.csv"
    write_whole(path, "old")

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match=r"free space .* then run the same command"):
            write_whole(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["results.csv"]
    assert path.read_text() == "old"

    def refuse_all(path: Path, *_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse_all)
        patch.setattr(Path, "unlink", refuse_all)
        with pytest.raises(StoreError, match=r"results\.csv cannot be .*make the folder writable"):
            write_whole(path, "new")
    write_whole(path, "new")
    assert path.read_text() == "new"


def test_the_number_of_test_images_outlives_the_files_of_the_data(tmp_path: Path) -> None:
    sweep = Sweep(
        sweep=1,
        base="digits_resnet8",
        arms={"a": {}},
        data={"kind": "digits", "train": 100, "test": 57},
    )
    with Store(tmp_path, create=True) as store:
        store.adopt(plan_sweep(sweep).record, Owner.me(), 60.0)
    records = read_records(tmp_path)
    assert (
        dataclasses.replace(records, sweep=records.sweep | {"data": {"kind": "gone"}}).tested_images
        == 57
    )
