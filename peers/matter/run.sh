#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Starts the Matter peer: a virtual lock of matter.js, a contact and a motion
# sensor, and our own controller with them. Matter finds its devices by
# multicast, which does not work on the loopback interface alone, so they run
# in a network of their own. That needs root, or user namespaces.
#
#   MATTER_WS_PORT   port of the controller's interface (default 5580; 0: any free one)
#   MATTER_CTL_PORT  port of the physical world (default 3021; 0: any free one)
#   MATTER_DATA      a folder to keep fabric and lock in (default: a temporary one)
set -eu
cd "$(dirname "$0")"
../../sidecar/matter/run.sh install
ln -sfn ../../sidecar/matter/node_modules node_modules
exec node peer.mjs
