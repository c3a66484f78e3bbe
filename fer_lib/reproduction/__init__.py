"""The recorded study behind the book's numbers, as book/results/PROTOCOL.md lays it down.

`blocks` says what is trained, `runs` and `controls` train it; `networks`, `filters`, `people` and `summary` look at
what was trained. `verdicts` applies the protocol's rules to the ledger; `recorded`, `questions` and `told` read it for
chapters; `check` trains a sample again.
"""
