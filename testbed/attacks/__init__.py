"""Attacks on Holdgate itself, each with the promise that has to hold; `script/attack` counts them."""
