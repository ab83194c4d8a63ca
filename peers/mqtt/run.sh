#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts the MQTT peer: Mosquitto, on this machine only, for anybody. It needs
# the Debian package mosquitto.
#
#   MQTT_PORT  its port (default 1883)
#   MQTT_DATA  a folder in which it keeps what is retained (default: nowhere)
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin
if ! command -v mosquitto >/dev/null 2>&1; then
	echo "the MQTT peer needs Mosquitto: mosquitto was not found" >&2
	exit 69
fi
conf=$(mktemp "${TMPDIR:-/tmp}/sashlock-mqtt-XXXXXX")
trap 'rm -f "$conf"' EXIT
trap 'kill "$broker" 2>/dev/null' INT TERM
printf 'listener %s 127.0.0.1\nallow_anonymous true\nlog_type error\n' "${MQTT_PORT:-1883}" >"$conf"
if [ -n "${MQTT_DATA:-}" ]; then
	# As root it would become a user who may not write there.
	printf 'persistence true\npersistence_location %s/\nuser %s\n' "$MQTT_DATA" "$(id -un)" >>"$conf"
fi
mosquitto -c "$conf" &
broker=$!
echo "ready mqtt=tcp://127.0.0.1:${MQTT_PORT:-1883}"
wait "$broker" || true
wait "$broker" || true # once more: a signal ends the first wait
