// SPDX-License-Identifier: Apache-2.0
//
// The Z-Wave peer: the real Z-Wave JS driver and the real Z-Wave JS server, on
// the simulated radio that the makers of Z-Wave JS test with. Three simulated
// locks hang on that radio. The product talks to the server over WebSocket, as
// it would in a store; a test plays the physical world (a hand on the
// thumb-turn, a finger on the keypad, a stuck bolt) over HTTP.
//
//   ZWAVE_WS_PORT   port of the server           (default 3000; 0: any free one)
//   ZWAVE_CTL_PORT  port of the physical world   (default 3001; 0: any free one)
//   ZWAVE_FRAME_MS  how long a message of a lock is on the air (default 40)
//   ZWAVE_ATTEMPTS  how often the radio tries to reach a node (default 3)
//   ZWAVE_LOG       log level of the driver, on standard output (default: quiet)
//
// Both listen on 127.0.0.1 only. When all locks have been interviewed one line
// on standard output says so:
//
//   ready ws=ws://127.0.0.1:PORT control=http://127.0.0.1:PORT

import fs from "node:fs";
import http from "node:http";
import net from "node:net";
import os from "node:os";
import path from "node:path";

import { ZwavejsServer } from "@zwave-js/server";
import { MockController, MockNode } from "@zwave-js/testing";
import {
	createAndStartDriverWithMockPort,
	createDefaultMockControllerBehaviors,
	createDefaultMockNodeBehaviors,
} from "zwave-js/Testing";

import { Lock, models } from "./lock.mjs";

const controlPort = Number(process.env.ZWAVE_CTL_PORT ?? 3001);
const serverPort = await freePort(Number(process.env.ZWAVE_WS_PORT ?? 3000));
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "sashlock-zwave-"));

// Network keys of the simulated radio. They protect nothing.
const key = (byte) => Buffer.alloc(16, byte);
const securityKeys = {
	S0_Legacy: key(0x10),
	S2_Unauthenticated: key(0x20),
	S2_Authenticated: key(0x30),
	S2_AccessControl: key(0x40),
};

const { driver, mockPort, serial, continueStartup } = await createAndStartDriverWithMockPort({
	logConfig: {
		enabled: Boolean(process.env.ZWAVE_LOG),
		level: process.env.ZWAVE_LOG ?? "info",
		forceConsole: true,
	},
	storage: { cacheDir: scratch, lockDir: path.join(scratch, "locks") },
	securityKeys,
	attempts: { sendData: Number(process.env.ZWAVE_ATTEMPTS ?? 3) },
	// As the Z-Wave JS user interface and Home Assistant run it.
	emitValueUpdateAfterSetValue: true,
	testingHooks: { skipFirmwareIdentification: true },
});

const controller = await MockController.create({
	homeId: 0x5a5a0001,
	ownNodeId: 1,
	mockPort,
	serial,
	securityKeys,
});
controller.defineBehavior(...createDefaultMockControllerBehaviors());

/** The locks by their node id. @type {Map<number, Lock>} */
const locks = new Map();
for (const model of models) {
	const node = await MockNode.create({ id: model.node, controller, capabilities: model.capabilities });
	controller.addNode(node);
	node.defineBehavior(...createDefaultMockNodeBehaviors());
	const lock = new Lock(model, node, controller);
	node.defineBehavior(lock.behaviour());
	locks.set(model.node, lock);
}

let server; // the Z-Wave JS server, undefined while it is down

async function serverUp() {
	if (server) return;
	server = new ZwavejsServer(driver, {
		port: serverPort,
		host: "127.0.0.1",
		enableDNSServiceDiscovery: false,
		logger: { debug() {}, info() {}, warn() {}, error() {} },
	});
	await server.start();
}

/** Takes the server away as a crash would: nobody is told. */
async function serverDown() {
	const old = server;
	if (!old) return;
	server = undefined;
	const cut = () => {
		for (const client of old.wsServer?.clients ?? []) client.terminate();
		old.server?.closeAllConnections();
	};
	cut();
	const again = setInterval(cut, 20); // clients may come back meanwhile
	await old.destroy();
	clearInterval(again);
}

