"""Alias of `rustorch.utils.data.collate`."""

from rustorch.utils.data.collate import collate as collate
from rustorch.utils.data.collate import default_collate as default_collate
from rustorch.utils.data.collate import default_collate_fn_map as default_collate_fn_map
from rustorch.utils.data.collate import default_convert as default_convert
