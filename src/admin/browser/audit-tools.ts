import {
  type ActionProperties,
  type Answer,
  ask,
  Box,
  Button,
  createElement,
  type Element,
  MessageBox,
  page,
  Text,
  useSession,
  useState,
} from './window.ts';

/** The two tools of the audit log: checking its chain, and taking it along as a table. */

const CONTAINER = { variant: 'container', bg: 'white', p: 'xxl', maxWidth: 720 };

function Verdict({ answer }: { answer: Answer }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  const { entries, headHash, brokenAt } = answer.body as { entries?: number; headHash?: string; brokenAt?: number };
  if (answer.status !== 200)
    return createElement(MessageBox, { variant: 'danger', message: translateMessage('error_other') });
  const message =
    brokenAt === undefined ? translateMessage('auditGood') : `${translateMessage('auditBroken')} ${brokenAt}`;
  return createElement(
    Box,
    { mt: 'xl', role: 'status', 'data-verdict': brokenAt === undefined ? 'good' : 'broken' },
    createElement(MessageBox, { variant: brokenAt === undefined ? 'success' : 'danger', message }),
    createElement(Text, { mt: 'lg' }, `${translateMessage('auditEntries')}: ${entries}`),
    createElement(
      Text,
      { mt: 'default', style: { wordBreak: 'break-all' } },
      `${translateMessage('auditHead')}: ${headHash}`,
    ),
    createElement(Text, { mt: 'default', color: 'grey60' }, translateMessage('auditKeep')),
  );
}

export function AuditCheck({ action }: ActionProperties): Element {
  const session = useSession();
  const { translateMessage, translateAction } = page.AdminJS.useTranslation();
  const [answer, setAnswer] = useState<Answer | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const check = () => {
    setBusy(true);
    ask('resources/audit/actions/verify', session, {})
      .then(setAnswer)
      .catch(() => setAnswer({ status: 0, body: {} }))
      .finally(() => setBusy(false));
  };
  return createElement(
    Box,
    { ...CONTAINER, 'data-tool': action.name },
    createElement(Text, { mb: 'xl' }, translateMessage('auditHelp')),
    createElement(Button, { variant: 'contained', onClick: check, disabled: isBusy }, translateAction(action.name)),
    answer && createElement(Verdict, { answer }),
  );
}

export function AuditExport({ action }: ActionProperties): Element {
  const { formToken } = useSession();
  const { translateMessage, translateAction } = page.AdminJS.useTranslation();
  return createElement(
    Box,
    { ...CONTAINER, 'data-tool': action.name },
    createElement(Text, { mb: 'xl' }, translateMessage('exportHelp')),
    createElement(
      'form',
      { method: 'post', action: '/admin/audit.csv' },
      createElement('input', { type: 'hidden', name: 'formToken', value: formToken }),
      createElement(Button, { type: 'submit', variant: 'contained' }, translateAction(action.name)),
    ),
  );
}
