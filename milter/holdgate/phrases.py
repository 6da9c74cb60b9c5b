"""Parts of sentences in output and errors: a number with its noun, and the reason of an error of the system."""


def counted(number: int, noun: str, several: str = "") -> str:
    """Return a number with its noun, as in "1 message" or "4 messages"; `several` is an irregular plural."""
    return f"{number} {noun if number == 1 else several or noun + 's'}"


def reason_of(error: BaseException) -> str:
    """Return why something failed: of an OSError the system's words alone, without its number and Python's notation."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
