#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A door contact in a few lines of shell, with the clients of Mosquitto.
#
# It says what it is and how the door stands. It takes no commands: those are
# signed, and a shell cannot check a signature. Write devices that move a bolt
# after the pattern of driver/edge/lock.
#
#   till-3.key, till-3.crt   the device's key and certificate
#   house.crt                the house's authority for devices
#
# Usage: contact.sh HOST ADDRESS open|closed   (PORT=8883, MQTT=5 or 311)
set -eu
host=$1 address=$2 position=$3 port=${PORT:-8883}
say() {
	mosquitto_pub -h "$host" -p "$port" -V "${MQTT:-5}" -q 1 -i "$address/shell" \
		--cafile house.crt --cert "$address.crt" --key "$address.key" \
		-t "sashlock/1/store/$address/$1" -m "$2"
}
case $position in
open) kind=opening.opened ;;
closed) kind=opening.closed ;;
*) echo "say open or closed" >&2; exit 2 ;;
esac
say meta '{"maker":"Shell","model":"contact","capabilities":["position"]}'
# Boot and number: the seconds since 1970 grow with every message.
say event "{\"boot\":1,\"seq\":$(date +%s),\"kind\":\"$kind\"}"
say state "{\"position\":\"$position\"}"
