"""JupyterHub for one class: `jupyterhub -f course/hub/jupyterhub_config.py`, as root.

Students and graders log in and get a server each. Graders share one more server, a service that
runs as an account of its own in the class folder: there the formgrader is, with the solutions and
the gradebook, which no student's account can read. The lines in capitals are yours.
"""

import csv
import sys
from pathlib import Path

CLONE = Path(__file__).resolve().parent.parent.parent
CLASS_FOLDER = CLONE / "my-class"  # made by `make course`
COURSE = "neural-memory"  # the course_id in both nbgrader_config.py
GRADER_ACCOUNT = "grader-neural-memory"  # owns the class folder; nobody logs in as it
GRADERS = {"instructor"}
SERVICE_PORT = 9999
SERVER = [str(Path(sys.executable).with_name("jupyterhub-singleuser"))]

c = get_config()  # noqa: F821


def students() -> set[str]:
    """Return the column `id` of students.csv, which `nbgrader db student import` reads as well."""
    path = CLASS_FOLDER / "students.csv"
    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {row["id"] for row in csv.DictReader(file)}


# Who somebody is, your site knows: accounts of this machine (PAM) if nothing else is chosen, or
# c.JupyterHub.authenticator_class = "oauthenticator.…", "ldapauthenticator.…", "ltiauthenticator.…"
c.Authenticator.allowed_users = GRADERS | students()

# nbgrader reads these names: formgrade-COURSE may open the formgrader, nbgrader-COURSE may fetch.
c.JupyterHub.load_groups = {
    f"formgrade-{COURSE}": {"users": sorted(GRADERS)},
    f"nbgrader-{COURSE}": {"users": sorted(students())},
}
SEE = ["list:services", f"read:services!service={COURSE}"]
c.JupyterHub.load_roles = [
    {
        "name": f"formgrade-{COURSE}",
        "groups": [f"formgrade-{COURSE}"],
        "scopes": [f"access:services!service={COURSE}", *SEE],
    },
    # A server may do what its owner may: so its list of courses finds the formgrader.
    {"name": "server", "scopes": ["inherit"]},
]
c.JupyterHub.services = [
    {
        "name": COURSE,
        "url": f"http://127.0.0.1:{SERVICE_PORT}",
        "command": SERVER,
        "user": GRADER_ACCOUNT,
        "cwd": str(CLASS_FOLDER),
        "environment": {"JUPYTERHUB_DEFAULT_URL": "/lab"},
    }
]

# A lesson takes about 1 GB and one core while it trains. The spawner that runs servers as plain
# processes, which is the default, cannot hold them to it. SystemdSpawner, DockerSpawner and
# KubeSpawner do:
# c.JupyterHub.spawner_class = "systemdspawner.SystemdSpawner"
c.Spawner.cmd = SERVER  # where servers run in containers: the command in your image
c.Spawner.mem_limit = "2G"
c.Spawner.cpu_limit = 1.0
c.Spawner.default_url = "/lab"
c.Spawner.environment = {"OMP_NUM_THREADS": "1"}
