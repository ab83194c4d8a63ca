// SPDX-License-Identifier: Apache-2.0
//
// A simulated Zigbee radio for the real Zigbee2MQTT: loaded before it, this file
// replaces the maker of radio adapters and nothing else. Interviews, frames,
// converters and the MQTT side are those of Zigbee2MQTT. Six devices hang on the
// radio; a test plays the physical world over HTTP.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const herdsman = path.dirname(require.resolve("zigbee-herdsman"));
const { Adapter } = require(path.join(herdsman, "adapter/adapter.js"));
const Zcl = require(path.join(herdsman, "zspec/zcl"));
const Zdo = require(path.join(herdsman, "zspec/zdo"));

const COORDINATOR = "0x0c0000000000ffff";
const LOCK = "closuresDoorLock";
const [GLOBAL, SPECIFIC] = [0, 1]; // frame types
const [UNSURE, LOCKED, UNLOCKED] = [0, 1, 2]; // lockState
const [BY_KEYPAD, BY_RADIO, BY_HAND] = [0, 1, 2]; // sources of an operation
const [OP_LOCK, OP_UNLOCK, OP_WRONG_PIN, OP_AUTO, OP_MANUAL_LOCK, OP_MANUAL_UNLOCK] = [1, 2, 5, 10, 13, 14];
const NOBODY = 0xffff;
const BOLT_MS = 40; // how long a bolt takes

/** A device as it really is, whatever anybody is told of it. */
class Device {
	constructor(n, maker, code, model, { endpoint = 1, zone } = {}) {
		this.ieee = `0x0c${n.toString(16).padStart(14, "0")}`;
		this.network = 0x2000 + n;
		Object.assign(this, { code, endpoint, zone, counter: 0, stuck: false, mute: false, refuses: false, pins: new Map() });
		this.clusters = zone ? [0, 1, 3, 0x500] : [0, 1, 3, 9, 0x101];
		this.attributes = {
			genBasic: { zclVersion: 3, appVersion: 1, stackVersion: 2, hwVersion: 1, manufacturerName: maker, modelId: model, dateCode: "20250101", powerSource: 3, swBuildId: "7.1" },
			genPowerCfg: { batteryVoltage: 60, batteryPercentageRemaining: 174, batteryAlarmState: 0 },
			[LOCK]: { lockState: LOCKED, lockType: 0, actuatorEnabled: 1, doorState: 1, numOfPinUsersSupported: 30, maxPinLen: 8, minPinLen: 4, soundVolume: 1, autoRelockTime: 0 },
			ssIasZone: { zoneState: 1, zoneType: zone ?? 0, zoneStatus: 0, iasCieAddr: COORDINATOR, zoneId: 7 },
		};
	}
	get lock() {
		return this.attributes[LOCK];
	}
}

const devices = [
	new Device(1, "Kwikset", 0x109b, "SMARTCODE_DEADBOLT_10_W3", { endpoint: 2 }),
	new Device(2, "Danalock", 0x115c, "V3-BTZB"),
	new Device(3, "Yale", 0x101d, "YRD256 TSDB"),
	new Device(4, "Schlage", 0x1236, "BE468"),
	new Device(5, "eWeLink", 0x1286, "DS01", { zone: 0x15 }),
	new Device(6, "eWeLink", 0x1286, "MS01", { zone: 0x0d }),
];

class Radio extends Adapter {
	async start() {
		const fresh = !fs.existsSync(path.join(process.env.ZIGBEE2MQTT_DATA, "database.db"));
		world(this, fresh);
		return "resumed";
	}
	async stop() {}
	async reset() {}
	async permitJoin() {}
	async addInstallCode() {}
	async setChannelInterPAN() {}
	async restoreChannelInterPAN() {}
	async sendZclFrameInterPANToIeeeAddr() {}
	async sendZclFrameInterPANBroadcast() {
		throw new Error("no radio for that");
	}
	async sendZclFrameToGroup() {}
	async sendZclFrameToAll() {}
	async supportsBackup() {
		return false;
	}
	async backup() {
		throw new Error("nothing to back up");
	}
	async getCoordinatorIEEE() {
		return COORDINATOR;
	}
	async getCoordinatorVersion() {
		return { type: "simulated", meta: { revision: 1 } };
	}
	async getNetworkParameters() {
		return { panID: this.networkOptions.panID, extendedPanID: "0x536173686c6f636b", channel: this.networkOptions.channelList[0], nwkUpdateID: 0 };
	}
	waitFor() {
		return { promise: new Promise(() => {}), cancel() {} };
	}

