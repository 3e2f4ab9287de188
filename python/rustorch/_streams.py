"""`torch.Stream` and `torch.Event`: queues of work, and marks in them, whose work is done when a call returns."""

import rustorch


class Stream:
    """A queue of operations of a device; operations here are in order without one.

    Args:
        device (device or str, None): the default device unless given.
        priority (int, 0): ignored.
    """

    def __init__(self, device=None, *, priority=0):
        self.device = rustorch.get_default_device() if device is None else rustorch.device(device)
        self.device_type = self.device.type
        self.device_index = -1 if self.device.index is None else self.device.index
        self.stream_id = 0

    def query(self):
        """True: all work is done."""
        return True

    def synchronize(self):
        """Waits for the work of the stream's device."""
        if self.device.type != "cpu":
            rustorch.gpu.synchronize()

    def wait_event(self, event):
        """Nothing: work is in order."""

    def wait_stream(self, stream):
        """Nothing: work is in order."""

    def record_event(self, event=None):
        """An event at this point of the queue."""
        return Event(self.device) if event is None else event

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None

    def __eq__(self, other):
        return isinstance(other, Stream) and other.device == self.device

    def __hash__(self):
        return hash(self.device)

    def __repr__(self):
        return f"torch.Stream device_type={self.device_type}, device_index={self.device_index}, stream_id=0"


class Event:
    """A point in a queue.

    Args:
        device (device or str, None): the default device unless given.
        enable_timing, blocking, interprocess (bool): ignored; `elapsed_time` reads the clock at both records.
    """

    def __init__(self, device=None, *, enable_timing=False, blocking=False, interprocess=False):
        self.device = rustorch.get_default_device() if device is None else rustorch.device(device)
        self.event_id = 0
        self._time = None

    def record(self, stream=None):
        """Marks this moment, once the device's work so far is done."""
        from time import perf_counter

        Stream(self.device).synchronize()
        self._time = perf_counter()

    def wait(self, stream=None):
        """Nothing: work is in order."""

    def query(self):
        """True: all work is done."""
        return True

    def synchronize(self):
        """Nothing: the work before the mark was waited for."""

    def elapsed_time(self, end_event):
        """Milliseconds from this mark to another one.

        Raises:  RuntimeError: if one of both was not recorded.
        """
        if self._time is None or end_event._time is None:
            raise RuntimeError("Both events must be recorded before calculating elapsed time. Call record() on both.")
        return (end_event._time - self._time) * 1e3

    def __repr__(self):
        kind, index = self.device.type, -1 if self.device.index is None else self.device.index
        return f"torch.Event device_type={kind}, device_index={index}, event_flag=0, event_id=0"
