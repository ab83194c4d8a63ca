#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts the Seam peer: the fake of its cloud that Seam itself publishes. It
# needs Node 20 or newer and, the first time, a package registry npm can reach.
#
#   SEAM_PORT            port of the cloud (default 8090; 0: any free one)
#   SEAM_CTL_PORT        port of the physical world (default 8091; 0: any free one)
#   SEAM_WEBHOOK         where webhooks go, like http://127.0.0.1:8099/webhook
#   SEAM_WEBHOOK_SECRET  what they are signed with (default: one for tests)
#
# The key of its workspace is seam_apikey1_token.
set -eu
cd "$(dirname "$0")"

if ! command -v node >/dev/null 2>&1; then
	echo "the Seam peer needs Node 20 or newer: node was not found" >&2
	exit 69
fi

# The stamp is written only after a whole install, so one that was interrupted
# is done again.
stamp=node_modules/.installed
if [ ! -e "$stamp" ] || [ -n "$(find package-lock.json -newer "$stamp")" ]; then
	npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2
	: >"$stamp"
fi

exec node peer.mjs