	// What a device is: asked while it is interviewed.
	async sendZdo(ieee, network, cluster, _payload, noAnswer) {
		const device = devices.find((d) => d.network === network);
		if (network !== 0 && (!device || device.mute)) {
			if (noAnswer) return;
			throw new Error(`no route to ${network}`);
		}
		const body = describe(cluster, network, device);
		const answer = [Zdo.Status.SUCCESS, body];
		const answerCluster = Zdo.Utils.getResponseClusterId(cluster);
		if (answerCluster) setImmediate(() => this.emit("zdoResponse", answerCluster, answer));
		if (!noAnswer) return answer;
	}

	// What a device is asked and told.
	async sendZclFrameToEndpoint(ieee, network, _endpoint, frame, _timeout, noAnswer) {
		const device = devices.find((d) => d.network === network);
		if (!device || device.mute) throw new Error(`Delivery failed for '${ieee}' (no ACK)`);
		const said = this.answer(device, frame);
		if (!said) return;
		const heard = this.frame(device, said.type, frame.cluster.name, said.command, said.body, frame.header.transactionSequenceNumber);
		setImmediate(() => this.emit("zclPayload", heard));
		if (!noAnswer) return heard;
	}

	answer(device, frame) {
		const cluster = frame.cluster.name;
		const command = frame.command.name;
		const attributes = (device.attributes[cluster] ??= {});
		const named = (id) => Object.entries(frame.cluster.attributes).find(([, a]) => a.ID === id) ?? [];
		if (frame.header.frameControl.frameType === SPECIFIC) {
			if (cluster === LOCK) return { type: SPECIFIC, command: command + "Rsp", body: this.bolt(device, command, frame.payload) };
			return { type: GLOBAL, command: "defaultRsp", body: { cmdId: frame.command.ID, statusCode: 0 } };
		}
		switch (command) {
			case "read": {
				const body = frame.payload.map(({ attrId }) => {
					const [name, a] = named(attrId);
					const value = attributes[name];
					return value === undefined ? { attrId, status: 0x86 } : { attrId, status: 0, dataType: a.type, attrData: value };
				});
				return { type: GLOBAL, command: "readRsp", body };
			}
			case "write":
				for (const { attrId, attrData } of frame.payload) {
					const [name] = named(attrId);
					if (name) attributes[name] = attrData;
				}
				return { type: GLOBAL, command: "writeRsp", body: [{ status: 0 }] };
			case "configReport":
				return { type: GLOBAL, command: "configReportRsp", body: [{ status: 0 }] };
		}
	}

	// bolt carries out a command of the Door Lock cluster and returns the answer.
	bolt(device, command, p) {
		const pin = device.pins.get(p.userid);
		switch (command) {
			case "lockDoor":
			case "unlockDoor":
				if (device.stuck) {
					setTimeout(() => this.turn(device, UNSURE), BOLT_MS);
					return { status: 1 };
				}
				setTimeout(() => this.turn(device, command === "lockDoor" ? LOCKED : UNLOCKED, BY_RADIO), BOLT_MS);
				return { status: 0 };
			case "setPinCode":
				if (device.refuses) return { status: 1 };
				device.pins.set(p.userid, { status: p.userstatus, type: p.usertype, code: Buffer.from(p.pincodevalue) });
				return { status: 0 };
			case "getPinCode":
				return { userid: p.userid, userstatus: pin?.status ?? 0, usertype: pin?.type ?? 0, pincodevalue: pin?.code ?? Buffer.alloc(0) };
			case "clearPinCode":
				device.pins.delete(p.userid);
				return { status: 0 };
			case "getUserStatus":
				return { userid: p.userid, userstatus: pin?.status ?? 0 };
			default:
				return { status: 0 };
		}
	}

	// turn moves the bolt, and lets the lock say so if it says who moved it.
	turn(device, to, source, user = NOBODY, code = to === LOCKED ? OP_LOCK : OP_UNLOCK) {
		device.lock.lockState = to;
		this.report(device, LOCK, "lockState");
		if (source !== undefined) this.operated(device, source, code, user);
		clearTimeout(device.relock);
		if (to === UNLOCKED && device.lock.autoRelockTime > 0) {
			device.relock = setTimeout(() => this.turn(device, LOCKED, BY_HAND, NOBODY, OP_AUTO), device.lock.autoRelockTime * 1000);
		}
	}

