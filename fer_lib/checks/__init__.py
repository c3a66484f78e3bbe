"""Checks that a learner calls in an assignment: each says what is off, not only that something is.

One module an assignment: `zero_bias`, `folds`, `deconvnet`, `alignment`, `intervention`. A check draws its cases from
`seed`, prints what held, and raises `CheckFailed` with a diagnosis otherwise. Needs neither nbgrader nor a network.
"""

from fer_lib.checks.diagnosis import CheckFailed

__all__ = ["CheckFailed"]
