"""Orthogonal kernels: what goes in comes out with its length."""
