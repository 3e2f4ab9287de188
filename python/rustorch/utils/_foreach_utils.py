"""Grouping of tensors by what a list-wise operation needs to be equal."""


def _get_foreach_kernels_supported_devices():
    return ["cpu"]


def _get_fused_kernels_supported_devices():
    return ["cpu"]


def _group_tensors_by_device_and_dtype(tensorlistlist, with_indices=False):
    """{(device, dtype): ([parts of the parallel lists], indices)}, by the tensors of the first list.

    Args:
        tensorlistlist (list of lists): parallel; a list may be empty, and from the second on hold None.
        with_indices (bool, False): fill `indices` with the places that the parts had.
    """
    groups = {}
    for i, tensor in enumerate(tensorlistlist[0]):
        parts, indices = groups.setdefault((tensor.device, tensor.dtype), ([[] for _ in tensorlistlist], []))
        for part, whole in zip(parts, tensorlistlist):
            if whole:
                part.append(whole[i])
        if with_indices:
            indices.append(i)
    return groups
