#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command in a network of its own, with two interfaces joined by a cable
# and a route for multicast: network.sh COMMAND...
# Exit code 77: this machine does not allow it.
set -eu
become=""
[ "$(id -u)" = 0 ] || become="--user --map-root-user"
# shellcheck disable=SC2086
unshare $become --net true 2>/dev/null || exit 77
# shellcheck disable=SC2086
exec unshare $become --net sh -c '
	# Nobody else can have our addresses, so there is no need to ask around first.
	echo 0 2>/dev/null >/proc/sys/net/ipv6/conf/default/accept_dad || true
	ip link set lo up && ip link add v0 type veth peer name v1 &&
		ip link set v0 up && ip link set v1 up &&
		ip addr add 10.99.0.1/24 dev v0 && ip route add 224.0.0.0/4 dev v0 || exit 77
	tries=0
	while ip -6 addr show tentative | grep -q fe80 && [ $tries -lt 50 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	exec "$@"' sh "$@"
