"""The names under which older programs import the parts of the loader."""

from rustorch.utils.data import collate as collate
from rustorch.utils.data import fetch as fetch
from rustorch.utils.data import worker as worker
