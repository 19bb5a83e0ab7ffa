"""The reader of the bAbI format: every variant, every complaint, and the way back."""

import hashlib
import io
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lessons_lib import babi
from lessons_lib.babi import Question

TINY = """\
1 Ann walked to the attic.
2 Bob walked to the cellar.
3 Where is Ann? \tattic\t1
4 Ann took the hammer there.
5 Where is the hammer?\tattic\t4 1
1 Bob walked to the attic.
2 What is Bob carrying?\thammer,saw\t1
"""
ANN = ("ann", "walked", "to", "the", "attic")
BOB = ("bob", "walked", "to", "the", "cellar")


def read(text):
    return babi.read_file(text.encode().splitlines(keepends=True), name="tiny.txt")


def test_reads_stories_questions_and_supporting_facts():
    first, second, third = read(TINY)
    assert first == Question((ANN, BOB), ("where", "is", "ann"), "attic", (0,))
    assert second.story == (ANN, BOB, ("ann", "took", "the", "hammer", "there"))
    assert second.supporting == (2, 0), "positions in the story, in the order of the file"
    assert len(third.story) == 1, "a number that falls back to 1 starts a new story"


def test_a_list_answer_stays_whole():
    assert read(TINY)[2].answer == "hammer,saw"


def test_earlier_questions_stay_only_when_asked_for():
    kept = babi.read_file(TINY.splitlines(), keep_questions=True)[1]
    assert kept.story[:3] == (ANN, BOB, ("where", "is", "ann"))
    assert kept.supporting == (3, 0)


def test_text_reads_like_the_file():
    assert read(TINY)[0].text() == (
        "Ann walked to the attic.\nBob walked to the cellar.\nWhere is ann?"
    )
    assert babi.sentence(("where", "is", "mary"), "?") == "Where is Mary?"


def test_a_question_cannot_be_changed():
    with pytest.raises(AttributeError):
        read(TINY)[0].answer = "cellar"


def test_files_without_supporting_facts_and_with_windows_line_ends_are_read():
    (only,) = read("\ufeff1 Ann walked to the attic.\r\n\r\n2 Where is Ann?\tattic\r\n")
    assert only.supporting == ()
    assert only.answer == "attic"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "tiny.txt: expected at least one question, got an empty file"),
        ("1 Ann is here.\n", "tiny.txt: expected at least one question, got 1 statements"),
        ("2 Ann is here.\n", "tiny.txt, line 1: expected number 1, got 2"),
        ("1 A is b.\n3 C is d.\n", "line 2: expected number 1 or 2, got 3"),
        ("1 A is b.\n2 C is d.\n2 E is f.\n", "line 3: expected number 1 or 3, got 2"),
        ("Ann is here.\n", "line 1: expected a number, a space and a sentence, got 'Ann is here.'"),
        ("1\n", "line 1: expected words after the number, got '1'"),
        ("1 A is b.\n2 Where is A? b 1\n3 Where is A?\n", "line 3: expected a tab and an answer"),
        (
            "1 A is b.\n2 Where is A?\t\t1\n",
            "line 2: expected an answer after the tab, got nothing",
        ),
        ("1 A is b.\n2 Where?\tb\t1\tx\n", "line 2: expected question, answer and supporting"),
        ("1 A is b.\n2 Where?\tb\t7\n", "earlier statement (below 2), got '7'"),
        ("1 A is b.\n2 Where?\tb\tone\n", "earlier statement (below 2), got 'one'"),
        ("1 A is b.\n2 Where?\tb\t1\n3 Where?\tb\t2\n", "got 2, which is a question"),
        ("1 A is b.\n2 C is d.\n3 E is f.\n1 G is h.\n2 Where?\tf\t3\n", "line 5: expected as"),
    ],
)
def test_a_bad_file_is_named_with_its_line(text, complaint):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read(text)
    assert complaint in str(caught.value)


def test_bytes_that_are_not_utf8_are_named(tmp_path):
    path = tmp_path / "qa1_train.txt"
    path.write_bytes(b"1 Ann is here.\n2 caf\xe9 is there.\n")
    with pytest.raises(ValueError, match=r"qa1_train.txt, line 2: expected UTF-8.*0xe9 .*umn 6"):
        babi.read_file(path)


# --- archive, folder, file ------------------------------------------------------------------------

