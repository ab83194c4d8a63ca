// SPDX-License-Identifier: Apache-2.0
//
// A Matter controller for Sashlock. It serves that part of the interface of
// the open Matter server which a store needs, on top of matter.js.
//
//   MATTER_LISTEN     where it listens: "127.0.0.1:5580", or the path of a socket (default 127.0.0.1:5580)
//   MATTER_DATA       folder for the keys of the fabric (default ./matter-data)
//   MATTER_INTERFACE  network interface of the devices (default: all)
//   MATTER_PORT       UDP port of the controller (default 5550)
//   MATTER_INTERVAL   most seconds of silence of a node; 0: as matter.js sees fit (default 0)
//   MATTER_LOG        warn or notice (default warn): what lies below shows PINs

import { chmodSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { LogFormat, LogLevel, Logger } from "@matter/main";
import { WebSocketServer } from "ws";
import { code, Fabric, Refusal } from "./fabric.mjs";
import { write } from "./values.mjs";

const version = "1";
const schema = 11;
const patience = 15_000; // milliseconds, where the caller gives none
const maxMessage = 1 << 20;

Logger.level = process.env.MATTER_LOG === "notice" ? LogLevel.NOTICE : LogLevel.WARN;
Logger.format = LogFormat.PLAIN;
Logger.destinations.default.write = (text) => process.stderr.write(`${text}\n`);

const folder = process.env.MATTER_DATA ?? "matter-data";
const listen = process.env.MATTER_LISTEN ?? "127.0.0.1:5580";
mkdirSync(folder, { recursive: true, mode: 0o700 });
chmodSync(folder, 0o700);

const fabric = new Fabric();
await fabric.open({
	folder, network: process.env.MATTER_INTERFACE,
	port: Number(process.env.MATTER_PORT ?? 5550), interval: Number(process.env.MATTER_INTERVAL ?? 0),
});

const info = {
	fabric_id: 1, compressed_fabric_id: 1, schema_version: schema, min_supported_schema_version: schema,
	sdk_version: `sashlock-sidecar/${version}`,
	wifi_credentials_set: false, thread_credentials_set: false, bluetooth_enabled: false,
};

const timeOf = (args) => (args.interaction_timeout_ms > 0 ? args.interaction_timeout_ms : patience);
const commands = {
	server_info: () => info,
	get_nodes: (args) => fabric.nodes().filter((node) => node.available || !args.only_available),
	diagnostics: () => ({ info, nodes: fabric.nodes(), events: fabric.events() }),
	get_node: (args) => fabric.node(args.node_id),
	commission_with_code: (args) => fabric.commission(String(args.code)),
	interview_node: async (args) => (await fabric.interview(args.node_id), null),
	remove_node: async (args) => (await fabric.remove(args.node_id), null),
	read_attribute: (args) => fabric.read(args.node_id, [args.attribute_path].flat(), timeOf(args)),
	write_attribute: (args) => fabric.write(args.node_id, args.attribute_path, args.value, timeOf(args)),
	device_command: (args) =>
		fabric.invoke({
			id: args.node_id, endpoint: args.endpoint_id, cluster: args.cluster_id, name: args.command_name,
			payload: args.payload, timed: args.timed_request_timeout_ms ?? undefined, milliseconds: timeOf(args),
		}),
};

// serve speaks with one client.
function serve(socket) {
	const say = (message) => socket.readyState === socket.OPEN && socket.send(write(message));
	const tell = (event, data) => say({ event, data });
	socket.on("message", async (text) => {
		let message;
		try {
			message = JSON.parse(text);
		} catch {
			socket.close(1007, "not JSON");
			return;
		}
		const { message_id, command, args } = message;
		if (command === "start_listening") {
			say({ message_id, result: fabric.nodes() });
			if (!fabric.listeners("event").includes(tell)) fabric.on("event", tell);
			return;
		}
		try {
			if (!Object.hasOwn(commands, command)) throw new Refusal(code.command, `the command ${command} is unknown`);
			say({ message_id, result: await commands[command](args ?? {}) });
		} catch (failure) {
			say({ message_id, error_code: failure instanceof Refusal ? failure.code : code.stack, details: failure.message });
		}
	});
	socket.on("close", () => fabric.off("event", tell));
	socket.on("error", () => socket.terminate());
	say(info);
}

fabric.setMaxListeners(100);
const http = createServer((_, answer) => answer.writeHead(404).end());
const sockets = new WebSocketServer({ server: http, path: "/ws", maxPayload: maxMessage });
sockets.on("connection", serve);

const colon = listen.lastIndexOf(":");
const where = listen.startsWith("/") || colon < 0 ? { path: listen } : { host: listen.slice(0, colon), port: Number(listen.slice(colon + 1)) };
http.listen(where, () => {
	const at = http.address();
	process.stdout.write(`ready ws=${typeof at === "string" ? at : `ws://${at.address}:${at.port}/ws`}\n`);
});

let ending = false;
async function end() {
	if (ending) return;
	ending = true;
	for (const socket of sockets.clients) {
		socket.send(write({ event: "server_shutdown", data: {} }));
		socket.close(1001);
	}
	http.close();
	await fabric.close();
	process.exit(0);
}
process.on("SIGTERM", end);
process.on("SIGINT", end);
