// SPDX-License-Identifier: Apache-2.0
//
// The Matter fabric: the controller, and what is known of its nodes.
//
// The rules are:
//   1. What is told of a node is what the node itself reported or answered.
//      An order that was carried out changes nothing here.
//   2. A node is available while its subscription stands. Before it is said to
//      be available it was read whole.
//   3. Orders and questions end when their time is over; nothing is kept for a
//      node that is away.

import { EventEmitter } from "node:events";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Environment, Millis, Seconds, ServerNode } from "@matter/main";
import { NetworkClient } from "@matter/main/node";
import { Invoke, Read, Subscribe } from "@matter/main/protocol";
import { ClusterType, EndpointNumber, ManualPairingCodeCodec, NodeId, QrPairingCodeCodec, Status, StatusResponseError } from "@matter/main/types";
import { attributeToWire, clusterOf, fromWire, pathOf, toWire, write } from "./values.mjs";

// Codes of failures, as every client of the interface knows them.
export const code = { unknown: 0, commission: 1, interview: 2, notReady: 3, notThere: 5, stack: 7, arguments: 8, command: 9 };

export class Refusal extends Error {
	constructor(code, details) {
		super(details);
		this.code = code;
	}
}

const keptEvents = 100;
const EPOCH = 1, SYSTEM = 0, OURS = 2; // kinds of time stamps

// Fabric emits "event" with what clients that listen are told.
export class Fabric extends EventEmitter {
	#controller;
	#nodes = new Map();
	#kept;
	#save;
	#interval;
	#last = 0; // the highest number a node was given
	#told = []; // the last events of all nodes, for clients that come late