// What can be done to a lock by hand: the path after the slash, and the query.
const acts = {
	"keypad-unlock": (lock, q) => lock.byKeypad(false, number(q, "user", 1)),
	"keypad-lock": (lock, q) => lock.byKeypad(true, number(q, "user", 1)),
	"manual-unlock": (lock) => lock.byHand(false),
	"manual-lock": (lock) => lock.byHand(true),
	"auto-lock": (lock) => lock.bySelf(),
	"door-open": (lock) => lock.door(true),
	"door-closed": (lock) => lock.door(false),
	"wrong-code": (lock) => lock.wrongCode(),
	"tamper": (lock) => lock.cover(true),
	"tamper-clear": (lock) => lock.cover(false),
	"jam": (lock) => lock.jam(true),
	"unjam": (lock) => lock.jam(false),
	"dead": (lock) => onAir(lock, false),
	"alive": (lock) => onAir(lock, true),
	"battery": (lock, q) => lock.battery(number(q, "level", 87)),
	"set-code": (lock, q) => lock.setCode(number(q, "user", 1), q.get("code") ?? ""),
	"clear-code": (lock, q) => lock.setCode(number(q, "user", 1), ""),
	"type-code": (lock, q) => lock.typeCode(q.get("code") ?? ""),
	"refuse-codes": (lock, q) => lock.refuseCodes(q.get("on") === "true"),
	"reset": (lock) => onAir(lock, true).then(() => lock.reset()),
	"state": (lock) => lock.state(),
};

/**
 * Takes a lock off the air or puts it back. Z-Wave JS notices only when it next
 * has something to say to the lock, so it is made to say something.
 */
async function onAir(lock, on) {
	lock.radio(on);
	await driver.controller.nodes.getOrThrow(lock.node).ping();
}

const control = http.createServer(async (request, response) => {
	const url = new URL(request.url, "http://peer");
	const name = url.pathname.slice(1);
	const answer = (status, body) => {
		response.writeHead(status, { "content-type": "application/json" });
		response.end(JSON.stringify(body) + "\n");
	};
	try {
		if (name === "server-down") return answer(200, (await serverDown()) ?? { ok: true });
		if (name === "server-up") return answer(200, (await serverUp()) ?? { ok: true });
		const lock = locks.get(number(url.searchParams, "node", 2));
		if (!Object.hasOwn(acts, name)) return answer(404, { error: "no such act", acts: Object.keys(acts) });
		if (!lock) return answer(404, { error: "no such node", nodes: [...locks.keys()] });
		answer(200, (await acts[name](lock, url.searchParams)) ?? { ok: true });
	} catch (error) {
		answer(error instanceof RangeError ? 400 : 500, { error: error.message });
	}
});

driver.on("error", (error) => console.error("driver:", error.message));
driver.once("all nodes ready", async () => {
	await serverUp();
	await new Promise((listening) => control.listen(controlPort, "127.0.0.1", listening));
	console.log(`ready ws=ws://127.0.0.1:${serverPort} control=http://127.0.0.1:${control.address().port}`);
});
continueStartup();

for (const signal of ["SIGTERM", "SIGINT"]) process.once(signal, stop);

async function stop() {
	// Whatever hangs, the process is gone and its folder removed in two seconds.
	setTimeout(leave, 2000).unref();
	control.closeAllConnections();
	control.close();
	await serverDown().catch(() => {});
	await driver.destroy().catch(() => {});
	leave();
}

function leave() {
	fs.rmSync(scratch, { recursive: true, force: true });
	process.exit(0);
}

/** Returns the port itself or, for 0, one that is free now. */
async function freePort(port) {
	if (port !== 0) return port;
	const probe = net.createServer();
	await new Promise((listening) => probe.listen(0, "127.0.0.1", listening));
	const free = probe.address().port;
	await new Promise((closed) => probe.close(closed));
	return free;
}

/** Reads a whole number from the query. */
function number(query, name, fallback) {
	const value = query.has(name) ? Number(query.get(name)) : fallback;
	if (!Number.isInteger(value) || value < 0 || value > 255) throw new RangeError(`${name} must be 0 to 255`);
	return value;
}
