"""The hub's two configurations: they load, their names are traits, and they agree on the course."""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

import pytest
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import Exchange
from traitlets.config import Config, PyFileConfigLoader

from course.grading.nbgrader_parts import configure
from tools.layout import ROOT

HUB = ROOT / "course" / "hub"


def load(path: Path) -> Config:
    return PyFileConfigLoader(path.name, str(path.parent)).load_config()


@pytest.fixture
def copied(tmp_path) -> Path:
    """The hub's configuration in a clone with a class of two."""
    folder = tmp_path / "course" / "hub"
    folder.mkdir(parents=True)
    shutil.copy(HUB / "jupyterhub_config.py", folder)
    (tmp_path / "my-class").mkdir()
    rows = "id,first_name,last_name,email\nada,Ada,L,\nben,Ben,K,\n"
    (tmp_path / "my-class" / "students.csv").write_text(rows)
    return folder / "jupyterhub_config.py"


def test_all_parts_name_one_course():
    graders, everybody, hub = Config(), load(HUB / "nbgrader_config.py"), None
    configure(graders, "my-class")
    hub = load(HUB / "jupyterhub_config.py")
    name = graders.CourseDirectory.course_id
    assert everybody.CourseDirectory.course_id == name
    assert [service["name"] for service in hub.JupyterHub.services] == [name]
    assert set(hub.JupyterHub.load_groups) == {f"formgrade-{name}", f"nbgrader-{name}"}


def test_students_come_from_the_list_that_nbgrader_imports(copied):
    hub = load(copied)
    assert hub.Authenticator.allowed_users == {"instructor", "ada", "ben"}
    groups = hub.JupyterHub.load_groups
    assert groups["nbgrader-neural-memory"] == {"users": ["ada", "ben"]}
    assert groups["formgrade-neural-memory"] == {"users": ["instructor"]}


def test_only_graders_may_open_the_formgrader(copied):
    for role in load(copied).JupyterHub.load_roles:
        if "access:services!service=neural-memory" in role["scopes"]:
            assert role["groups"] == ["formgrade-neural-memory"]


def test_the_formgrader_runs_in_the_class_folder_as_an_account_of_its_own(copied):
    (service,) = load(copied).JupyterHub.services
    assert service["cwd"] == str(copied.parents[2] / "my-class")
    assert service["user"] == "grader-neural-memory"
    assert service["command"][0].endswith("jupyterhub-singleuser")


def test_nbgrader_knows_what_it_is_told():
    told = load(HUB / "nbgrader_config.py")
    assert set(told) == {"CourseDirectory", "Exchange"}
    assert set(told.CourseDirectory) <= set(CourseDirectory.class_traits(config=True))
    assert set(told.Exchange) <= set(Exchange.class_traits(config=True))


def test_jupyterhub_takes_its_configuration(copied):
    pytest.importorskip(
        "jupyterhub", reason="jupyterhub is not installed: its own check is skipped"
    )
    from jupyterhub.app import JupyterHub
    from jupyterhub.auth import Authenticator
    from jupyterhub.spawner import Spawner

    told = load(copied)
    for made in (JupyterHub, Authenticator, Spawner):
        assert set(told[made.__name__]) <= set(made.class_traits(config=True)), made
    hub = JupyterHub(config=told)  # the values are of the kinds that it wants
    assert hub.load_groups == told.JupyterHub.load_groups
    assert inspect.isclass(hub.authenticator_class)
