"""The checklist of good practice, filled in from a study, as far as a study can tell.

The 14 best practices of Lindauer & Hutter 2020, "Best practices for scientific research on neural
architecture search", JMLR 21(243), sec. 2 to 4, in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean
from statistics import stdev
from typing import Literal
from typing import TypeAlias

from optuna_nas.visualization._params import params_of
from optuna_nas.visualization._report_controls import compared
from optuna_nas.visualization._report_document import number
from optuna_nas.visualization._report_document import Part
from optuna_nas.visualization._report_document import table
from optuna_nas.visualization._report_document import Text
from optuna_nas.visualization._report_search import epochs_of
from optuna_nas.visualization._report_search import scores_of
from optuna_nas.visualization._report_search import SEARCH
from optuna_nas.visualization._report_search import Search
from optuna_nas.visualization._so_far import plural


Done: TypeAlias = Literal["yes", "partly", "no", "not known"]
Item: TypeAlias = tuple[Done, str]


def checklist(search: Search) -> Iterator[Part]:
    """The practices, whether each was kept, and how that is known.

    Args:
        search:
            What is reported on.
    """
    yield Text(
        "The practices are those of Lindauer & Hutter 2020, Best Practices for Scientific "
        "Research on Neural Architecture Search, JMLR 21(243). What a study cannot tell is said "
        "to be not known: it is for the author to fill in."
    )
    rows = [(practice, *item(search)) for practice, item in PRACTICES.items()]
    yield table(("practice", "kept", "how that is known"), rows)


def _pipeline(search: Search) -> Item:
    if search.signature or search.result:
        return "yes", "optuna-nas search trains with optuna_nas, whose code is open."
    return "not known", "The study does not say what trained its networks; release that too."


def _method(search: Search) -> Item:
    names = list(dict.fromkeys(sampler for _, (sampler, *_) in search.samplers))
    if names:
        come = "comes" if len(names) == 1 else "come"
        told = f"{' and '.join(names)} {come} with Optuna or optuna_nas, whose code is open."
        return "yes", told
    return "not known", "The study does not say who proposed its networks."


def _not_waiting(search: Search) -> Item:
    return "not known", "Put the study, its code and this report online as they are."


def _same_benchmark(search: Search) -> Item:
    if not search.controls:
        return "no", "There is nothing to compare with, on this benchmark or another."
    if _alike(search):
        return "yes", "Random search had the same data, split, search space and training."
    return "not known", "The studies do not say that their data, space and training are the same."


def _ablation(search: Search) -> Item:
    return "not known", "A study is one search, with all its parts; what each adds is not in it."


def _same_protocol(search: Search) -> Item:
    if "random_search" in search.numbers("test"):
        return "yes", "Both winners were chosen, trained again and tested in the same way."
    if _alike(search):
        return "yes", "Random search has the same objectives, data, space and epochs."
    if search.controls:
        return "not known", "Objectives and directions are the same; more the studies do not say."
    if len(search.numbers("test")) > 1:
        return "partly", "All were tested on the same rows; no other search was run."
    return "no", "There is nothing to compare with."


def _anytime(search: Search) -> Item:
    if not search.feasible:
        return "no", "No network was trained to the end."
    return "yes", "Above, against trials and seconds."


def _random(search: Search) -> Item:
    if not search.controls:
        return "no", "Run random search for as long: optuna-nas search --control."
    runs = plural(len(search.controls), "run")
    if isinstance(compared(search), str):
        return "partly", f"There is random search ({runs}), but it cannot be compared."
    return "yes", f"Random search ({runs}), and with it the mean of random sampling, are above."


def _seeds(search: Search) -> Item:
    runs = 1 + len(search.repeats)
    if runs > 1:
        found = compared(search)
        told = "" if found is None or isinstance(found, str) else "; mean and deviation are above"
        return "yes", f"{runs} searches{told}."
    scores = scores_of(search.finalists[0]) if search.finalists else []
    if len(scores) > 1:
        told = f"{number(fmean(scores))}, deviation {number(stdev(scores))}"
        return "partly", f"One search; its winner was trained {len(scores)} times: {told}."
    return "no", "One search with one seed, and each network was trained once."


def _tabular(search: Search) -> Item:
    if search.signature or epochs_of(search.trials) is not None:
        return "no", "Each network was trained: the data are no table of known results."
    return "not known", "The study does not say whether its scores come from a table."


def _confounding(search: Search) -> Item:
    if search.told("versions") and search.controls and _alike(search):
        return "partly", "Versions, split, epochs and threads were the same; load was not watched."
    return "not known", "The study does not say that machine and versions were always the same."


def _hyperparameters(search: Search) -> Item:
    asked = {n for t in search.trials for n in t.params.keys() - params_of(t, "report").keys()}
    if asked:
        return "yes", f"Searched with the network, and counted: {', '.join(sorted(asked))}."
    return "not known", "None were searched here. How they were found before, a study cannot tell."


def _end_to_end(search: Search) -> Item:
    if not search.runs or search.runs[0]["trials before"]:
        return "partly", "The trials are; what came before and after them is not in the study."
    if search.open_runs:
        runs = plural(search.open_runs, "run")
        return "partly", f"All trials are above; what else {runs} of the command took is not."
    return "yes", "Above: all runs, but for reading the data, exports and this report."


def _details(search: Search) -> Item:
    wanted = ("command", "versions", "hardware", "data", "options")
    missing = [what for what in wanted if not search.told(what)]
    if not missing:
        return "yes", "Command, data, options, seed, versions and machine are above."
    return "partly", f"The study does not keep: {', '.join(missing)}."


def _alike(search: Search) -> bool:
    """Whether the controls say that they are of the same data, space and training."""
    signatures = [one.user_attrs.get(SEARCH) for one in search.controls]
    own = dict(search.signature)
    return bool(own and signatures) and all(
        isinstance(one, dict) and _without_seed(one) == _without_seed(own) for one in signatures
    )


def _without_seed(signature: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in signature.items() if name != "seed"}


PRACTICES = {
    "1. Release the code of the training pipeline": _pipeline,
    "2. Release the code of the NAS method": _method,
    "3. Do not wait until the code is clean": _not_waiting,
    "4. Use the same NAS benchmarks, not only the same data": _same_benchmark,
    "5. Run ablation studies": _ablation,
    "6. Use the same evaluation protocol": _same_protocol,
    "7. Evaluate performance as a function of compute": _anytime,
    "8. Compare with random sampling and random search": _random,
    "9. Perform several runs with other seeds": _seeds,
    "10. Use tabular or surrogate benchmarks, if possible": _tabular,
    "11. Control confounding factors": _confounding,
    "12. Report the use of hyperparameter optimization": _hyperparameters,
    "13. Report the resources of the whole method": _end_to_end,
    "14. Report all details of the setup": _details,
}
