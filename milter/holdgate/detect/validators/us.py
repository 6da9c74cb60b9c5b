"""Numbers issued in the United States."""


def ssn(value: str) -> bool:
    """Whether it is built like a Social Security number (SSA: areas 000, 666 and 9xx are never issued; no check digit).

    Numbers that were once printed as examples (078-05-1120) count: administrators test with them.
    """
    return (
        value[:3] not in ("000", "666")
        and value[0] != "9"
        and value[3:5] != "00"
        and value[5:] != "0000"
        and len(set(value)) > 1
    )
