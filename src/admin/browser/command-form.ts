import { Field, type FieldProperties, isLongEnough, UNSEEN_KINDS } from './command-field.ts';
import {
  type ActionProperties,
  type Answer,
  ask,
  Box,
  Button,
  createElement,
  type Element,
  Input,
  Label,
  MessageBox,
  page,
  refusal,
  Text,
  upload,
  useSession,
  useState,
} from './window.ts';
import { momentText } from './written.ts';

/** The form of a command: what it does, what it needs to know, and what came of it. */

type Content = { input?: string; answer?: string; isCut: boolean };
type Counts = { taken: number; left: number };
type Outcome = {
  message: string;
  isGood: boolean;
  /** The field that was refused. */
  field?: string;
  link?: string;
  linkKind?: 'invitation' | 'archive';
  expiresAt?: string;
  content?: Content;
  accountIds?: string[];
  /** What goes, of a command that wants it seen first. */
  rows?: number;
  draft?: string;
  counts?: Counts;
};

/** What a customer sent or got: text as it is, and nothing that the browser would make of it. */
function ContentText({ name, text }: { name: string; text: string }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  const style = {
    whiteSpace: 'pre-wrap',
    overflowWrap: 'anywhere',
    maxHeight: 480,
    overflowY: 'auto',
    lineHeight: 1.4,
  };
  return createElement(
    Box,
    { mt: 'lg' },
    createElement(Label, null, translateMessage(name)),
    createElement(Box, { as: 'pre', p: 'lg', bg: 'grey20', tabIndex: 0, style, 'data-content': name }, text),
  );
}

function ContentView({ content: { input, answer, isCut } }: { content: Content }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  return createElement(
    Box,
    null,
    input === undefined ? null : createElement(ContentText, { name: 'contentInput', text: input }),
    answer === undefined ? null : createElement(ContentText, { name: 'contentAnswer', text: answer }),
    isCut ? createElement(Text, { color: 'grey60', mt: 'default' }, translateMessage('contentCut')) : null,
  );
}

function FoundAccounts({ accountIds }: { accountIds: string[] }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  if (accountIds.length === 0) return createElement(Text, { mt: 'lg' }, translateMessage('foundNone'));
  const links = accountIds.map((id) =>
    createElement(
      Box,
      { key: id, mt: 'default' },
      createElement(
        page.ReactRouterDOM.Link,
        { to: `/admin/resources/accounts/records/${id}/show`, style: { color: '#b45309' } },
        id,
      ),
    ),
  );
  return createElement(Box, { mt: 'lg', 'data-found': accountIds.length }, ...links);
}

function Counted({ counts: { taken, left } }: { counts: Counts }): Element {
  const { translateMessage } = page.AdminJS.useTranslation();
  const text = `${translateMessage('countsTaken')} ${taken}. ${translateMessage('countsLeft')} ${left}.`;
  return createElement(Text, { mt: 'lg', 'data-taken': taken, 'data-left': left }, text);
}

function Result({ outcome }: { outcome: Outcome }): Element {
  const { translateMessage, translateProperty, i18n } = page.AdminJS.useTranslation();
  const {
    message,
    isGood,
    field,
    link,
    linkKind = 'invitation',
    expiresAt,
    content,
    accountIds,
    rows,
    draft,
    counts,
  } = outcome;
  const until = expiresAt && momentText(expiresAt, i18n.language);
  return createElement(
    Box,
    { mb: 'xl', role: 'status', 'data-outcome': isGood ? 'done' : 'refused' },
    rows === undefined
      ? null
      : createElement(
          Text,
          { mb: 'default', fontWeight: 'bold', 'data-rows': rows },
          `${translateMessage('preview_rows')} ${rows}`,
        ),
    createElement(MessageBox, {
      variant: isGood ? 'success' : 'danger',
      message: field ? `${translateMessage(message)} ${translateProperty(field)}.` : translateMessage(message),
    }),
    link &&
      createElement(
        Box,
        { mt: 'lg' },
        createElement(Text, null, translateMessage(`${linkKind}Link`)),
        createElement(Input, { value: link, readOnly: true, width: 1, my: 'default', 'data-link': linkKind }),
        createElement(Text, { color: 'grey60' }, `${translateMessage('linkUntil')} ${until}`),
      ),
    content && createElement(ContentView, { content }),
    accountIds && createElement(FoundAccounts, { accountIds }),
    draft && createElement(ContentText, { name: 'draftText', text: draft }),
    counts && createElement(Counted, { counts }),
  );
}

