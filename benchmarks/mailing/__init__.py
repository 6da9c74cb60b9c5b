"""Parts of `script/bench mail`: what is sent, who sends it, who filters it, and whose processor time that takes."""