FILES = {
    "en/qa1_single-supporting-fact_train.txt": "en",
    "en/qa1_single-supporting-fact_test.txt": "entest",
    "en-10k/qa1_single-supporting-fact_train.txt": "en10k",
    "en-valid-10k/qa1_train.txt": "ev10k",
    "en-valid-10k/qa1_valid.txt": "ev10kvalid",
    "en-valid/qa3_valid.txt": "three",
    "hn/qa20_agents-motivations_train.txt": "hn",
    "hn-10k/qa20_agents-motivations_train.txt": "hn10k",
    "shuffled/qa19_path-finding_train.txt": "sh",
    "shuffled-10k/qa19_path-finding_train.txt": "sh10k",
    "LICENSE.txt": "",
}


def content(answer):
    return f"1 Ann walked to the attic.\n2 Where is Ann?\t{answer}\t1\n".encode()


@pytest.fixture(params=["archive", "folder"])
def data(request, tmp_path):
    """A miniature of the official archive, and the folder it unpacks to."""
    if request.param == "folder":
        for name, answer in FILES.items():
            path = tmp_path / "tasks" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(answer))
        return tmp_path / "tasks"
    return archive(tmp_path / "tasks_1-20_v1-2.tar.gz")


def archive(path):
    with tarfile.open(path, "w:gz") as tar:
        for name, answer in FILES.items():
            entry = tarfile.TarInfo(f"tasks_1-20_v1-2/{name}")
            entry.size = len(content(answer))
            tar.addfile(entry, io.BytesIO(content(answer)))
    return path


@pytest.mark.parametrize(
    ("task", "split", "variant", "answer"),
    [
        ("qa1", "train", "en", "en"),
        ("qa1", "test", "en", "entest"),
        (1, "train", "en-10k", "en10k"),
        ("1", "valid", "en-valid-10k", "ev10kvalid"),
        ("qa1", "train", None, "ev10k"),
        ("QA3", "valid", "en-valid", "three"),
        (20, "train", "hn", "hn"),
        (20, "train", None, "hn10k"),
        (19, "train", "shuffled", "sh"),
        (19, "train", "shuffled-10k", "sh10k"),
    ],
)
def test_load_finds_every_variant(data, task, split, variant, answer):
    (question,) = babi.load(data, task, split, variant)
    assert question.answer == answer
    assert question.task == babi.task_name(task)
    assert question.story == (ANN,)


def test_one_variant_folder_and_one_file_are_enough(data, tmp_path):
    if data.is_dir():
        assert babi.load(data / "en-10k", "qa1")[0].answer == "en10k"
        file = data / "hn" / "qa20_agents-motivations_train.txt"
        assert babi.load(file)[0].task == "qa20"
        with pytest.raises(ValueError, match="expected a file of qa1, got one of qa20"):
            babi.load(file, "qa1")
        assert babi.load(data / "hn")[0].answer == "hn", "the only task there need not be named"
    stray = tmp_path / "mine.txt"
    stray.write_bytes(content("attic"))
    assert babi.load(stray, "qa7")[0].task == "qa7"
    assert babi.load(stray)[0].task is None


def test_what_is_missing_is_answered_with_what_is_there(data):
    with pytest.raises(ValueError, match="expected task qa1, qa3, qa19, qa20, got 'qa5'"):
        babi.load(data, "qa5")
    with pytest.raises(ValueError, match=r"expected variant en-valid-10k, en-10k, .* got 'fr'"):
        babi.load(data, "qa1", "train", "fr")
    with pytest.raises(ValueError, match="split train, valid for qa1 in en-valid-10k, got test"):
        babi.load(data, "qa1", "test")
    with pytest.raises(ValueError, match="expected a task, one of qa1, qa3, qa19, qa20, got none"):
        babi.load(data)
    with pytest.raises(ValueError, match="expected split train, valid, test, got 'dev'"):
        babi.load(data, "qa1", "dev")
    with pytest.raises(ValueError, match="expected a task from qa1 to qa20, got 21"):
        babi.load(data, 21)


def test_contents_lists_the_best_variant_first(data):
    listed = babi.contents(data)
    assert len(listed) == len(FILES) - 1
    assert listed[0] == ("en-valid-10k", "qa1", "train")


def test_complaints_name_the_file_inside_the_archive(tmp_path):
    path = tmp_path / "tasks.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        entry = tarfile.TarInfo("tasks/en/qa2_two-supporting-facts_train.txt")
        entry.size = 8
        tar.addfile(entry, io.BytesIO(b"2 A is b"))
    with pytest.raises(ValueError, match=r"tasks.tar.gz:tasks/en/qa2_two.*line 1: expected number"):
        babi.load(path, "qa2")


