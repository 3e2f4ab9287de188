"""Classes of results with several named tensors, such as `torch.max(x, dim=0)`'s values and indices."""

_classes = {}


def _make(name, fields):
    """The class of the results of operation `name`, made on first use."""
    cls = _classes.get(name)
    if cls is None:

        def __repr__(self):
            parts = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self, strict=True))
            return f"torch.return_types.{name}(\n{parts})"

        def __reduce__(self):
            return _rebuild, (name, tuple(fields), tuple(self))

        body = {
            "__slots__": (),
            "__module__": "rustorch.return_types",
            "__repr__": __repr__,
            "__reduce__": __reduce__,
            "__match_args__": tuple(fields),
            "n_fields": len(fields),
            "n_sequence_fields": len(fields),
            "n_unnamed_fields": 0,
        }
        for i, field in enumerate(fields):
            body[field] = property(lambda self, i=i: self[i])
        cls = _classes[name] = type(name, (tuple,), body)
        globals()[name] = cls
    return cls


def _rebuild(name, fields, values):
    return tuple.__new__(_make(name, list(fields)), values)