	// open starts the controller. interval is how many seconds a node may stay
	// silent; 0 leaves it to matter.js, which asks for less of batteries.
	async open({ folder, port, network, interval }) {
		const vars = Environment.default.vars;
		vars.set("storage.path", folder);
		vars.set("runtime.signals", false);
		if (network) vars.set("mdns.networkInterface", network);
		this.#interval = interval;
		this.#kept = join(folder, "nodes.json");
		this.#controller = await ServerNode.create({
			id: "controller", network: { port },
			controller: { adminFabricLabel: "Sashlock" },
			commissioning: { enabled: false },
		});
		await this.#controller.start();
		const kept = this.#read();
		for (const peer of this.#controller.peers) {
			if (peer.peerAddress !== undefined) this.#follow(peer, kept.nodes[Number(peer.peerAddress.nodeId)] ?? {});
		}
		this.#last = Math.max(kept.last, 0, ...this.#nodes.keys());
	}

	async close() {
		clearTimeout(this.#save);
		this.#write();
		for (const node of this.#nodes.values()) node.subscription?.close();
		await this.#controller.close();
	}

	nodes() {
		return [...this.#nodes.values()].sort((a, b) => a.id - b.id).map(describe);
	}

	node(id) {
		return describe(this.#find(id));
	}

	events() {
		return this.#told;
	}

	// commission takes a device into the fabric by its pairing code.
	async commission(pairingCode, timeout = Seconds(60)) {
		let found;
		try {
			if (pairingCode.startsWith("MT:")) {
				const [{ passcode, discriminator }] = QrPairingCodeCodec.decode(pairingCode);
				found = { passcode, discriminator };
			} else {
				ManualPairingCodeCodec.decode(pairingCode); // refuses a wrong check digit before anything is searched
				found = { pairingCode };
			}
		} catch {
			throw new Refusal(code.arguments, "this is not a pairing code");
		}
		const id = ++this.#last; // never one that somebody else had: it is the address of a lock
		this.#write();
		let peer;
		try {
			peer = await this.#controller.peers.commission({ ...found, nodeId: NodeId(id), autoSubscribe: false, timeout });
		} catch (failure) {
			throw new Refusal(code.commission, `the device could not be added: ${failure.message}`);
		}
		const node = this.#follow(peer, undefined);
		await node.ready;
		return describe(node);
	}

	async remove(id) {
		const node = this.#find(id);
		node.subscription?.close();
		try {
			await node.peer.decommission();
		} catch {
			await node.peer.delete(); // it is away: it has to be reset by hand
		}
		this.#nodes.delete(id);
		this.#keep();
		this.emit("event", "node_removed", id);
	}

	// interview reads a node anew, whole.
	async interview(id) {
		const node = this.#find(id);
		await this.#readWhole(node);
		this.emit("event", "node_updated", describe(node));
	}

	// read asks a node for attributes: "1/257/0"; * stands for any part.
	async read(id, paths, milliseconds) {
		const node = this.#reach(id);
		const attributes = paths.map((path) => {
			const [endpointId, clusterId, attributeId] = path.split("/").map((part) => (part === "*" ? undefined : Number(part)));
			return { endpointId, clusterId, attributeId };
		});
		const request = { ...Read({ fabricFilter: true, attributes }), includeKnownVersions: true };
		const told = {};
		for await (const chunk of node.peer.interaction.read(request, within(milliseconds))) {
			for await (const entry of chunk) {
				if (entry.kind !== "attr-value") continue;
				told[pathOf(entry.path)] = this.#take(node, entry);
			}
		}
		return told;
	}

	async write(id, path, value, milliseconds) {
		const node = this.#reach(id);
		const [endpointId, clusterId, attributeId] = path.split("/").map(Number);
		const model = clusterOf(clusterId)?.attributes(attributeId);
		if (model === undefined) throw new Refusal(code.arguments, `the attribute ${path} is unknown`);
		let status = Status.Success;
		try {
			const endpoint = node.peer.endpoints.for(EndpointNumber(endpointId));
			await ending(endpoint.setStateOf(clusterOf(clusterId).propertyName, { [model.propertyName]: fromWire(value, model, clusterOf(clusterId)) }), milliseconds);
		} catch (failure) {
			const said = failure instanceof StatusResponseError ? failure : failure.errors?.find((e) => e instanceof StatusResponseError);
			if (said === undefined) throw failure;
			status = said.code;
		}
		return [{ Path: { EndpointId: endpointId, ClusterId: clusterId, AttributeId: attributeId }, Status: status }];
	}

	// invoke has a node carry out a command. When its time is over it is not
	// sent any more, nor sent again.
	async invoke({ id, endpoint, cluster: clusterId, name, payload, timed, milliseconds }) {
		const node = this.#reach(id);
		const cluster = clusterOf(clusterId);
		const model = cluster?.commands.find((c) => c.name.toLowerCase() === name.toLowerCase());
		if (model === undefined) throw new Refusal(code.arguments, `the command ${name} of cluster ${clusterId} is unknown`);
		const fields = payload && Object.keys(payload).length > 0 ? fromWire(payload, model, cluster) : undefined;
		const request = Invoke({
			commands: [{ endpoint: EndpointNumber(endpoint), cluster: ClusterType(cluster), command: model.propertyName, fields }],
			timeout: timed === undefined ? undefined : Millis(timed),
		});
		request.batchDuration = false; // one command, at once
		for await (const chunk of node.peer.interaction.invoke(request, within(milliseconds))) {
			for (const entry of chunk) {
				if (entry.kind === "cmd-response") return toWire(entry.data, model.responseModel, cluster);
				if (entry.status !== Status.Success) throw StatusResponseError.create(entry.status, undefined, entry.clusterStatus);
			}
		}
		return null;
	}

	#find(id) {
		const node = this.#nodes.get(id);
		if (node === undefined) throw new Refusal(code.notThere, `there is no node ${id}`);
		return node;
	}

	#reach(id) {
		const node = this.#find(id);
		if (!node.available) throw new Refusal(code.notReady, `node ${id} cannot be reached`);
		return node;
	}

	// follow subscribes to all that a node says, again whenever that is lost.
	#follow(peer, kept) {
		const node = {
			id: Number(peer.peerAddress.nodeId), peer, available: false, whole: false,
			attributes: new Map(Object.entries(kept?.attributes ?? {})),
			since: kept?.date_commissioned ?? stamp(), read: kept?.last_interview ?? stamp(),
		};
		this.#nodes.set(node.id, node);
		node.ready = this.#subscribe(node, kept === undefined).catch((failure) => process.stderr.write(`node ${node.id}: ${failure.message}\n`));
		return node;
	}

	async #subscribe(node, isNew) {
		if (isNew) {
			await this.#readWhole(node);
			node.available = true;
			this.emit("event", "node_added", describe(node));
		}
		const last = node.peer.stateOf(NetworkClient).maxEventNumber;
		const bounds = this.#interval > 0 ? { minIntervalFloor: Seconds(0), maxIntervalCeiling: Seconds(this.#interval) } : {};
		node.subscription = await node.peer.interaction.subscribe({
			...Subscribe({ fabricFilter: true, keepSubscriptions: false, attributes: [{}], events: [{ isUrgent: true }], ...bounds }),
			sustain: true,
			eventFilters: [{ eventMin: last + 1n }],
			updated: async (result) => {
				for await (const chunk of result) for await (const entry of chunk) this.#take(node, entry);
			},
		});
		node.subscription.active.on((active) => this.#stands(node, active));
		if (node.subscription.active.value) await this.#stands(node, true);
	}

	// stands takes over that a subscription stands, or stands no more.
	async #stands(node, active) {
		if (active && !node.whole) {
			try {
				await this.#readWhole(node);
			} catch {
				return; // the subscription will break too
			}
		}
		if (node.available === active || !this.#nodes.has(node.id)) return;
		node.available = active;
		this.emit("event", "node_updated", describe(node));
	}

	async #readWhole(node) {
		const request = { ...Read({ fabricFilter: true, attributes: [{}] }), includeKnownVersions: true };
		const attributes = new Map();
		for await (const chunk of node.peer.interaction.read(request, within(60_000))) {
			for await (const entry of chunk) {
				if (entry.kind === "attr-value") attributes.set(pathOf(entry.path), attributeToWire(entry.path, entry.value));
			}
		}
		node.attributes = attributes;
		node.whole = true;
		node.read = stamp();
		this.#keep();
	}

	// take tells of one thing a node said, and returns its value.
	#take(node, entry) {
		if (entry.kind === "attr-value") {
			const path = pathOf(entry.path);
			const value = attributeToWire(entry.path, entry.value);
			const same = write({ v: node.attributes.get(path) }) === write({ v: value });
			node.attributes.set(path, value);
			if (same) return value;
			this.#keep();
			this.emit("event", "attribute_updated", [node.id, path, value]);
			return value;
		}
		if (entry.kind !== "event-value") return;
		const event = eventOf(node.id, entry);
		this.#told = [...this.#told.slice(1 - keptEvents), event];
		this.emit("event", "node_event", event);
	}

	#read() {
		try {
			return JSON.parse(readFileSync(this.#kept, "utf8"));
		} catch {
			return { last: 0, nodes: {} }; // everything is read anew when the nodes are there
		}
	}

	#keep() {
		clearTimeout(this.#save);
		this.#save = setTimeout(() => this.#write(), 1000);
	}

	#write() {
		const nodes = Object.fromEntries(this.nodes().map((node) => [node.node_id, node]));
		writeFileSync(`${this.#kept}.new`, write({ last: this.#last, nodes }), { mode: 0o600 });
		renameSync(`${this.#kept}.new`, this.#kept);
	}
}

function eventOf(id, { path, number, priority, epochTimestamp, systemTimestamp, value }) {
	const model = clusterOf(path.clusterId)?.events(path.eventId);
	const [timestamp, kind] = epochTimestamp !== undefined ? [epochTimestamp, EPOCH] : systemTimestamp !== undefined ? [systemTimestamp, SYSTEM] : [Date.now(), OURS];
	return {
		node_id: id, endpoint_id: path.endpointId, cluster_id: path.clusterId, event_id: path.eventId, event_number: number,
		priority, timestamp, timestamp_type: kind, data: toWire(value, model, clusterOf(path.clusterId)),
	};
}

function describe(node) {
	const attributes = Object.fromEntries(node.attributes);
	const kinds = attributes["1/29/0"] ?? [];
	return {
		node_id: node.id, date_commissioned: node.since, last_interview: node.read, interview_version: 6,
		available: node.available, is_bridge: kinds.some((k) => k["0"] === 14), attributes, attribute_subscriptions: [],
	};
}

const stamp = () => new Date().toISOString().replace("Z", "000");

const within = (milliseconds) => ({ abort: AbortSignal.timeout(milliseconds) });

// ending waits for a promise no longer than it may take.
function ending(promise, milliseconds) {
	let timer;
	const end = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error("it took too long")), milliseconds);
	});
	return Promise.race([promise, end]).finally(() => clearTimeout(timer));
}
