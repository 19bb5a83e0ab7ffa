"""nbgrader for everybody on the hub: copy it to /etc/jupyter/nbgrader_config.py.

It says which course there is and where assignments change hands. The class folder has an
nbgrader_config.py of its own, which says how to grade; only graders' programs read that one.
"""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "neural-memory"
# A folder that everybody can write to, on a disk that all servers share:
# mkdir -p /srv/nbgrader/exchange && chmod ugo+rwx /srv/nbgrader/exchange
c.Exchange.root = "/srv/nbgrader/exchange"
