// SPDX-License-Identifier: MIT
// The undici package, with HTTP/2 where it knows that; one connection. "info" are interim responses.
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { Client } = require('undici');

(async () => {
  const urls = process.argv.slice(2).map(url => new URL(url));
  const client = new Client(urls[0].origin, { allowH2: true, connect: { ca: readFileSync(process.env.CA) } });
  for (const url of urls) {
    let early = 0;
    const { statusCode, body } = await client.request({
      method: 'GET', path: url.pathname, onInfo: ({ statusCode }) => { early += statusCode === 103; } });
    const hash = createHash('sha256');
    for await (const piece of body) hash.update(piece);
    console.log(statusCode, hash.digest('hex'), early);
  }
  await client.close();
})();
