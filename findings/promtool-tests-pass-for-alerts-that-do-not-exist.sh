#!/usr/bin/env bash
# prometheus 2.53.3 (Debian 13): "promtool test rules" runs a test that an alert does not fire (exp_alerts: []) against whatever alert has the name, and
# against whatever series there are. A misspelt alertname, the name of an alert that was renamed or removed, a misspelt input series, and
# a rule file that does not exist all pass, with SUCCESS and exit status 0; only the missing file gives a warning. So the tests that
# guard against false alarms, half of the tests of most rule files, test nothing after the rule was renamed, and CI stays green. A test that
# expects an alert does fail then. A missing alertname is refused, which makes one believe that an unknown one is too. The documentation
# says of alertname: "The name of the alert to be tested." Give each test that expects nothing a twin on the same series that
# expects the alert, or compare the names of both files in CI.
#
# Seen, for a queue of 200 and an alert above 100:
#   does not fire, right name: FAILED, exit status 1
#   does not fire, misspelt alert: SUCCESS, exit status 0
#   does not fire, misspelt series: SUCCESS, exit status 0
#   does not fire, no such rule file: WARNING, SUCCESS, exit status 0
#   fires, right name: SUCCESS, exit status 0
#   fires, misspelt alert: FAILED, exit status 1
set -euo pipefail
# As root, with: apt install mmdebstrap
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
mmdebstrap --quiet --variant=minbase --include=prometheus trixie "$work/root"
cat >"$work/root/rules.yml" <<'RULES'
groups:
  - name: mail
    rules:
      - alert: QueueIsLong
        expr: queue_size > 100
        for: 5m
RULES
try() { # NAME FILE SERIES ALERT EXPECTED
  cat >"$work/root/test.yml" <<TEST
rule_files: [$2]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: $3, values: 200x20}
    alert_rule_test:
      - {eval_time: 10m, alertname: $4, exp_alerts: [$5]}
TEST
  local status=0
  chroot "$work/root" promtool test rules /test.yml >"$work/output" 2>&1 || status=$?
  echo "$1: $(grep -oE 'WARNING|SUCCESS|FAILED' "$work/output" | paste -sd, | sed 's/,/, /g'), exit status $status"
}
{
  try "does not fire, right name" rules.yml queue_size QueueIsLong ""
  try "does not fire, misspelt alert" rules.yml queue_size QueueIsLang ""
  try "does not fire, misspelt series" rules.yml queue_sise QueueIsLong ""
  try "does not fire, no such rule file" ruels.yml queue_size QueueIsLong ""
  try "fires, right name" rules.yml queue_size QueueIsLong "{}"
  try "fires, misspelt alert" rules.yml queue_size QueueIsLang "{}"
} | tee "$work/seen"
diff "$work/seen" - <<'SEEN'
does not fire, right name: FAILED, exit status 1
does not fire, misspelt alert: SUCCESS, exit status 0
does not fire, misspelt series: SUCCESS, exit status 0
does not fire, no such rule file: WARNING, SUCCESS, exit status 0
fires, right name: SUCCESS, exit status 0
fires, misspelt alert: FAILED, exit status 1
SEEN
