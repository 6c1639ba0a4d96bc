// What the addon does for a process as a whole: its loop's phase, its parent, its memory.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { addon, finished, nextMessage, options, prelude, run, start } from '../../test/fault/addon-child.ts';
import { isAlive } from '../../test/fault/processes.ts';
import type { Descriptor } from './native.ts';

describe('process', options, () => {
  test('who connected a Unix socket is known, as it was then', async (t) => {
    const server = createServer({ pauseOnConnect: true }).listen(`\0skerry-peer-${process.pid}`);
    await once(server, 'listening');
    const child = spawn(process.execPath, ['-e', `require('net').connect('\\0skerry-peer-${process.pid}')`]);
    const [socket] = (await once(server, 'connection')) as [Socket];
    t.after(() => {
      child.kill('SIGKILL');
      socket.destroy();
      server.close();
    });
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
    assert.deepEqual(addon.peerCredentials(fd), { pid: child.pid, uid: process.getuid?.() });
    child.kill('SIGKILL');
    await once(child, 'exit');
    assert.equal(addon.peerCredentials(fd).pid, child.pid);
    assert.throws(() => addon.peerCredentials(99_999), { code: 'EBADF', syscall: 'getsockopt' });
    assert.throws(() => addon.peerCredentials(-1), RangeError);
  });

  test('the phase of a loop is seen by another process', async () => {
    const [mine, theirs] = addon.socketPair();
    const child = start(
      `const { buffer, descriptor } = addon.createRegion(4096, 'status'); const socket = addon.adopt(3);
       addon.watchLoop(buffer, 64);
       addon.watch(socket, 'socket', () => {
         const message = addon.receive(socket);
         if (message === null) process.exit(0);
         const until = performance.now() + 400; while (performance.now() < until);
       });
       addon.send(socket, Uint8Array.of(1), [descriptor]);`,
      { inherit: addon.fileNumber(theirs) },
    );
    addon.close(theirs);
    const result = finished(child);
    const message = await nextMessage(mine);
    const map = addon.mapRegion(message.descriptors[0] as Descriptor, 'phase');
    const words = new Uint32Array(map, 64, 3);
    const phase = () => words[0] as number;
    while (phase() !== 2) await sleep(2);
    const [turns, changed] = [words[1] as number, words[2] as number];
    addon.send(mine, Uint8Array.of(1), []);
    while (phase() !== 1) await sleep(1);
    assert.ok((words[2] as number) >= changed);
    while (phase() !== 2) await sleep(2);
    assert.ok((words[1] as number) > turns);
    assert.ok((words[2] as number) - changed >= 390);
    addon.close(mine);
    assert.equal((await result).code, 0);
    addon.releaseRegion(map);
    for (const descriptor of message.descriptors) addon.close(descriptor);
  });

  test('a guarded child dies with its parent, and learns of a parent that is not', async () => {
    const { stdout } = await run('console.log(addon.guardParent(process.ppid), addon.guardParent(process.pid));');
    assert.equal(stdout, 'true false\n');
    const grandchild = `${prelude} addon.guardParent(process.ppid); console.log(process.pid); setInterval(() => {}, 1000);`;
    const middle = start(`const { spawn } = await import('node:child_process');
      spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(grandchild)}], { stdio: 'inherit' });`);
    const [line] = await once(middle.stdout as NodeJS.ReadableStream, 'data');
    const pid = Number(String(line));
    assert.ok(isAlive(pid));
    middle.kill('SIGKILL');
    while (isAlive(pid)) await sleep(5);
  });

  test('with setDumpable(false) no process of the same user can open its memory', async () => {
    const victim = `${prelude} process.stdin.once('data', () => { addon.setDumpable(false); console.log('closed'); process.stdin.once('data', () => {
      addon.setDumpable(true); console.log('open'); process.stdin.once('data', () => process.exit()); }); });`;
    const attacker = `const { spawn } = await import('node:child_process'); const { once } = await import('node:events'); const fs = await import('node:fs');
      const victim = spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(victim)}]);
      const attempt = () => { try { fs.closeSync(fs.openSync('/proc/' + victim.pid + '/mem', 'r+')); return 'opened'; } catch (error) { return error.code; } };
      console.log(process.getuid() === 0 ? 'privileged' : 'unprivileged');
      victim.stdin.write('1'); await once(victim.stdout, 'data'); console.log(attempt());
      victim.stdin.write('2'); await once(victim.stdout, 'data'); console.log(attempt());
      victim.stdin.write('3');`;
    const { stdout, stderr } = await run(attacker, { nobody: true });
    assert.equal(stdout, 'unprivileged\nEACCES\nopened\n', stderr);
  });

  test('limitData bounds private memory; a region can still be given back at the limit', async () => {
    const code = `const { readFileSync } = await import('node:fs');
      const { buffer } = addon.createRegion(64 << 20, 'large');
      const kib = Number(/VmData:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
      addon.limitData(kib * 1024 + (48 << 20));
      try { new ArrayBuffer(256 << 20); console.log('no limit'); } catch (error) { console.log(error.name); }
      addon.releaseRegion(buffer);
      console.log(new Uint8Array(buffer)[12345]);`;
    const { stdout, stderr } = await run(code);
    assert.equal(stdout, 'RangeError\n0\n', stderr);
  });
});
