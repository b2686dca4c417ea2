import pickle

import pytest
import torch

from optuna_nas.training import is_out_of_memory
from optuna_nas.training import Rejected
from optuna_nas.training._device import resolve_device


def test_auto_is_a_gpu_if_there_is_one() -> None:
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_device_may_be_torchs_own() -> None:
    assert resolve_device("cpu") == resolve_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA")
def test_cuda_where_there_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"device 'cuda' is not there: this machine has \['auto'"):
        resolve_device("cuda")


def test_a_device_that_nothing_can_be_trained_on_is_refused() -> None:
    with pytest.raises(ValueError, match="device 'meta' is not there"):
        resolve_device("meta")


def test_a_misspelt_device_is_refused_and_the_right_one_guessed() -> None:
    with pytest.raises(ValueError, match=r"but is 'cdua'\. Did you mean 'cuda'\?"):
        resolve_device("cdua")
    with pytest.raises(ValueError, match=r"device must be one of \['auto', .*, but is 'warp 9'"):
        resolve_device("warp 9")


def test_a_rejection_can_come_back_from_a_worker() -> None:
    assert pickle.loads(pickle.dumps(Rejected("no room"))).reason == "no room"


def test_the_message_alone_does_not_make_an_error_one_of_memory() -> None:
    assert not is_out_of_memory(ValueError("DefaultCPUAllocator: no memory"))
    assert not is_out_of_memory(RuntimeError("out of memory, said the network"))
