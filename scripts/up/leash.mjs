/**
 * Loaded into each process that the supervisor starts: when the supervisor is gone, however it went (even by kill -9),
 * the process drains and ends as on SIGTERM instead of living on and holding its port.
 */
if (process.channel) {
  let abandoned = false;
  // First of all exit listeners: the logger's own would try for ever to flush into a pipe that nobody reads.
  process.on('exit', () => {
    if (abandoned) process.kill(process.pid, 'SIGKILL');
  });
  process.on('disconnect', () => {
    abandoned = true;
    process.kill(process.pid, 'SIGTERM');
  });
  process.channel.unref();
}
