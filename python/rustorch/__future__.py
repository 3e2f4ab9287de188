"""Switches for how `nn.Module` conversions (`to`, `float`, `load_state_dict`, ...) treat existing parameters."""

_overwrite_module_params_on_conversion = False
_swap_module_params_on_conversion = False


def set_overwrite_module_params_on_conversion(value):
    """If True, conversions put new parameters into the module instead of changing the data of the old ones."""
    global _overwrite_module_params_on_conversion
    _overwrite_module_params_on_conversion = value


def get_overwrite_module_params_on_conversion():
    """Whether conversions assign new parameters. Default: False."""
    return _overwrite_module_params_on_conversion


def set_swap_module_params_on_conversion(value):
    """If True, conversions and `load_state_dict` swap old and new parameters, keeping their identity."""
    global _swap_module_params_on_conversion
    _swap_module_params_on_conversion = value


def get_swap_module_params_on_conversion():
    """Whether conversions swap parameters. Default: False."""
    return _swap_module_params_on_conversion
