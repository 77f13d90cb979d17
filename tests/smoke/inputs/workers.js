// Workers that share memory, pass messages and wait; work of libuv's threads beside.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');
const { promisify } = require('util');

function work() {
  const { shared, me, players, rounds } = workerData;
  const words = new Int32Array(shared);
  for (let r = 0; r < rounds; r++) {
    for (let seen; (seen = Atomics.load(words, 0)) % players !== me;)
      Atomics.wait(words, 0, seen, 1000);
    Atomics.add(words, 1, me * r);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
  }
  parentPort.on('message', (text) => {
    parentPort.postMessage(crypto.createHash('sha256').update(text + me).digest('hex'));
    parentPort.close();
  });
}

async function main() {
  const shared = new SharedArrayBuffer(8), players = 4;
  const answers = [];
  await Promise.all([...Array(players).keys()].map((me) => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: { shared, me, players, rounds: 200 } });
    worker.postMessage('hello');
    worker.on('message', (text) => { answers[me] = text; });
    worker.on('error', reject);
    worker.on('exit', resolve);
  })));
  const words = new Int32Array(shared);
  console.log(words[0], words[1], answers);
  const derive = promisify(crypto.pbkdf2), deflate = promisify(zlib.deflate);
  const keys = await Promise.all([...Array(12).keys()].map((i) => derive('secret', 'salt' + i, 5000, 16, 'sha512')));
  const packed = await Promise.all([...Array(8).keys()].map((i) => deflate(Buffer.alloc(300000, 'abc' + i))));
  console.log(keys.map((k) => k.toString('hex')), packed.map((p) => p.length));
}

isMainThread ? main() : work();
