/**
 * Loaded before a peer gateway that the benchmark compares with. The peer listens and connects on this machine only, whatever
 * it would like to do otherwise; and on Node 20 and newer the headers of a streamed `fetch` answer, which it appends to,
 * are made appendable again.
 */
const net = require('node:net');

const LOOPBACK = '127.0.0.1';
const LOCAL = /^(127(\.\d{1,3}){3}|localhost|::1)$/;

const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function listenHere(...args) {
  const [first] = args;
  const port = typeof first === 'object' && first !== null ? first.port : first;
  if (port === undefined) throw new Error('the peer may listen on a port only');
  const callback = args.find((one) => typeof one === 'function');
  return listen.call(this, { port: Number(port), host: LOOPBACK }, callback);
};

/** The host that arguments of `connect` name; `[[options, callback]]` is how Node hands them on. */
function hostOf(args) {
  const [first, second] = Array.isArray(args[0]) ? args[0] : args;
  if (typeof first === 'object' && first !== null) return first.path ?? first.host ?? 'localhost';
  return typeof second === 'string' ? second : 'localhost';
}

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function connectHere(...args) {
  const host = hostOf(args);
  if (LOCAL.test(host)) return connect.apply(this, args);
  process.nextTick(() => this.destroy(new Error(`the peer may not connect to ${host}`)));
  return this;
};

const { fetch } = globalThis;
globalThis.fetch = async (...args) => {
  const answer = await fetch(...args);
  if (!answer.headers.get('content-type')?.includes('event-stream')) return answer;
  const { status, statusText } = answer;
  return new Response(answer.body, { status, statusText, headers: new Headers(answer.headers) });
};
