"""The names under which older programs import the parts of the loader."""

from rustorch.utils.data._utils import collate as collate
from rustorch.utils.data._utils import fetch as fetch
from rustorch.utils.data._utils import pin_memory as pin_memory
from rustorch.utils.data._utils import worker as worker
from rustorch.utils.data.worker import CHECK_INTERVAL as MP_STATUS_CHECK_INTERVAL

python_exit_status = False
