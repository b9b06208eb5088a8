"""A job of ours as LXD's operation object, the same in events and in the answers of ``/1.0/operations``."""

from __future__ import annotations

from tidings.dialects.lxd.wire import members, read_object, text

_STATUS_CODES = {"Pending": 105, "Running": 103, "Success": 200, "Failure": 400, "Cancelled": 401}
# Clients read these two as times and end on anything else; it is how Go writes that there is none.
_NEVER = "0001-01-01T00:00:00Z"


def job_operation(payload: bytes) -> dict[str, object]:
    """Return the operation that the *payload* of a ``tidings.job`` event says: LXD's twelve members, in its order."""
    job = read_object(payload)
    status = text(job, "status")
    return {
        "id": text(job, "id"),
        "class": text(job, "class") or "task",
        "description": text(job, "description"),
        "created_at": text(job, "created") or _NEVER,
        "updated_at": text(job, "updated") or _NEVER,
        "status": status,
        "status_code": _STATUS_CODES.get(status, 0),
        "resources": members(job, "resources") or None,
        "metadata": members(job, "progress") or None,
        "may_cancel": job.get("may_cancel") is True,
        "err": text(job, "error"),
        "location": "none",
    }
