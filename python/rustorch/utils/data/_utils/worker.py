"""Alias of `rustorch.utils.data.worker`."""

from rustorch.utils.data.worker import WorkerInfo as WorkerInfo
from rustorch.utils.data.worker import get_worker_info as get_worker_info
