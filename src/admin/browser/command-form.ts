import {
  type ActionProperties,
  type Answer,
  ask,
  Box,
  Button,
  createElement,
  type Element,
  FormGroup,
  Input,
  Label,
  MessageBox,
  page,
  refusal,
  Select,
  Text,
  TextArea,
  upload,
  useSession,
  useState,
} from './window.ts';
import { momentText } from './written.ts';

/** The form of a command: what it does, what it needs to know, and what came of it. */

type FieldProperties = {
  field: ActionProperties['action']['custom']['fields'][number];
  value: string;
  setValue: (value: string) => void;
  setFile: (file: Blob | undefined) => void;
};

const TEXT_CHARACTERS_MIN = 5;

type Option = { value: string; label: string };

function isLongEnough(name: string, value: string): boolean {
  return value.trim().length >= (name === 'reason' || name.startsWith('text') ? TEXT_CHARACTERS_MIN : 1);
}

function Field({
  field: { name, kind, isOptional = false, choices = [] },
  value,
  setValue,
  setFile,
}: FieldProperties): Element {
  const { translateProperty, translateLabel, translateMessage } = page.AdminJS.useTranslation();
  const onChange = (event: { target: { value: string } }) => setValue(event.target.value);
  const options: Option[] = choices.map((choice) => ({ value: choice, label: translateLabel(`${name}.${choice}`) }));
  const common = { id: name, name, value, onChange, required: !isOptional, width: 1 };
  const inputs: Record<string, () => Element> = {
    file: () =>
      createElement('input', {
        type: 'file',
        id: name,
        required: true,
        onChange: (event: { target: { files: Blob[] } }) => setFile(event.target.files[0]),
      }),
    number: () => createElement(Input, { ...common, type: 'text', inputMode: 'numeric', maxLength: 15 }),
    word: () => createElement(Input, { ...common, type: 'text', maxLength: 128 }),
    moment: () => createElement(Input, { ...common, type: 'datetime-local' }),
    rubles: () => createElement(Input, { ...common, type: 'text', inputMode: 'decimal', maxLength: 30 }),
    email: () => createElement(Input, { ...common, type: 'email', maxLength: 254 }),
    secret: () => createElement(Input, { ...common, type: 'password', autoComplete: 'off', maxLength: 512 }),
    letter: () => createElement(TextArea, { ...common, rows: 10, minLength: 5, maxLength: 4_000 }),
    text: () => createElement(TextArea, { ...common, rows: 3, minLength: 5, maxLength: 500 }),
    choice: () =>
      createElement(Select, {
        inputId: name,
        options,
        value: options.find((option) => option.value === value) ?? null,
        onChange: (option: Option | null) => setValue(option?.value ?? ''),
        isClearable: false,
        placeholder: translateMessage('choose'),
      }),
  };
  return createElement(
    FormGroup,
    null,
    createElement(
      Label,
      { htmlFor: name },
      isOptional ? `${translateProperty(name)} (${translateMessage('optional')})` : translateProperty(name),
    ),
    inputs[kind]?.() ?? null,
    (name === 'reason' || name === 'rubles') &&
      createElement(Text, { variant: 'sm', color: 'grey60', mt: 'sm' }, translateMessage(`${name}Help`)),
  );
}

type Content = { input?: string; answer?: string; isCut: boolean };
type Counts = { taken: number; left: number };
type Outcome = {
  message: string;
  isGood: boolean;
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
  const { translateMessage, i18n } = page.AdminJS.useTranslation();
  const {
    message,
    isGood,
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
    createElement(MessageBox, { variant: isGood ? 'success' : 'danger', message: translateMessage(message) }),
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

export function CommandForm({ action, resource, record }: ActionProperties): Element {
  const session = useSession();
  const { translateMessage } = page.AdminJS.useTranslation();
  const [values, setValues] = useState<Record<string, string>>({});
  const [file, setFile] = useState<Blob | undefined>(undefined);
  const [isBusy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | undefined>(undefined);
  const { fields, isDangerous, explanation } = action.custom;
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
        setOutcome({
          message,
          isGood,
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
      .filter(({ kind }) => kind !== 'preview')
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
