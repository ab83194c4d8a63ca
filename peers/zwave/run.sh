#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts the Z-Wave JS peer, or with "install" only puts it in place. It needs
# Node 20 or newer and, the first time and after package.json changed, a package
# registry npm can reach.
set -eu
cd "$(dirname "$0")"

if ! command -v node >/dev/null 2>&1; then
	echo "the Z-Wave peer needs Node 20 or newer: node was not found" >&2
	exit 69
fi

# The stamp is written only after a whole install, so one that was interrupted
# is done again.
stamp=node_modules/.installed
if [ ! -e "$stamp" ] || [ -n "$(find package.json -newer "$stamp")" ]; then
	npm install --no-audit --no-fund --ignore-scripts --no-package-lock --loglevel=error >&2
	: >"$stamp"
fi

[ "${1:-}" != install ] || exit 0
exec node peer.mjs
