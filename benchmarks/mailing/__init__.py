"""Parts of `script/bench mail`: the messages, the sender, the milters, and the measured processor time."""
