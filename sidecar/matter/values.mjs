// SPDX-License-Identifier: Apache-2.0
//
// Values as matter.js has them, by name, and as the interface has them: by
// number in attributes, by name in events and answers, bitmaps as one number,
// bytes in base64.

import { Matter } from "@matter/main/model";

const FEATURE_MAP = 0xfffc;

export const clusterOf = (id) => Matter.clusters(id);
export const pathOf = ({ endpointId, clusterId, attributeId }) => `${endpointId}/${clusterId}/${attributeId}`;

// attributeToWire makes the value of an attribute.
export function attributeToWire({ clusterId, attributeId }, value) {
	const cluster = clusterOf(clusterId);
	if (attributeId === FEATURE_MAP) return features(cluster, value);
	return toWire(value, cluster?.attributes(attributeId), cluster, true);
}

// toWire makes the value of an event or an answer, or with byTag of an attribute.
export function toWire(value, model, cluster, byTag = false) {
	if (value === null || value === undefined) return null;
	if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
	if (typeof value !== "object") return value;
	if (Array.isArray(value)) {
		const element = model?.members?.at(0);
		return value.map((v) => toWire(v, element, cluster, byTag));
	}
	if (model?.metabase?.metatype === "bitmap") return bits(value, [...membersOf(model, cluster)], (m) => [m.propertyName]);
	const told = {};
	for (const [name, inner] of Object.entries(value)) {
		const member = membersOf(model, cluster).find((m) => m.propertyName === name);
		told[byTag ? (member?.id ?? name) : name] = toWire(inner, member, cluster, byTag);
	}
	return told;
}

// fromWire makes the fields of a command. Names may be written as the
// specification or as matter.js has them: PINCode, pinCode.
export function fromWire(value, model, cluster) {
	if (typeof value === "string" && model?.metabase?.metatype === "bytes") return new Uint8Array(Buffer.from(value, "base64"));
	if (Array.isArray(value)) return value.map((v) => fromWire(v, model?.members?.at(0), cluster));
	if (value === null || typeof value !== "object") return value;
	const fields = {};
	for (const [name, inner] of Object.entries(value)) {
		const member = membersOf(model, cluster).find((m) => m.propertyName.toLowerCase() === name.toLowerCase());
		fields[member?.propertyName ?? name] = fromWire(inner, member, cluster);
	}
	return fields;
}

function membersOf(model, cluster) {
	if (model === undefined) return [];
	return cluster === undefined ? [...model.members] : [...cluster.scope.membersOf(model)];
}

function features(cluster, value) {
	if (typeof value === "number") return value;
	const squeezed = (name) => name.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
	return bits(value, cluster?.features ?? [], (m) => [m.propertyName, m.name, m.title].filter(Boolean).map(squeezed), squeezed);
}

// bits makes one number of named flags.
function bits(value, members, namesOf, key = (name) => name) {
	if (typeof value === "number") return value;
	let number = 0;
	for (const [name, set] of Object.entries(value)) {
		if (!set) continue;
		const member = members.find((m) => namesOf(m).includes(key(name)));
		const at = member?.constraint?.value ?? member?.constraint?.min;
		if (typeof at === "number") number += Number(set) * 2 ** at;
	}
	return number;
}

// write makes one line of JSON. Numbers too great for a double stay exact.
export function write(message) {
	const text = JSON.stringify(message, (_, v) => {
		if (typeof v !== "bigint") return v;
		return v <= Number.MAX_SAFE_INTEGER ? Number(v) : `\u0001${v}`;
	});
	return text.replace(/"\\u0001(\d+)"/g, "$1");
}
