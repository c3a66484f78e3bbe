"""Faces rendered with known action units: who (`identity`), how they move (`rig`), how they look (`render`)."""

from fer_lib.faces.identity import Identity, sample_identities
from fer_lib.faces.render import Rendered, Scene, difference_mask, render
from fer_lib.faces.rig import au_tensor

__all__ = ["Identity", "Rendered", "Scene", "au_tensor", "difference_mask", "render", "sample_identities"]
