// SPDX-License-Identifier: MIT
// Node's http2 client, which allows pushes: all pages one after the other on one connection.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';

const urls = process.argv.slice(2).map(url => new URL(url));
const session = connect(urls[0].origin, { ca: readFileSync(process.env.CA) });
session.on('stream', pushed => pushed.on('error', () => {}).resume());
for (const url of urls) {
  const hash = createHash('sha256');
  let status, early = 0;
  const request = session.request({ ':path': url.pathname });
  request.on('headers', fields => { early += fields[':status'] === 103; });
  request.on('response', fields => { status = fields[':status']; });
  for await (const piece of request) hash.update(piece);
  console.log(status, hash.digest('hex'), early);
}
session.close();
