"""Alias of `rustorch.utils.data.collate`."""

from rustorch.utils.data.collate import collate as collate
from rustorch.utils.data.collate import collate_float_fn as collate_float_fn
from rustorch.utils.data.collate import collate_int_fn as collate_int_fn
from rustorch.utils.data.collate import collate_numpy_array_fn as collate_numpy_array_fn
from rustorch.utils.data.collate import collate_numpy_scalar_fn as collate_numpy_scalar_fn
from rustorch.utils.data.collate import collate_str_fn as collate_str_fn
from rustorch.utils.data.collate import collate_tensor_fn as collate_tensor_fn
from rustorch.utils.data.collate import default_collate as default_collate
from rustorch.utils.data.collate import default_collate_err_msg_format as default_collate_err_msg_format
from rustorch.utils.data.collate import default_collate_fn_map as default_collate_fn_map
from rustorch.utils.data.collate import default_convert as default_convert
from rustorch.utils.data.collate import np_str_obj_array_pattern as np_str_obj_array_pattern