	operated(device, source, code, user) {
		this.say(device, SPECIFIC, LOCK, "operationEventNotification", { opereventsrc: source, opereventcode: code, userid: user, pin: Buffer.alloc(0), zigbeelocaltime: 0, data: "" });
	}

	report(device, cluster, name) {
		const a = Zcl.Clusters[cluster].attributes[name];
		this.say(device, GLOBAL, cluster, "report", [{ attrId: a.ID, dataType: a.type, attrData: device.attributes[cluster][name] }]);
	}

	zone(device, status) {
		device.attributes.ssIasZone.zoneStatus = status;
		this.say(device, SPECIFIC, "ssIasZone", "statusChangeNotification", { zonestatus: status, extendedstatus: 0, zoneID: 7, delay: 0 });
	}

	say(device, type, cluster, command, body) {
		if (device.mute) return;
		device.counter = (device.counter + 1) % 256;
		this.emit("zclPayload", this.frame(device, type, cluster, command, body, device.counter));
	}

	frame(device, type, cluster, command, body, number) {
		const f = Zcl.Frame.create(type, 1, true, undefined, number, command, cluster, body, {});
		const data = f.toBuffer();
		return { clusterID: f.cluster.ID, address: device.network, header: Zcl.Header.fromBuffer(data), data, endpoint: device.endpoint, linkquality: 100, groupID: 0, wasBroadcast: false, destinationEndpoint: 1 };
	}
}

/** Returns the body of the answer to a question about what a device is. */
function describe(cluster, network, device) {
	const hub = network === 0;
	switch (cluster) {
		case Zdo.ClusterId.NODE_DESCRIPTOR_REQUEST:
			return {
				nwkAddress: network, logicalType: hub ? 0 : 2, fragmentationSupported: false, apsFlags: 0, frequencyBand: 8,
				capabilities: { alternatePANCoordinator: 0, deviceType: 0, powerSource: 0, rxOnWhenIdle: 0, reserved1: 0, reserved2: 0, securityCapability: 0, allocateAddress: 1 },
				manufacturerCode: device?.code ?? 0, maxBufSize: 80, maxIncTxSize: 160, maxOutTxSize: 160, deprecated1: 0, tlvs: [],
				serverMask: { primaryTrustCenter: 0, backupTrustCenter: 0, deprecated1: 0, deprecated2: 0, deprecated3: 0, deprecated4: 0, networkManager: 0, reserved1: 0, reserved2: 0, stackComplianceRevision: 22 },
			};
		case Zdo.ClusterId.ACTIVE_ENDPOINTS_REQUEST:
			return { nwkAddress: network, endpointList: [device?.endpoint ?? 1] };
		case Zdo.ClusterId.SIMPLE_DESCRIPTOR_REQUEST:
			return {
				nwkAddress: network, length: 20, endpoint: device?.endpoint ?? 1, profileId: 0x0104, deviceVersion: 1,
				deviceId: hub ? 5 : device.zone ? 0x402 : 0x0a, inClusterList: hub ? [0, 10] : device.clusters, outClusterList: hub ? [0x500] : [0x19],
			};
		case Zdo.ClusterId.LQI_TABLE_REQUEST:
			return { neighborTableEntries: 0, startIndex: 0, entryList: [] };
		case Zdo.ClusterId.ROUTING_TABLE_REQUEST:
			return { routingTableEntries: 0, startIndex: 0, entryList: [] };
	}
}

