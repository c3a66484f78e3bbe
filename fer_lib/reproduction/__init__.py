"""The recorded study: every long run behind the book's numbers, as book/results/PROTOCOL.md lays it down.

`blocks` says what is trained, `runs` trains it and writes the ledger, `controls` trains the control networks.
"""
