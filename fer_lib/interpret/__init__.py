"""Interpretation of a trained network: tensors in, tables out, no plots.

Modules: `network` (what is studied), `labels` and `measures` (what an alignment is measured on, and how), `alignment`
(the one call), `permutation`, `bootstrap` and `selection` (inference), `receptive`, `activations` and `examples`
(looking at a filter), `decoders`, `crop_decoder` and `maximisation` (decoding it), `intervention`, `ablation`,
`concepts` and `localisation` (cause), and `sanity` (is the picture about the filter?).
"""
