// A service to stand behind a gateway: it answers what it was sent, and where it listens.

import { createServer } from 'node:http';

const [host, port] = (process.argv[2] ?? '127.0.0.1:9000').split(':');
const server = createServer(({ method, url, rawHeaders }, response) => {
  const headers = [];
  for (let i = 0; i < rawHeaders.length; i += 2) headers.push([rawHeaders[i], rawHeaders[i + 1]]);
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify({ method, url, headers })}\n`);
});
server.listen(Number(port), host, () => {
  console.log(`echo is ready at http://${host}:${server.address().port}`);
});
