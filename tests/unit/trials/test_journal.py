"""A journal keeps every whole line that was flushed, whatever is done to its files."""

import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_initlab.trials import journal
from keras_initlab.trials.journal import Journal, Line
from keras_initlab.trials.record import Record


def line(replicate, label="he"):
    return Line(Record(label, replicate, "completed", step_losses=(1.5, float("nan"))), "of this comparison")


def numbers(folder):
    lines, damages = journal.read(folder)
    return [one.record.replicate for one in lines], damages


def only_file(folder):
    (path,) = (folder / journal.FOLDER).iterdir()
    return path


def test_what_was_appended_is_read(tmp_path):
    writer = Journal(tmp_path)
    writer.append([line(0)])
    writer.append([line(1), line(2)])
    Journal(tmp_path).append([line(3)])
    lines, damages = journal.read(tmp_path)
    assert not damages
    assert sorted(one.record.replicate for one in lines) == [0, 1, 2, 3]
    assert {one.identity for one in lines} == {"of this comparison"}
    assert str(lines[0].record.step_losses) == "(1.5, nan)"
    assert len(list((tmp_path / journal.FOLDER).iterdir())) == 2, "a file for each writer"


def test_the_first_form_is_read_beside_it(tmp_path):
    fields = Record("he", 7, "completed").to_fields()
    (tmp_path / journal.FIRST_FORM).write_text(json.dumps(fields) + "\n")
    Journal(tmp_path).append([line(1)])
    assert numbers(tmp_path) == ([7, 1], [])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text.replace(b"completed", b"complated"), "wrong checksum"),
        (lambda text: b"\0" * len(text.rstrip(b"\n")) + b"\n", "no checksum"),
        (lambda text: b"\xff\xfe\n", "no checksum"),
        (lambda text: text[:40] + b"\n", "no checksum"),
        (lambda text: text[:40] + text, "wrong checksum"),
        (lambda text: text.rstrip(b"\n") + text, "wrong checksum"),
        (lambda text: journal.sealed({"label": "he"}), "no record: 'replicate'"),
        (lambda text: text.replace(b', "crc"', b', "crx"'), "no checksum"),
    ],
    ids=["changed", "NUL", "no UTF-8", "cut", "glued to half", "glued", "no record", "unsealed"],
)
def test_a_bad_line_costs_itself_alone(tmp_path, damage, reason):
    writer = Journal(tmp_path)
    for replicate in range(3):
        writer.append([line(replicate)])
    path = only_file(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + damage(lines[1]) + lines[2])
    kept, (found,) = numbers(tmp_path)
    assert kept == [0, 2]
    assert str(found).startswith(f"records/{path.name}:2 (")
    assert found.reason == reason


def test_a_torn_tail_is_no_damage(tmp_path):
    writer = Journal(tmp_path)
    writer.append([line(0)])
    writer.append([line(1)])
    path = only_file(tmp_path)
    whole = path.read_bytes()
    for length in range(len(whole) // 2 + 1, len(whole)):
        path.write_bytes(whole[:length])
        assert numbers(tmp_path) == ([0], [])


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=5)), min_size=1, max_size=5))
def test_no_damage_is_taken_for_a_record(tmp_path, edits):
    folder = tmp_path / os.urandom(8).hex()
    folder.mkdir()
    writer = Journal(folder)
    for replicate in range(3):
        writer.append([line(replicate)])
    path = only_file(folder)
    content = path.read_bytes()
    whole = set(content.splitlines())
    for place, replacement in edits:
        content = content[:place] + replacement + content[place + len(replacement) :]
    path.write_bytes(content)
    kept, _ = numbers(folder)
    assert kept == [replicate for replicate in range(3) if _stands(replicate, content, whole)]


def _stands(replicate, content, whole):
    (mine,) = (text for text in whole if f'"replicate": {replicate},'.encode() in text)
    return mine + b"\n" in content and (b"\n" + mine in content or content.startswith(mine))


