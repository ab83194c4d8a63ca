// SPDX-License-Identifier: Apache-2.0
//
// Starts oidc-provider on 127.0.0.1, with a client for a store. Whoever is
// named by login_hint is signed in at once: what is tested is the exchange, not
// a form. OIDC_REDIRECT and OIDC_LOGOUT are the store's addresses.
import { createServer } from "node:http";
import Provider from "oidc-provider";

const people = {
  ana: { name: "Ana Silva", groups: ["lisbon-sales"], amr: ["pwd", "otp"] },
  mia: { name: "Mia Manager", groups: ["managers"], amr: ["phr"] },
  max: { name: "Max Manager", groups: ["managers"], amr: ["pwd"] },
  eve: { name: "Eve Elsewhere", groups: [], amr: ["phr"] },
};

const server = createServer();
await new Promise((done) => server.listen(Number(process.env.OIDC_PORT ?? 0), "127.0.0.1", done));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [{
    client_id: "store-7", client_secret: "a-secret-of-the-test-only", grant_types: ["authorization_code"], response_types: ["code"],
    redirect_uris: [process.env.OIDC_REDIRECT ?? "http://localhost/signin/sso/back"],
    post_logout_redirect_uris: [],
    backchannel_logout_uri: process.env.OIDC_LOGOUT, backchannel_logout_session_required: true,
    id_token_signed_response_alg: "RS256",
  }],
  // Groups come by the user info endpoint, as with most providers.
  claims: { openid: ["sub", "amr", "auth_time"], profile: ["name", "groups"] },
  cookies: { keys: ["of the test only"] },
  pkce: { required: () => true },
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  // Its own way of calling others refuses addresses of this machine, where the
  // store is in a test.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  interactions: { url: (_, one) => `/interaction/${one.uid}` },
  findAccount: (_, id) => people[id] && {
    accountId: id,
    claims: () => ({ sub: id, name: people[id].name, groups: people[id].groups }),
  },
});
if (process.env.OIDC_LOG !== "debug") console.info = console.warn = () => {};

const handle = provider.callback();
server.on("request", async (req, res) => {
  try {
    if (!req.url.startsWith("/interaction/")) return handle(req, res);
    const asked = await provider.interactionDetails(req, res);
    const id = asked.params.login_hint;
    if (!people[id]) return await provider.interactionFinished(req, res, { error: "access_denied" });
    const grant = new provider.Grant({ accountId: id, clientId: asked.params.client_id });
    grant.addOIDCScope("openid profile");
    await provider.interactionFinished(req, res, {
      login: { accountId: id, amr: people[id].amr },
      consent: { grantId: await grant.save() },
    }, { mergeWithLastSubmission: false });
  } catch (err) {
    res.statusCode = 500;
    res.end(String(err));
  }
});

for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
console.log(`ready issuer=${issuer}`);
