import { parseArgs } from 'node:util';
import { findStaffByEmail, type Invitation, listStaff } from '../src/auth/staff.ts';
import type { Config } from '../src/config.ts';
import type { Logger } from '../src/log.ts';
import { STAFF_ROLES } from '../src/models/staff.ts';
import { runScript, table, UsageError } from './environment.ts';
import { performByScript } from './operation.ts';

const USAGE = `Usage: npm run staff -- <command>

  create --email <e-mail> --role <${STAFF_ROLES.join('|')}>
                               invite a member; prints a link that works once, for three days
  list                         everybody, with role and state
  disable --email <e-mail>     no more access; ends the sessions
  reset-totp --email <e-mail>  forget password and device and invite anew; prints a new link
    --reason <text>            for the audit log (disable, reset-totp)`;

type Command = (context: { config: Config; log: Logger }) => Promise<string>;

const text = { type: 'string' } as const;
const DEFAULT_REASON = 'by script';

function needed(name: string, value: string | undefined): string {
  if (value === undefined || value === '') throw new UsageError(`--${name} is needed`);
  return value;
}

function invitationText(config: Config, { token, expiresAt }: Invitation): string {
  return [
    `${config.admin.publicUrl}/invitation#${token}`,
    '',
    `Open it in a browser until ${expiresAt.toISOString()}. It works once; whoever has it becomes this member.`,
  ].join('\n');
}

function create(words: string[]): Command {
  const { values } = parseArgs({ args: words, options: { email: text, role: text } });
  const email = needed('email', values.email);
  const role = STAFF_ROLES.find((name) => name === values.role);
  if (!role) throw new UsageError(`--role: one of ${STAFF_ROLES.join(', ')} is needed`);
  return async (context) => {
    const { invitation } = await performByScript(context, { name: 'staff.invite', input: { email, role } });
    if (!invitation) throw new Error('no invitation was made');
    return invitationText(context.config, invitation);
  };
}

async function list(): Promise<string> {
  const staff = await listStaff();
  if (staff.length === 0) return 'No staff yet. Make the first: npm run staff -- create --email <e-mail> --role admin';
  const rows = staff.map((member) => [
    member.id,
    member.email,
    member.role,
    member.status,
    member.enrolled ? 'yes' : 'no',
    member.lastSignInAt?.toISOString() ?? 'never',
  ]);
  return table([['STAFF', 'E-MAIL', 'ROLE', 'STATE', 'DEVICE', 'LAST SIGN-IN'], ...rows]);
}

function change(name: 'staff.disable' | 'staff.reset', words: string[]): Command {
  const options = { email: text, reason: { type: 'string', default: DEFAULT_REASON } } as const;
  const { email, reason } = parseArgs({ args: words, options }).values;
  const address = needed('email', email);
  return async (context) => {
    const { _id: targetId } = await findStaffByEmail(address);
    const { invitation } = await performByScript(context, { name, targetId, input: { reason } });
    return invitation ? invitationText(context.config, invitation) : `${targetId} has no access any more`;
  };
}

const COMMANDS: ReadonlyMap<string, (words: string[]) => Command> = new Map([
  ['create', create],
  ['list', () => list],
  ['disable', (words: string[]) => change('staff.disable', words)],
  ['reset-totp', (words: string[]) => change('staff.reset', words)],
]);

await runScript(USAGE, ([name = '', ...words]) => {
  const command = COMMANDS.get(name);
  if (!command) throw new UsageError(`unknown command "${name}"`);
  return command(words);
});