// What can be done to a device by hand: the path after the slash, and the query.
const acts = {
	"keypad-unlock": (r, d, q) => r.turn(d, UNLOCKED, BY_KEYPAD, number(q, "user", 1)),
	"keypad-lock": (r, d, q) => r.turn(d, LOCKED, BY_KEYPAD, number(q, "user", 1)),
	"manual-unlock": (r, d) => r.turn(d, UNLOCKED, BY_HAND, NOBODY, OP_MANUAL_UNLOCK),
	"manual-lock": (r, d) => r.turn(d, LOCKED, BY_HAND, NOBODY, OP_MANUAL_LOCK),
	"wrong-code": (r, d, q) => r.operated(d, BY_KEYPAD, OP_WRONG_PIN, number(q, "user", NOBODY)),
	"jam": (_, d) => void (d.stuck = true),
	"unjam": (_, d) => void (d.stuck = false),
	"mute": (_, d) => void (d.mute = true),
	"unmute": (_, d) => void (d.mute = false),
	"battery": (r, d, q) => {
		d.attributes.genPowerCfg.batteryPercentageRemaining = 2 * number(q, "level", 87);
		r.report(d, "genPowerCfg", "batteryPercentageRemaining");
	},
	"zone": (r, d, q) => r.zone(d, number(q, "status", 0)),
	"set-code": (_, d, q) => void d.pins.set(number(q, "user", 1), { status: 1, type: 0, code: Buffer.from(q.get("code") ?? "") }),
	"type-code": (r, d, q) => {
		for (const [user, pin] of d.pins) {
			if (pin.status === 1 && pin.code.toString() === q.get("code")) {
				r.turn(d, UNLOCKED, BY_KEYPAD, user);
				return { user };
			}
		}
		r.operated(d, BY_KEYPAD, OP_WRONG_PIN, NOBODY);
		return { user: 0 };
	},
	"refuse-codes": (_, d, q) => void (d.refuses = q.get("on") === "true"),
	"clear-code": (_, d, q) => void d.pins.delete(number(q, "user", 1)),
	"relock": (r, d, q) => {
		d.lock.autoRelockTime = number(q, "seconds", 0);
		r.report(d, LOCK, "autoRelockTime");
	},
	"leave": (r, d) => void r.emit("deviceLeave", { networkAddress: d.network, ieeeAddr: d.ieee }),
	"state": (_, d) => ({ bolt: ["unsure", "locked", "unlocked"][d.lock.lockState], codes: [...d.pins.keys()] }),
	"reset": (r, d) => {
		Object.assign(d, { stuck: false, mute: false, refuses: false });
		d.pins.clear();
		clearTimeout(d.relock);
		if (d.zone) r.zone(d, 0);
		else if (d.lock.lockState !== LOCKED) r.turn(d, LOCKED, BY_HAND, NOBODY, OP_MANUAL_LOCK);
	},
	"radio-down": (r) => void r.emit("disconnected"),
};

/** Starts the physical world, and says when everything is there. */
function world(radio, fresh) {
	const server = http.createServer((request, response) => {
		const url = new URL(request.url, "http://peer");
		const act = acts[url.pathname.slice(1)];
		const answer = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body) + "\n");
		try {
			const device = devices[number(url.searchParams, "device", 1) - 1];
			if (!act || !device) return answer(404, { acts: Object.keys(acts), devices: devices.map((d) => d.ieee) });
			answer(200, act(radio, device, url.searchParams) ?? { ok: true });
		} catch (error) {
			answer(error instanceof RangeError ? 400 : 500, { error: error.message });
		}
	});
	let missing = fresh ? devices.length : 0;
	const print = process.stdout.write.bind(process.stdout);
	const ready = () => server.listen(Number(process.env.ZIGBEE_CTL_PORT ?? 3011), "127.0.0.1", () => print(`ready control=http://127.0.0.1:${server.address().port}\n`));
	// Zigbee2MQTT tells only its log that it has started and knows a device.
	process.stdout.write = (text, ...rest) => {
		if (String(text).includes("Zigbee2MQTT started!")) {
			if (fresh) devices.forEach((d) => radio.emit("deviceJoined", { networkAddress: d.network, ieeeAddr: d.ieee }));
			else ready();
		}
		if (String(text).includes("Successfully configured") && missing > 0 && --missing === 0) ready();
		if (process.env.ZIGBEE_LOG) return print(text, ...rest);
		const done = rest.at(-1);
		if (typeof done === "function") done();
		return true;
	};
}

/** Reads a whole number from the query. */
function number(query, name, fallback) {
	const value = query.has(name) ? Number(query.get(name)) : fallback;
	if (!Number.isInteger(value) || value < 0 || value > 0xffff) throw new RangeError(`${name} must be 0 to 65535`);
	return value;
}

Adapter.create = async (...how) => new Radio(...how);

process.once("exit", () => {
	const scratch = process.env.ZIGBEE_SCRATCH;
	if (scratch) fs.rmSync(scratch, { recursive: true, force: true });
});
