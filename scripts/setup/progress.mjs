/**
 * Tells a person what is going on: a line when a step starts, a sign of life while it lasts, the time it took when it
 * ends. A terminal gets dots, a file or a pipe gets a line now and then.
 */

const DOT_MS = 1_000;
const LINE_MS_FIRST = 2_000;
const LINE_MS_MAX = 20_000;

/** "0.4 s", "83 s": how long something took. */
export function formatSeconds(ms) {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : `${Math.round(ms / 1_000)} s`;
}

/** @param stream where to write; standard output when left out. */
export function createProgress(stream = process.stdout) {
  // A closed terminal must not end a supervisor that still has children to stop.
  if (stream.listenerCount?.('error') === 0) stream.on('error', () => {});
  const terminal = stream.isTTY === true;
  let open = false;

  function line(text) {
    stream.write(open ? `\n${text}\n` : `${text}\n`);
    open = false;
  }

  function signsOfLife(startedMs) {
    let timer;
    if (terminal) {
      timer = setInterval(() => {
        stream.write('.');
        open = true;
      }, DOT_MS);
    } else {
      let waitMs = LINE_MS_FIRST;
      const tick = () => {
        line(`  ... ${formatSeconds(Date.now() - startedMs)}`);
        waitMs = Math.min(waitMs * 2, LINE_MS_MAX);
        timer = setTimeout(tick, waitMs);
        timer.unref();
      };
      timer = setTimeout(tick, waitMs);
    }
    timer.unref();
    return () => clearTimeout(timer);
  }

  async function step(title, work) {
    const startedMs = Date.now();
    if (terminal) {
      stream.write(`${title} `);
      open = true;
    } else line(title);
    const stop = signsOfLife(startedMs);
    try {
      const result = await work((text) => line(`  ${text}`));
      stop();
      const took = formatSeconds(Date.now() - startedMs);
      if (open) {
        stream.write(` ${took}\n`);
        open = false;
      } else line(`  done in ${took}`);
      return result;
    } catch (error) {
      stop();
      line(`  failed after ${formatSeconds(Date.now() - startedMs)}`);
      throw error;
    }
  }

  return { step, line };
}
