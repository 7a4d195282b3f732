/** What AdminJS leaves in the browser's window for components, as far as ours use it. These files run in the browser. */

export type Element = object | string | null;
type ElementType = unknown;
type Properties = Record<string, unknown> | null;

export type PropertyJson = {
  name: string;
  type: string;
  reference: string | null;
  availableValues: { value: string }[] | null;
};
export type RecordJson = { id: string; title: string; params: Readonly<Record<string, string | undefined>> };
export type ResourceJson = {
  id: string;
  listProperties: PropertyJson[];
  name: string;
  href: string | null;
  navigation: { name: string; icon: string } | null;
};
export type DocumentElement = {
  parentElement: DocumentElement | null;
  textContent: string;
  matches(selector: string): boolean;
  querySelector(selector: string): DocumentElement | null;
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
};
export type Session = { email: string; role: string; formToken: string };
export type ActionProperties = {
  action: {
    name: string;
    custom: {
      fields: { name: string; kind: string; isOptional?: boolean; filledFrom?: string; choices?: string[] }[];
      isDangerous: boolean;
      explanation: string;
    };
  };
  resource: ResourceJson;
  record?: RecordJson;
};
type State = { resources: ResourceJson[]; session: Session };
type Translate = (name: string, resourceId?: string) => string;

type Globals = {
  React: {
    Fragment: ElementType;
    createElement(type: ElementType, properties?: Properties, ...children: unknown[]): Element;
    useState<T>(initial: T): [T, (value: T) => void];
    useEffect(effect: () => undefined, dependencies: unknown[]): void;
  };
  ReactRedux: { useSelector<T>(select: (state: State) => T): T };
  ReactRouterDOM: { Link: ElementType };
  AdminJSDesignSystem: Record<string, ElementType>;
  AdminJS: {
    Application: Element;
    UserComponents: Record<string, (properties: never) => Element>;
    useTranslation(): {
      translateLabel: Translate;
      translateMessage: Translate;
      translateProperty: Translate;
      translateAction: Translate;
      translateButton: Translate;
      i18n: { language: string };
    };
  };
  createRoot(at: unknown): { render(element: Element): void };
  document: {
    getElementById(id: string): unknown;
    querySelectorAll(selector: string): Iterable<DocumentElement>;
    documentElement: { lang: string };
  };
  MutationObserver: new (
    changed: () => void,
  ) => { observe(root: unknown, options: Readonly<Record<string, boolean>>): void };
  location: { assign(url: string): void };
};

/** The browser's window. */
export const page = globalThis as unknown as Globals;

export const { createElement, useState, useEffect } = page.React;
export const {
  Badge,
  Box,
  Button,
  CurrentUserNav,
  FormGroup,
  H3,
  H4,
  Input,
  Label,
  MessageBox,
  Select,
  Text,
  TextArea,
  Icon,
} = page.AdminJSDesignSystem;

export function useSession(): Session {
  return page.ReactRedux.useSelector(({ session }) => session);
}

export type Answer = { status: number; body: Record<string, unknown> };

/** Asks the back-office: GET, or POST with the token that shows the page is ours. A lost session leads to the sign-in. */
export async function ask(path: string, session: Session, input?: Record<string, string>): Promise<Answer> {
  const post = {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-form-token': session.formToken },
    body: JSON.stringify(input),
  };
  const response = await fetch(`/admin/api/${path}`, input === undefined ? {} : post);
  if (response.status === 401) page.location.assign('/sign-in');
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** Sends a file as it is. @param input what else the command wants to know. */
export async function upload(
  path: string,
  session: Session,
  input: Record<string, string>,
  file: Blob,
): Promise<Answer> {
  const headers = { 'content-type': 'application/octet-stream', 'x-form-token': session.formToken };
  const response = await fetch(`/admin/api/${path}/upload?${new URLSearchParams(input).toString()}`, {
    method: 'POST',
    headers,
    body: file,
  });
  if (response.status === 401) page.location.assign('/sign-in');
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

/** The text for what a command answered when it was refused. */
export function refusal({ body }: Answer): string {
  const { error } = body as { error?: { code?: string; param?: string | null } };
  if (error?.code === 'state_conflict' && error.param === 'version') return 'error_stale';
  const known = [
    'invalid_request',
    'state_conflict',
    'not_found',
    'staff_forbidden',
    'second_person_needed',
    'insufficient_balance',
    'body_too_large',
  ];
  return error?.code !== undefined && known.includes(error.code) ? `error_${error.code}` : 'error_other';
}
