#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts the Matter controller. It needs Node 20 or newer and, the first time
# and after an update, a package registry. server.mjs names the settings.
set -eu
cd "$(dirname "$0")"

if ! command -v node >/dev/null 2>&1; then
	echo "the Matter controller needs Node 20 or newer: node was not found" >&2
	exit 69
fi

stamp=node_modules/.installed
if [ ! -e "$stamp" ] || [ -n "$(find package-lock.json -newer "$stamp")" ]; then
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
	: >"$stamp"
fi

[ "${1:-}" = install ] && exit 0
exec node server.mjs
