// Records as they travel in a pipe and as people read them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type LogRecord, makeLogger, packRecord, showRecord, unpackRecord } from './log.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function logged(log: (logger: ReturnType<typeof makeLogger>) => void): LogRecord[] {
  const records: LogRecord[] = [];
  log(
    makeLogger(
      (record) => records.push(record),
      () => AT,
    ),
  );
  return records;
}

test('a record comes out of a pipe as it went in, on one line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), (message, data) => {
      const [record] = logged((logger) => logger.warn(message, data)) as [LogRecord];
      const line = packRecord(record);
      assert.equal(line.indexOf('\n'), line.length - 1);
      assert.deepEqual(unpackRecord(line.slice(0, -1)), JSON.parse(JSON.stringify(record)));
    }),
  );
});

test('whatever else a server writes is no record', () => {
  for (const line of ['', 'text', '\x1e', '\x1e{', '\x1enull', '\x1e[]', '\x1e{"time":1}'])
    assert.equal(unpackRecord(line), undefined, JSON.stringify(line));
  for (const wrong of [{ time: 'x' }, { time: 1e300 }, { level: 'loud' }, { level: 'toString' }, { message: 5 }])
    assert.equal(unpackRecord(`\x1e${JSON.stringify({ time: AT, level: 'info', message: '', ...wrong })}`), undefined);
  fc.assert(fc.property(fc.string(), (text) => assert.doesNotThrow(() => unpackRecord(`\x1e${text}`))));
});

test('fields that lie deep within each other are text: who keeps and sends them on is not to fail by them', () => {
  const nested = (depth: number): unknown => {
    let value: unknown = 'in';
    for (let n = 0; n < depth; n++) value = n % 2 === 0 ? [value] : { next: value };
    return value;
  };
  const [kept, deep] = logged((logger) => {
    logger.info('x', nested(64));
    logger.info('x', nested(65));
  }) as [LogRecord, LogRecord];
  assert.deepEqual([kept.data, typeof deep.data], [nested(64), 'string']);
  assert.deepEqual(unpackRecord(packRecord(kept).trimEnd())?.data, nested(64));
  assert.deepEqual(unpackRecord(packRecord({ ...deep, data: '[[["\\\\"[[[' }).trimEnd())?.data, '[[["\\\\"[[[');
  for (const depth of [65, 3_000, 30_000]) {
    const line = `\x1e{"time":1,"level":"info","message":"m","data":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    assert.equal(unpackRecord(line), undefined);
  }
});

test('fields that JSON cannot have are there as text', () => {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  const [first, second, third] = logged((logger) => {
    logger.info('circle', circle);
    logger.info('bigint', { n: 5n });
    logger.info('function', () => 1);
  });
  assert.match(String(first?.data), /Circular/);
  assert.match(String(second?.data), /5n/);
  assert.match(String(third?.data), /Function/);
});

test('people read time, server, level, message and fields; programs an object', () => {
  const [record, failed] = logged((logger) => {
    logger.warn('slow', { ms: 5 });
    logger.error('failed', new RangeError('no'));
  }) as [LogRecord, LogRecord];
  assert.equal(showRecord(record, 'geo.1', false), '03:04:05.678 [geo.1] warn: slow { ms: 5 }\n');
  const object = { time: '2026-01-02T03:04:05.678Z', level: 'warn', server: 'geo.1', message: 'slow', data: { ms: 5 } };
  assert.deepEqual(JSON.parse(showRecord(record, 'geo.1', true)), object);
  assert.match(showRecord(failed, 'geo', false), /error: failed RangeError: no\n {4}at /);
});