def test_nothing_and_nonsense_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a bAbI archive, folder or file"):
        babi.load(tmp_path / "nowhere", "qa1")
    with pytest.raises(ValueError, match=r"expected files such as qa1_train.txt, found none"):
        babi.load(tmp_path, "qa1")
    whole = archive(tmp_path / "whole.tar.gz").read_bytes()
    for name, damaged in [("cut.tar.gz", whole[: len(whole) // 2]), ("text.tar.gz", b"hello")]:
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=r"expected a whole .tar.gz archive, got"):
            babi.load(tmp_path / name, "qa1")


def test_reading_an_archive_unpacks_nothing(tmp_path):
    babi.load(archive(tmp_path / "only.tar.gz"), "qa1")
    assert [path.name for path in tmp_path.iterdir()] == ["only.tar.gz"]


# --- writing --------------------------------------------------------------------------------------


def test_write_numbers_as_the_official_files_do(tmp_path):
    path = tmp_path / "out.txt"
    babi.write(read(TINY), path)
    assert path.read_text().splitlines()[:5] == [
        "1 Ann walked to the attic.",
        "2 Bob walked to the cellar.",
        "3 Where is ann?\tattic\t1",
        "4 Ann took the hammer there.",
        "5 Where is the hammer?\tattic\t4 1",
    ]


word = st.text("abcdefg", min_size=1, max_size=4)
words = st.lists(word, min_size=1, max_size=4).map(tuple)


@st.composite
def any_question(draw):
    story = tuple(draw(st.lists(words, min_size=1, max_size=4)))
    facts = draw(st.lists(st.integers(0, len(story) - 1), max_size=3))
    return Question(story, draw(words), draw(word), tuple(facts))


@given(st.lists(any_question(), min_size=1, max_size=6))
def test_what_is_written_is_read_back(tmp_path_factory, questions):
    path = tmp_path_factory.mktemp("written") / "any.txt"
    babi.write(questions, path)
    assert babi.read_file(path) == questions


# --- download -------------------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server on this machine that has the archive; gives its address and checksum."""
    monkeypatch.setenv("NO_PROXY", "*")
    folder = tmp_path / "served"
    folder.mkdir()
    path = archive(folder / "tasks_1-20_v1-2.tar.gz")
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{httpd.server_port}/{path.name}"
    yield address, hashlib.sha256(path.read_bytes()).hexdigest()
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_download_fetches_checks_and_keeps(server, tmp_path, capsys):
    address, sha256 = server
    path = babi.download(tmp_path / "kept", sources=[(address, sha256)])
    assert babi.load(path, "qa1", variant="en")[0].answer == "en"
    assert "100%" in capsys.readouterr().err, "a progress bar"
    gone = address.replace("127.0.0.1", "unreachable.invalid")
    assert babi.download(tmp_path / "kept", sources=[(gone, sha256)]) == path, "fetched only once"


def test_download_falls_back_to_the_next_source(server, tmp_path):
    address, sha256 = server
    sources = [(address + ".missing", sha256), (address, sha256)]
    assert babi.download(tmp_path / "kept", sources=sources, progressbar=False).is_file()


def test_download_refuses_a_file_with_another_checksum(server, tmp_path):
    address, _ = server
    with pytest.raises(ConnectionError, match="does not match the known hash"):
        babi.download(tmp_path / "kept", sources=[(address, "0" * 64)], progressbar=False)
    assert not list((tmp_path / "kept").glob("*.tar.gz"))


def test_download_without_a_network_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    closed = "http://127.0.0.1:9/tasks_1-20_v1-2.tar.gz"
    with pytest.raises(ConnectionError) as caught:
        babi.download(tmp_path, sources=[(closed, "0" * 64)], progressbar=False)
    message = str(caught.value)
    assert closed in message
    assert str(tmp_path) in message
    assert "lessons_lib.stories makes its own stories" in message
    assert 'babi.load("tasks_1-20_v1-2.tar.gz", "qa1")' in message


def test_every_source_has_a_sha256():
    for address, sha256 in babi.SOURCES:
        assert address.endswith(".tar.gz")
        assert len(bytes.fromhex(sha256)) == 32


def test_an_environment_variable_stands_for_the_path(monkeypatch, tmp_path):
    file = tmp_path / "qa1_train.txt"
    file.write_text("1 Mary went to the attic.\n2 Where is Mary?\tattic\t1\n")
    monkeypatch.setenv("SOME_BABI", str(tmp_path))
    assert babi.load("$SOME_BABI/qa1_train.txt") == babi.load(file)
    monkeypatch.delenv("SOME_BABI")
    with pytest.raises(FileNotFoundError, match=r"environment variable \$SOME_BABI, it is not set"):
        babi.load("$SOME_BABI")
