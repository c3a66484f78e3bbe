"""Companion to Khorrami, Paine and Huang (ICCV Workshops 2015): faces, network, training, interpretation."""

__version__ = "0.1.0"
