"""What the server is busy with for a while: listed, waited for, cancelled, and told of in the log."""

from tidings.jobs._jobs import Jobs
from tidings.jobs.job import Job, JobStatus, Ongoing, payload_of

__all__ = ["Job", "JobStatus", "Jobs", "Ongoing", "payload_of"]
