"""The names of types that scripted programs import from here."""

# ruff: noqa: UP035 - the old names are what programs ask for

from typing import Any as Any
from typing import Callable as Callable
from typing import Dict as Dict
from typing import List as List
from typing import NamedTuple as NamedTuple
from typing import Optional as Optional
from typing import Tuple as Tuple
from typing import Union as Union

from rustorch import Tensor as Tensor
from rustorch.jit import Final as Final
