"""Times, durations and sizes in the reader's notation: "Wed 25 Nov, 15:36", "1 day 20 hours", "18 KB"."""

from datetime import datetime, timedelta, tzinfo

from holdgate.desk.language.catalogue import Catalogue, mark

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SIZES = (mark("{number} KB"), mark("{number} MB"), mark("{number} GB"))
NO_BREAK = "\N{NO-BREAK SPACE}"
SOON = timedelta(hours=4)
"""A shorter remaining time is shown as urgent, and with minutes."""


def moment(catalogue: Catalogue, value: datetime | None, zone: tzinfo, now: datetime) -> str:
    """Return a time as weekday, day, month and time, with the year if it is not that of `now`. "–" for none."""
    if value is None:
        return "–"
    local = value.astimezone(zone)
    form = mark("{weekday} {day} {month}, {time}")
    if local.year != now.astimezone(zone).year:
        form = mark("{weekday} {day} {month} {year}, {time}")
    return catalogue.text(form).format(
        weekday=catalogue.text(WEEKDAYS[local.weekday()]),
        day=local.day,
        month=catalogue.text(MONTHS[local.month - 1]),
        year=local.year,
        time=f"{local:%H:%M}",
    ) + _changed_offset(value, zone, now)


def near(catalogue: Catalogue, value: datetime | None, zone: tzinfo, now: datetime) -> str:
    """Return a time for a page, relative to its creation: "today, 21:36"."""
    if value is None:
        return "–"
    local, today = value.astimezone(zone), now.astimezone(zone).date()
    time = f"{local:%H:%M}"
    if local.date() == today:
        return catalogue.text("today, {time}").format(time=time) + _changed_offset(value, zone, now)
    if local.date() == today + timedelta(days=1):
        return catalogue.text("tomorrow, {time}").format(time=time) + _changed_offset(value, zone, now)
    return moment(catalogue, value, zone, now)


def remaining(catalogue: Catalogue, until: datetime, now: datetime) -> str:
    """Return the remaining time, rounded down: days and hours, hours, under `SOON` hours and minutes, or minutes."""
    left = max(until - now, timedelta())
    minutes = int(left.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    reported = []
    if days:
        reported.append(catalogue.count("{count} day", "{count} days", days).format(count=days))
    if hours:
        reported.append(catalogue.count("{count} hour", "{count} hours", hours).format(count=hours))
    if left < SOON and (minutes or not hours):
        reported.append(catalogue.count("{count} minute", "{count} minutes", minutes).format(count=minutes))
    return " ".join(reported)


def size(catalogue: Catalogue, number: int) -> str:
    """Return a number of bytes in powers of 1000, with two significant digits below 10."""
    if number < 1000:
        return catalogue.count("{count} byte", "{count} bytes", number).format(count=number)
    value = float(number)
    for form in _SIZES:
        value /= 1000
        if value < 999.5 or form == _SIZES[-1]:
            break
    digits = f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
    return catalogue.text(form).format(number=digits.replace(".", catalogue.text("decimal point .")[-1]))


def zone_of(value: datetime, zone: tzinfo) -> str:
    """Return the name of a zone as in the settings, with its offset from UTC at a time."""
    hours = _offset(value.astimezone(zone))
    name = str(getattr(zone, "key", "") or "")
    return hours if not name or name == "UTC" else f"{name}, {hours}"


def _offset(local: datetime) -> str:
    offset = local.strftime("%z")
    return f"UTC{offset[:3]}:{offset[3:]}" if offset not in ("+0000", "-0000") else "UTC"


def _changed_offset(value: datetime, zone: tzinfo, now: datetime) -> str:
    """Return the offset of a later time after the clocks change: the end of a mail or page states that of `now`."""
    local = value.astimezone(zone)
    is_same = local.utcoffset() == now.astimezone(zone).utcoffset()
    return f" {_offset(local)}" if value > now and not is_same else ""