@pytest.mark.filterwarnings("ignore:.*fork")  # the child does nothing but write
def test_killed_at_any_file_operation_nothing_reported_is_lost(tmp_path):
    """SQLite's method: count n up and end the process at its n-th operation, before and in mid-write."""
    operations = ("open", "write", "fsync", "close", "ftruncate", "replace", "mkdir")
    for point in range(1, 200):
        folder = tmp_path / str(point)
        folder.mkdir()
        reader, sender = os.pipe()
        child = os.fork()
        if child == 0:
            left = [point]
            real = {name: getattr(os, name) for name in operations}

            def dying(name, left=left, real=real):
                def operation(*arguments, **keywords):
                    left[0] -= 1
                    if left[0] == 0:
                        if name == "write":
                            real["write"](arguments[0], arguments[1][: len(arguments[1]) // 2])
                        os._exit(9)
                    return real[name](*arguments, **keywords)

                return operation

            writer = Journal(folder)
            for name in operations:
                setattr(os, name, dying(name))
            for replicate in range(3):
                writer.append([line(replicate), line(replicate, "glorot")])
                real["write"](sender, b"x")  # reported as finished
            os._exit(0)
        os.close(sender)
        _, status = os.waitpid(child, 0)
        reported = len(os.read(reader, 99))
        os.close(reader)
        kept, damages = numbers(folder)
        assert not damages
        assert sorted(kept)[: 2 * reported] == [number for number in range(reported) for _ in range(2)]
        assert len(kept) % 2 == 0 or os.WEXITSTATUS(status) == 9
        if status == 0:
            assert point > 10
            return
    pytest.fail("never ran to its end")


def test_a_full_disk_costs_no_record(tmp_path, monkeypatch):
    length = len(journal.sealed(line(0).record.to_fields() | {"identity": line(0).identity}))
    room = [int(2.5 * length)]
    real = os.write

    def write(file, content):
        part = content[: room[0]]
        room[0] -= len(part)
        if not part:
            raise OSError(28, "No space left on device")
        return real(file, part)

    monkeypatch.setattr(os, "write", write)
    writer = Journal(tmp_path)
    for replicate in range(4):
        writer.append([line(replicate)])
    assert writer.waiting == 2
    assert "No space" in str(writer.error)
    assert numbers(tmp_path) == ([0, 1], []), "no half line is left"
    room[0] = 10**6
    writer.append([line(4)])
    assert writer.waiting == 0
    assert writer.error is None
    assert numbers(tmp_path) == ([0, 1, 2, 3, 4], [])


def test_half_a_line_that_cannot_be_taken_back_costs_itself_alone(tmp_path, monkeypatch):
    """As on a network drive that went away in mid-write: neither the line nor its repair succeeds."""
    writer = Journal(tmp_path)
    writer.append([line(0)])
    real = os.write

    def broken(*arguments):
        raise OSError(5, "Input/output error")

    def half(file, content):
        real(file, content[: len(content) // 2])
        broken()

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        patch.setattr(os, "ftruncate", broken)
        writer.append([line(1)])
    assert writer.waiting == 1
    writer.append([line(2)])
    assert writer.waiting == 0
    kept, (torn,) = numbers(tmp_path)
    assert kept == [0, 1, 2]
    assert torn.number == 2


def test_lines_are_written_as_bytes_also_where_files_are_text_unless_told(tmp_path, monkeypatch):
    binary, flags = 1 << 30, []
    real = os.open

    def noting(path, given, *mode):
        if str(path).endswith(".jsonl"):
            flags.append(given)
        return real(path, given & ~binary, *mode)

    monkeypatch.setattr(os, "O_BINARY", binary, raising=False)  # Windows has it
    monkeypatch.setattr(os, "open", noting)
    Journal(tmp_path).append([line(0)])
    assert [bool(given & binary) for given in flags] == [True]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "config.json"
    journal.replace(path, b"old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        journal.replace(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