/** What is sent: nothing for what was left empty, and moments without the zone of the operator. */
function inputOf(fields: FieldProperties['field'][], values: Readonly<Record<string, string>>): Record<string, string> {
  const given = fields.filter(({ name }) => (values[name] ?? '') !== '');
  return Object.fromEntries(
    given.map(({ name, kind }) => {
      const value = values[name] ?? '';
      return [name, kind === 'moment' ? new Date(value).toISOString() : value];
    }),
  );
}

/** What a command wants to be seen before it is given once more. */
function previewOf({ body }: Answer): { rows: number; preview: string } | undefined {
  const { error } = body as { error?: { param?: string; rows?: number; preview?: string } };
  const { param, rows, preview } = error ?? {};
  return param === 'preview' && rows !== undefined && preview !== undefined ? { rows, preview } : undefined;
}

/** What stands in the fields when the form is opened; a dash is how a record shows that there is nothing. */
function filledValues(fields: FieldProperties['field'][], record: ActionProperties['record']): Record<string, string> {
  const texts = fields.map(({ name, filledFrom = '' }) => [name, record?.params[filledFrom] ?? ''] as const);
  return Object.fromEntries(texts.filter(([, text]) => text !== '' && text !== '—'));
}

/** The field of the form that a refusal is about, if it is about one. */
function refusedField(fields: FieldProperties['field'][], { body }: Answer): string | undefined {
  const { error } = body as { error?: { param?: string | null } };
  return fields.find(({ name, kind }) => name === error?.param?.split('.')[0] && !UNSEEN_KINDS.has(kind))?.name;
}

/** Another record gets a form of its own: nothing typed or filled in for the one is sent for the other. */
export function CommandForm(given: ActionProperties): Element {
  return createElement(FormOfRecord, { key: `${given.action.name} ${given.record?.id ?? ''}`, ...given });
}

function FormOfRecord({ action, resource, record }: ActionProperties): Element {
  const session = useSession();
  const { translateMessage } = page.AdminJS.useTranslation();
  const { fields, isDangerous, explanation } = action.custom;
  const [values, setValues] = useState<Record<string, string>>(filledValues(fields, record));
  const [file, setFile] = useState<Blob | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined);
  const path = record ? `records/${encodeURIComponent(record.id)}/${action.name}` : `actions/${action.name}`;

  const submit = (event: { preventDefault(): void }) => {
    event.preventDefault();
    setBusy(true);
    const [at, input] = [`resources/${resource.id}/${path}`, inputOf(fields, values)];
    (file ? upload(at, session, input, file) : ask(at, session, input))
      .then((answer) => {
        const { link, linkKind, expiresAt, told, content, accountIds, draft, counts } =
          answer.body as Partial<Outcome> & {
            told?: boolean;
          };
        const isGood = answer.status === 200;
        const preview = isGood ? undefined : previewOf(answer);
        if (preview) setValues({ ...values, preview: preview.preview });
        const message = preview ? 'preview_confirm' : isGood ? (told === false ? 'doneSoon' : 'done') : refusal(answer);
        const field = isGood ? undefined : refusedField(fields, answer);
        setOutcome({
          message,
          isGood,
          ...(field ? { field } : {}),
          ...(link && linkKind && expiresAt ? { link, linkKind, expiresAt } : {}),
          ...(content ? { content } : {}),
          ...(accountIds ? { accountIds } : {}),
          ...(preview ? { rows: preview.rows } : {}),
          ...(draft ? { draft } : {}),
          ...(counts ? { counts } : {}),
        });
      })
      .catch(() => setOutcome({ message: 'error_other', isGood: false }))
      .finally(() => setBusy(false));
  };

  const isGiven = ({ name, kind, isOptional }: FieldProperties['field']) =>
    kind === 'file' ? file !== undefined : isOptional || isLongEnough(name, values[name] ?? '');
  const isComplete = fields.every(isGiven);
  const form = createElement(
    Box,
    { as: 'form', onSubmit: submit },
    ...fields
      .filter(({ kind }) => !UNSEEN_KINDS.has(kind))
      .map((field) =>
        createElement(Field, {
          key: field.name,
          field,
          value: values[field.name] ?? '',
          setValue: (value: string) => setValues({ ...values, [field.name]: value }),
          setFile,
        }),
      ),
    createElement(
      Button,
      {
        type: 'submit',
        variant: 'contained',
        color: isDangerous ? 'danger' : 'primary',
        disabled: isBusy || !isComplete,
      },
      translateMessage('submit'),
    ),
  );
  return createElement(
    Box,
    { variant: 'container', bg: 'white', p: 'xxl', maxWidth: 720, 'data-command': action.name },
    record && createElement(Text, { mb: 'default', fontWeight: 'bold' }, record.title),
    createElement(Text, { mb: 'xl', color: 'grey80' }, translateMessage(explanation)),
    outcome && createElement(Result, { outcome }),
    outcome?.isGood ? null : form,
  );
}
