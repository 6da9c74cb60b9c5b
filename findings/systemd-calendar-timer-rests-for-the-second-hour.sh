#!/usr/bin/env bash
# systemd 252 (Debian 12): OnCalendar= counts in local time, and the hour that comes twice when summer time ends is counted
# once. Not only daily timers are concerned: one that runs each minute, or each ten minutes, rests for the whole second
# hour. A check, a canary message or a queue run is silent for an hour, once a year, at night. A daily timer in the hour
# that is missing in spring does not run at all that day, where cron(8) runs it at once. A calendar in UTC ("*:0/10 UTC"), or
# OnUnitActiveSec=, runs all the time. systemd.time(7) does not say so (systemd issues 8647, for the second hour, and 5595,
# for the missing one; both open).
#
# Seen:
#   each ten minutes, Europe/Zurich: 00:40 00:50 02:00 02:10
#   each ten minutes, UTC: 00:40 00:50 01:00 01:10
#   each day at 02:30, Europe/Zurich: 2026-03-28 2026-03-30
set -euo pipefail
dpkg -s systemd tzdata >/dev/null # apt install systemd tzdata
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
elapses() { # CALENDAR FROM COUNT: prints COUNT times in UTC
  TZ=UTC systemd-analyze calendar --base-time="$2" --iterations="$3" "$1" | sed -nE 's/^ *(Next elapse|Iter[^:]*): ... //p'
}
{
  for zone in Europe/Zurich UTC; do
    echo "each ten minutes, $zone:" "$(elapses "*:0/10 $zone" "2026-10-25 00:35 UTC" 4 | grep -oE '[0-9]{2}:[0-9]{2}' | xargs)"
  done
  echo "each day at 02:30, Europe/Zurich:" "$(elapses "02:30 Europe/Zurich" "2026-03-27 12:00 UTC" 2 | cut -d" " -f1 | xargs)"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
each ten minutes, Europe/Zurich: 00:40 00:50 02:00 02:10
each ten minutes, UTC: 00:40 00:50 01:00 01:10
each day at 02:30, Europe/Zurich: 2026-03-28 2026-03-30
SEEN
