#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts the MQTT peer: Mosquitto, on this machine only, for anybody. It needs
# the Debian packages mosquitto and mosquitto-clients.
#
#   MQTT_PORT  its port (default 1883)
#   MQTT_DATA  a folder in which it keeps what is retained (default: nowhere)
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin
port=${MQTT_PORT:-1883}
for program in mosquitto mosquitto_pub; do
	if ! command -v "$program" >/dev/null 2>&1; then
		echo "the MQTT peer needs Mosquitto and its clients: $program was not found" >&2
		exit 69
	fi
done
conf=$(mktemp "${TMPDIR:-/tmp}/sashlock-mqtt-XXXXXX")
trap 'rm -f "$conf"' EXIT
trap 'kill "$broker" 2>/dev/null' INT TERM
printf 'listener %s 127.0.0.1\nallow_anonymous true\nlog_type error\n' "$port" >"$conf"
if [ -n "${MQTT_DATA:-}" ]; then
	# As root it would become a user who may not write there.
	printf 'persistence true\npersistence_location %s/\nuser %s\n' "$MQTT_DATA" "$(id -un)" >>"$conf"
fi
mosquitto -c "$conf" &
broker=$!
# Ready is what answers, a message of nothing getting through, and is ours: one
# that finds its port taken ends at once.
answers() { mosquitto_pub -h 127.0.0.1 -p "$port" -t ready -n 2>/dev/null; }
ours() { kill -0 "$broker" 2>/dev/null; }
while ours && ! answers; do sleep 0.05; done
sleep 0.05
if ! ours; then
	echo "Mosquitto ended: is something else on port $port?" >&2
	exit 69
fi
echo "ready mqtt=tcp://127.0.0.1:$port"
wait "$broker" || true
wait "$broker" || true # once more: a signal ends the first wait
