/** Kept to the simplest syntax, so that an old Node reaches the message instead of a SyntaxError elsewhere. */

const MAJOR_MIN = 20;
const MINOR_MIN = 19;

/** The reason why this Node cannot be used, or an empty string. */
export function nodeProblem(version) {
  const [major, minor] = version.split('.').map(Number);
  if (major > MAJOR_MIN || (major === MAJOR_MIN && minor >= MINOR_MIN)) return '';
  return (
    'Node ' +
    version +
    ' is too old: Ocelotiq needs ' +
    MAJOR_MIN +
    '.' +
    MINOR_MIN +
    ' or newer.\n' +
    'Install a current Node (https://nodejs.org/en/download, or: nvm install 22) and start again.'
  );
}

/** Ends the process with that reason when there is one. */
export function checkNode() {
  const problem = nodeProblem(process.versions.node);
  if (problem === '') return;
  console.error(problem);
  process.exit(1);
}
