"""Attacks on Holdgate itself, each with the promise that must hold; `script/attack` counts them."""
